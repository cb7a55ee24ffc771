"""Scores and archetypes to rows. A run's rows are invisible until `publishing` points at it, so they go in bit by bit."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from customers.columns import write_columns
from customers.money import UNIT, from_units
from segmentation.maths.model import Observations, Scores
from segmentation.models import Membership, SegmentationRun

# Rows in one transaction: on SQLite the write lock is held for about a quarter of a second.
ROWS_AT_ONCE = 25_000


@dataclass(frozen=True)
class ScoredCustomers:
    """Memberships of some customers, ready to store; arrays of one length n.

    `customer_ids` and `archetype_pks` int64, `segments` uint8 (n, axes), `shares` float32 (n, all segments of all axes),
    `evidence` uint16 (n, axes), `agrees_on` int16, `order_counts` int32, `values` float64 (lifetime value).
    """

    customer_ids: NDArray[np.int64]
    archetype_pks: NDArray[np.int64]
    segments: NDArray[np.uint8]
    shares: NDArray[np.float32]
    evidence: NDArray[np.uint16]
    agrees_on: NDArray[np.int16]
    order_counts: NDArray[np.int32]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.customer_ids)

    def part(self, start: int, stop: int) -> "ScoredCustomers":
        """Rows `start` to `stop`."""
        return ScoredCustomers(*(getattr(self, field.name)[start:stop] for field in fields(self)))

    def of_archetypes(self, archetype_pks: NDArray[np.int64]) -> "ScoredCustomers":
        """The same customers with their archetypes."""
        return replace(self, archetype_pks=archetype_pks)


def scored_customers(observations: Observations, scores: Scores, agrees_on: NDArray[np.int16]) -> ScoredCustomers:
    """Scores with what they are stored beside: orders and lifetime value (refunds netted, never below zero)."""
    counts = observations.counts
    return ScoredCustomers(
        customer_ids=scores.customer_ids,
        archetype_pks=np.zeros(len(scores), dtype=np.int64),
        segments=scores.segments,
        shares=scores.shares,
        evidence=scores.evidence,
        agrees_on=agrees_on,
        order_counts=counts["orders"].astype(np.int32),
        values=np.maximum(counts["value"] - counts["refunded_from_orders"], 0.0),
    )


def store_memberships(run: SegmentationRun, scored: ScoredCustomers, scored_at: datetime) -> None:
    """Insert one membership row a customer, in short transactions."""
    for start in range(0, len(scored), ROWS_AT_ONCE):
        with transaction.atomic():
            write_columns(Membership._meta.db_table, _columns(run, scored.part(start, start + ROWS_AT_ONCE), scored_at))


def store_membership(run: SegmentationRun, scored: ScoredCustomers, scored_at: datetime, *, in_place_of: int | None) -> None:
    """Store one customer's row, over the row `in_place_of` if there is one; one statement."""
    (customer_pk,) = scored.customer_ids.tolist()
    columns: dict[str, Any] = {
        "archetype_id": int(scored.archetype_pks[0]),
        "segments": digits(scored.segments)[0].decode(),
        "shares": scored.shares[0].astype("<f4").tobytes(),
        "evidence": scored.evidence[0].astype("<u2").tobytes(),
        "agrees_on": int(scored.agrees_on[0]),
        "order_count": int(scored.order_counts[0]),
        "lifetime_value": money(scored.values[0]),
        "scored_at": scored_at,
    }
    if in_place_of is None:
        Membership.objects.create(run=run, customer_id=customer_pk, **columns)
    else:
        Membership.objects.filter(pk=in_place_of).update(**columns)


def digits(segments: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Each row's segment positions as one text of digits."""
    return (segments + ord("0")).astype("u1").view(f"S{segments.shape[1]}").ravel()


def money(value: float | np.floating[Any]) -> Decimal:
    """A float of the maths as money; exact to the ten-thousandth for anything below 900 thousand million."""
    return from_units(round(float(value) * UNIT))


def _columns(run: SegmentationRun, scored: ScoredCustomers, scored_at: datetime) -> dict[str, NDArray[Any]]:
    n = len(scored)
    instant = np.datetime64(scored_at.astimezone(UTC).replace(tzinfo=None), "us")
    return {
        "run_id": np.full(n, run.pk, dtype=np.int64),
        "customer_id": scored.customer_ids,
        "archetype_id": scored.archetype_pks,
        "segments": digits(np.ascontiguousarray(scored.segments)),
        "shares": _raw_rows(scored.shares.astype("<f4")),
        "evidence": _raw_rows(scored.evidence.astype("<u2")),
        "agrees_on": scored.agrees_on.astype(np.int16),
        "order_count": scored.order_counts.astype(np.int32),
        "lifetime_value": np.rint(scored.values * UNIT).astype(np.int64),
        "scored_at": np.full(n, instant),
    }


def _raw_rows(values: NDArray[Any]) -> NDArray[np.void]:
    """Each row's bytes as one value."""
    values = np.ascontiguousarray(values)
    return values.view(f"V{values.shape[1] * values.itemsize}").ravel()
