"""From a parser's batches to the tables: read into staging, judge, store in short chunks, count.

Reading rejects rows and stores nothing. If more than `IMPORT_REJECT_LIMIT` of the rows are broken nothing is applied at all.
Storing goes bucket by bucket; each is one transaction that also commits the checkpoint, so an import that is killed goes on
where it stopped, and ends with the rows of one that was not. What comes again as it was is not written: the same file twice
changes nothing. There are no checksums of rows because comparing the values themselves costs no more and cannot err; only an
order's lines have one, which spares reading them.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from django.conf import settings
from django.db import IntegrityError, connection, transaction

import customers.importing.steps  # noqa: F401  (registers the facts and steps of this app)
from accounts.models import Shop
from customers import metrics
from customers.importing import first_import, set_aside, storing_orders, waiting_files
from customers.importing.breaking_off import BreakingOff, StopIfAsked, nobody_asks
from customers.importing.causes import told
from customers.importing.column_batches import ColumnBatch
from customers.importing.facts import FACTS, STEPS, Step, register_all
from customers.importing.faults import ImportRefused, told_plainly
from customers.importing.records import Batch
from customers.importing.rejects import RejectFile
from customers.importing.sizes import size_of, unpacked_size
from customers.importing.staging import Staging, buckets_for, staging_for
from customers.importing.storing import Storing
from customers.importing.summary import Summary
from customers.importing.taking_in import TakingIn
from customers.importing.waiting_files import WaitingFiles
from customers.models import DataImport, Order
from customers.signals import file_stored
from jobs.reporting import LeaseLost, Stop

Progress = Callable[[float, str], None]
READ, STORED = 0.45, 0.90
"""Shares of the whole at which reading and storing end; counting the customers' figures is the rest."""


def load(
    batches: Iterable[Batch | ColumnBatch],
    data_import: DataImport,
    *,
    shop: Shop,
    as_of: datetime,
    progress: Progress | None = None,
    stop_if_asked: StopIfAsked = nobody_asks,
) -> Summary:
    """Store what `batches` bring and say what came of it; `data_import` has state, checkpoint and summary at every moment.

    `progress(share, note)` is called at least every few seconds; what it raises stops the import: while reading nothing is
    stored, later what is stored stays, and `load` goes on from there when called again with the same file. What
    `stop_if_asked` raises does the same within a second, whatever the database is in the middle of. Raises
    `ImportRefused` with one sentence if nothing was applied, or if the disk is full. Memory does not grow with the file.
    """
    register_all()
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own would keep a quarter gigabyte that it has no use for
    loading = _Loading(data_import, shop, as_of, progress or (lambda share, note: None), stop_if_asked)
    with told_plainly(data_import, loading.folder):
        return loading.run(batches)


