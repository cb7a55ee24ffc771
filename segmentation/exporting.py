"""Everybody's memberships as a file that other programs read."""

import csv
import gzip
import os
from pathlib import Path
from typing import IO

from segmentation.axes import AXES
from segmentation.models import Membership
from segmentation.reading import evidence_of, memberships_of, pin_active_run

COLUMNS = ("customer_id", "axis", "segment", "membership", "evidence")


def export_memberships(path: Path) -> int:
    """Write the active run to a CSV file (gzipped if the name ends in .gz) and return the number of customers.

    One row a customer, axis and segment; memberships of an axis add up to one, evidence is the number of observations behind
    the axis. The file appears whole or not at all. One statement, flat memory, about 20 s for 94,000 customers.

    Raises
    ------
    LookupError
        If nothing has been published yet.
    OSError
        If the file cannot be written.
    """
    pinned = pin_active_run()
    if pinned is None:
        raise LookupError("There is no segmentation yet: run `segment` first.")
    memberships = Membership.objects.filter(run=pinned.run).select_related("customer").order_by("customer__customer_id")
    part = path.with_name(f".{path.name}.part")
    customers = 0
    try:
        with _opened(part, compressed=path.suffix == ".gz") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for membership in memberships.only("segments", "shares", "evidence", "customer__customer_id").iterator(2_000):
                shares, evidence = memberships_of(membership, pinned.model), evidence_of(membership)
                writer.writerows(
                    (membership.customer.customer_id, axis.name, segment, f"{share:.6f}", evidence[axis.name])
                    for axis in AXES
                    for segment, share in shares[axis.name].items()
                )
                customers += 1
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return customers


def _opened(path: Path, *, compressed: bool) -> IO[str]:
    if compressed:
        return gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=5)
    return path.open("w", encoding="utf-8", newline="")
