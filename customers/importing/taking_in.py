"""Reading: a source's batches are checked, shaped and staged; what cannot be taken goes to the reject file."""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from customers.importing.catalogue import Catalogue
from customers.importing.column_batches import ColumnBatch
from customers.importing.facts import FACTS, Arrays, Facts
from customers.importing.records import Batch, Reject
from customers.importing.rejects import RejectFile
from customers.importing.shapes import name_guests
from customers.importing.soundness import arrays_of, checked
from customers.importing.staging import Staging
from customers.importing.summary import Summary

_NO_PARENT = "There is no {0} {1} in these files or in the shop; import the {0} first or correct the id."


class TakingIn:
    """Takes batches into staging and learns about the file what storing needs to know.

    `nameless`: some rows name their customer by address only; `currencies`: up to a few that orders are in. `guest_key` is the
    shop's secret that the ids of such customers are made with.
    """

    def __init__(self, staging: Staging, rejects: RejectFile, summary: Summary, as_of: datetime, guest_key: str) -> None:
        self.staging, self.rejects, self.summary, self.as_of = staging, rejects, summary, as_of
        self._guest_key = guest_key
        self.nameless = False
        self.currencies: set[str] = set()
        self._catalogue = Catalogue()
        self._numbered: set[str] = set()
        self._files: dict[str, str] = {}

    def take(self, batch: Batch | ColumnBatch) -> None:
        """Stage a batch, reject what is wrong in it, and count."""
        file = batch.file if isinstance(batch, ColumnBatch) else ""
        self.rejects.add(batch.rejects, file)
        self.summary.rows_read += batch.rows_read
        for reason, count in batch.left_out.items():
            self.summary.rows_left_out[reason] = self.summary.rows_left_out.get(reason, 0) + count
        if isinstance(batch, ColumnBatch):
            self._files[batch.facts] = file
            if batch.arrays:
                facts = FACTS[batch.facts]
                arrays, wrong = checked(facts, batch.arrays, self.as_of, batch.original, batch.names)
                self.rejects.add(wrong, file)
                self._stage(facts, arrays)
            return
        for name, facts in FACTS.items():
            if rows := getattr(batch, name, None):
                arrays, misfits = arrays_of(facts, rows)
                arrays, wrong = checked(facts, arrays, self.as_of)
                self.rejects.add([*misfits, *wrong])
                self._stage(facts, arrays)

    def _stage(self, facts: Facts, arrays: Arrays) -> None:
        shaped = name_guests(facts.shape(arrays, self._catalogue), self._guest_key)
        if "line" in arrays:
            shaped["line"] = arrays["line"]
            self._numbered.add(facts.name)
        if (new := self._catalogue.take_new()) is not None:
            self.staging.add("products", new)
        if facts.name == "orders" and len(self.currencies) < 2:
            self.currencies |= set(arrays["currency"].unique().drop_null().to_pylist())
        if facts.name in {"customers", "orders"} and not self.nameless:
            without_id = shaped["has_id"].false_count
            self.nameless = shaped["ref"].null_count < without_id
        self.staging.add(facts.name, shaped)

    def reject_orphans(self, facts: Facts, bucket: int) -> bool:
        """Write the children without a parent to the reject file; True if a parent is stored and not in the file."""
        parent = facts.parent
        assert parent is not None  # noqa: S101
        children = self.staging.bucket(facts.name, bucket)
        strays = f"SELECT s.seq, s.{parent.column} FROM {children} s WHERE s.{parent.column} IS NOT NULL"
        if parent.facts in self.staging.counts:
            in_file = f"SELECT {parent.column} FROM {self.staging.bucket(parent.facts, bucket)} t"
            strays += f" AND s.{parent.column} NOT IN ({in_file})"
        stored = f"EXISTS (SELECT 1 FROM {parent.table} p WHERE p.{parent.column} = s.{parent.column})"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS ({strays})")
            if not cursor.fetchone()[0]:
                return False
            cursor.execute(f"{strays} AND NOT {stored} ORDER BY s.seq")
            self.orphaned(facts, cursor.fetchall())
            cursor.execute(f"SELECT EXISTS ({strays} AND {stored})")
            return bool(cursor.fetchone()[0])

    def orphaned(self, facts: Facts, rows: Iterable[tuple[int, str]]) -> None:
        """Reject rows (their places and the parents they name) whose parent is nowhere."""
        parent = facts.parent
        assert parent is not None  # noqa: S101
        has_lines, cause = facts.name in self._numbered, f"whose {parent.noun} is nowhere"
        rejects = (
            Reject(line if has_lines else 0, parent.column, _NO_PARENT.format(parent.noun, key), key, cause=cause)
            for line, key in rows
        )
        self.rejects.add(rejects, self._files.get(facts.name, ""))