class _Loading:
    def __init__(
        self, data_import: DataImport, shop: Shop, as_of: datetime, progress: Progress, stop_if_asked: StopIfAsked
    ) -> None:
        self.row, self.shop, self.as_of, self.progress = data_import, shop, as_of, progress
        self.stop_if_asked = stop_if_asked
        self.folder = Path(settings.IMPORTS_FOLDER) / data_import.token
        self.folder.mkdir(parents=True, exist_ok=True)
        self.size = size_of(Path(data_import.path))
        self.checkpoint = data_import.checkpoint
        self.summary = Summary.from_json(data_import.summary)
        self.began, self.spent = time.monotonic(), self.summary.seconds
        self._plan(unpacked_size(Path(data_import.path)))
        self.staging.dialect.prepare()

    def _plan(self, size: int) -> None:
        """Decide how the rows wait; anew as long as none do, since the shop may have got orders meanwhile."""
        if "staged" not in self.checkpoint:
            first = not self.checkpoint.get("done") and not Order.objects.exists()
            straight = first and waiting_files.fits(self.row.kind, size)
            self.checkpoint |= {"buckets": buckets_for(size), "first_orders": first, "straight": straight}
        kind = WaitingFiles if self.checkpoint["straight"] else staging_for
        self.staging: Staging = kind(self.row.token, self.checkpoint["buckets"], self.folder)

    def run(self, batches: Iterable[Batch | ColumnBatch]) -> Summary:
        try:
            with BreakingOff(self.stop_if_asked, self.staging.at_work):
                self._run(batches)
        except LeaseLost:  # another worker is at it by now: what there is, is its
            self.staging.leave()
            raise
        except BaseException as problem:
            self._stopped(problem)
            raise
        self.staging.drop()
        self.row.state, self.row.checkpoint = DataImport.State.DONE, {}
        self._save()
        return self.summary

    def _run(self, batches: Iterable[Batch | ColumnBatch]) -> None:
        set_aside.put_back_leftovers(self.row)
        if "staged" not in self.checkpoint or not self.staging.open(self.checkpoint["staged"]):
            self._read(batches)
        elif self.row.state != DataImport.State.STORING:
            self.row.state = DataImport.State.STORING
            self._save()
        self._store(self._storing())
        self.progress(STORED, "building indexes")
        set_aside.put_back(self.row, set_aside.ORDER_TABLES)
        self.progress(STORED, f"{self.summary.rows_stored:,} rows stored")
        metrics.settle(self.as_of, lambda share, note: self.progress(STORED + (1 - STORED) * share, note))
        set_aside.put_back(self.row)
        file_stored.send_robust(DataImport)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read(self, batches: Iterable[Batch | ColumnBatch]) -> None:
        self.stop_if_asked()  # rather than throw away what an earlier attempt had read
        self.row.state = DataImport.State.READING
        self._save()
        kept = self.summary  # what buckets that are done have counted stays
        self.summary = Summary(facts=kept.facts, orders_left_out=kept.orders_left_out)
        self.staging.begin()
        try:
            with RejectFile(self.folder, names_files=self.row.kind == DataImport.Kind.TABLES) as rejects:
                taking_in = TakingIn(self.staging, rejects, self.summary, self.as_of, self.shop.guest_key)
                for batch in batches:
                    taking_in.take(batch)
                    share = min(1.0, batch.bytes_read / self.size) if self.size else 0.0
                    rows = self.summary.rows_read
                    self.progress(READ * share, f"{rows:,} rows read" if rows else "looking through the file")
                self.staging.finish()
                self.staging.open(self.staging.counts, verify=False)
                lines_alone = self._reject_orphans(taking_in)
                self.summary.rows_rejected, self.summary.rows_held_back = rejects.broken, rejects.held_back
                self.summary.causes = rejects.causes.most()
            self.progress(READ, f"{self.summary.rows_read:,} rows read")
            self._judge()
        except LeaseLost:
            raise
        except BaseException:
            self.staging.drop()
            raise
        self._settle_currency(taking_in.currencies)
        self.checkpoint |= {"staged": self.staging.counts, "nameless": taking_in.nameless, "lines_alone": lines_alone}
        self.row.state = DataImport.State.STORING
        self._save()

    def _reject_orphans(self, taking_in: TakingIn) -> bool:
        """Reject children without a parent; True if lines came for orders that are stored, not in the file."""
        staging, lines_alone = self.staging, False
        if isinstance(staging, WaitingFiles) and not staging.is_fit():
            staging.fall_back(self.stop_if_asked)
            self.checkpoint["straight"] = False
        for name, facts in FACTS.items():
            if facts.parent is None or name not in staging.counts:
                continue
            looking = f"looking for the {facts.parent.noun} of every row"
            self.progress(READ, looking)
            if self.checkpoint["straight"] and isinstance(staging, WaitingFiles) and name in staging.columns:
                for strays in staging.orphans(name):
                    taking_in.orphaned(facts, strays)
                    self.progress(READ, looking)
                continue
            for bucket in range(staging.buckets):
                self.progress(READ, looking)
                is_alone = taking_in.reject_orphans(facts, bucket)
                lines_alone |= is_alone and name == "lines"
        return lines_alone

    def _judge(self) -> None:
        """Refuse the file if it is empty or too much of it is broken."""
        read, broken = self.summary.rows_read, self.summary.rows_rejected
        if not self.staging.counts and not broken:
            raise ImportRefused("The file has a header but no rows that can be stored, so nothing was changed; choose another.")
        if broken > settings.IMPORT_REJECT_LIMIT * read:
            raise ImportRefused(
                f"{broken:,} of {read:,} rows are broken, more than {settings.IMPORT_REJECT_LIMIT:.0%}, so nothing was stored: "
                f"{told(self.summary.causes, broken)}. Correct them and import again."
            )

    def _settle_currency(self, currencies: set[str]) -> None:
        """A shop without orders takes the currency of its first file, if that has one."""
        if not currencies or currencies == {self.shop.currency} or Order.objects.exists():
            return
        if len(currencies) == 1:
            [self.shop.currency] = currencies
            self.shop.save(update_fields=["currency"])
            self.summary.notes.append(f"The shop's currency is now {self.shop.currency}, as in the file.")
        else:
            counted = f"only orders in {self.shop.currency} count. The shop's settings can change that."
            self.summary.notes.append(f"The file has several currencies; {counted}")

    # --- storing -----------------------------------------------------------------------------------------------------

    def _storing(self) -> Storing:
        return Storing(
            self.staging,
            self.shop,
            self.as_of,
            self.row.options.get("source") or "generic",
            self.summary,
            nameless=self.checkpoint["nameless"],
            lines_alone=self.checkpoint["lines_alone"],
            first_orders=self.checkpoint["first_orders"],
            stop_if_asked=self.stop_if_asked,
        )

    def _store(self, storing: Storing) -> None:
        steps = [s for s in STEPS if any(map(storing.has, s.facts)) and (s.needed is None or s.needed(storing))]
        if "done" not in self.checkpoint and storing.first_orders and Order.objects.exists():
            self._not_the_first(storing)
        first = storing.first_orders and "set_aside" not in self.checkpoint
        if first and set_aside.worth_it(self.staging.counts.get("orders", 0)):
            set_aside.set_aside(self.row)
        self.checkpoint.setdefault("done", {})
        for number, step in enumerate(steps):
            began, width = READ + (STORED - READ) * number / len(steps), (STORED - READ) / len(steps)

            def tell(share: float, began: float = began, width: float = width, label: str = step.label) -> None:
                self.progress(min(began + width * max(share, 0.01), STORED), label)  # beyond READ: reading is over

            if step.name != "orders" or not self._store_straight(storing, tell):
                self._store_buckets(step, storing, tell)

    def _store_straight(self, storing: Storing, tell: Callable[[float], None]) -> bool:
        """Store orders and lines from their files; False if they have to go by buckets."""
        if not (self.checkpoint["straight"] and isinstance(self.staging, WaitingFiles)):
            return False
        done = self.checkpoint["done"].setdefault("straight", {})
        try:
            first_import.store(storing, self.staging, done, self._commit, tell)
        except IntegrityError:  # somebody else stores the same people or orders at this moment
            self._look_again(storing)
            first_import.give_up(storing, self.checkpoint["done"].pop("straight", {}), self._commit)
        return bool(self.checkpoint["straight"])

    def _store_buckets(self, step: Step, storing: Storing, tell: Callable[[float], None]) -> None:
        if step.name == "orders" and storing.has("lines"):
            storing_orders.number_products(storing)
        for bucket in range(self.checkpoint["done"].get(step.name, 0), self.staging.buckets):
            try:
                self._store_bucket(step, storing, bucket)
            except IntegrityError:  # somebody else stored one of these orders: look for them, and try once more
                self._look_again(storing)
                self._store_bucket(step, storing, bucket)
            tell((bucket + 1) / self.staging.buckets)

    def _store_bucket(self, step: Step, storing: Storing, bucket: int) -> None:
        """One transaction: the bucket's rows, and the checkpoint that says that they are stored."""
        with transaction.atomic():
            for setting in filter(None, (storing.dialect.before_chunk(), storing.dialect.by_index())):
                storing.run(setting)
            step.store(storing, bucket)
            self.checkpoint["done"][step.name] = bucket + 1
            self._commit()

    def _look_again(self, storing: Storing) -> None:
        self.row.refresh_from_db(fields=["checkpoint", "summary"])
        self.checkpoint = self.row.checkpoint
        self.checkpoint.setdefault("done", {})
        self.summary = storing.summary = Summary.from_json(self.row.summary)
        self._not_the_first(storing)

    def _not_the_first(self, storing: Storing) -> None:
        """Somebody else has stored orders: look for each before it is stored, and let all rows wait where that can be done."""
        if isinstance(self.staging, WaitingFiles) and self.checkpoint["straight"]:
            self.staging.fall_back(self.stop_if_asked)
        self.checkpoint |= {"first_orders": False, "straight": False}
        storing.first_orders = False

    def _commit(self) -> None:
        """Write checkpoint and summary in the transaction of what they tell."""
        DataImport.objects.filter(pk=self.row.pk).update(checkpoint=self.checkpoint, summary=self.summary.to_json())

    # --- ends --------------------------------------------------------------------------------------------------------

    def _stopped(self, problem: BaseException) -> None:
        """Something ended the import early: the row must tell how things stand, and no index may be missing for long."""
        if not connection.is_usable() or (connection.in_atomic_block and connection.needs_rollback):
            return
        stored = self.row.state == DataImport.State.STORING
        self.row.refresh_from_db(fields=["checkpoint", "summary"] if stored else ["checkpoint"])
        if stored:  # what was counted in a transaction that failed was not stored
            self.summary = Summary.from_json(self.row.summary)
        stored = stored or bool(self.row.checkpoint.get("done"))
        self.row.state = DataImport.State.STOPPED if stored else DataImport.State.REFUSED
        self._save()
        if not isinstance(problem, Stop | KeyboardInterrupt):  # then somebody waits; `start_mending` sees to it
            set_aside.put_back(self.row)

    def _save(self) -> None:
        self.summary.seconds = self.spent + time.monotonic() - self.began
        self.row.summary = self.summary.to_json()
        self.row.save(update_fields=["state", "checkpoint", "summary"])
