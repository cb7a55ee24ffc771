"""How an import that does not come to its end leaves things: for its next attempt, or for whoever has it by now."""

import os
import signal
from pathlib import Path
from threading import Lock, Thread

import pytest
from django.db import connection

from customers import metrics
from customers.importing import first_import, loading, running, set_aside, storing_orders, table_files, waiting_files
from customers.importing.staging import staging_for
from customers.models import Customer, DataImport, MetricsDue, Order
from customers.tasks import start_mending
from jobs.models import Job
from jobs.reporting import Cancelled, LeaseLost
from jobs.running import again, cancel, run, start
from quimbi import schedule
from tests.customers.importing.storage import (
    ENDLESS,
    an_import,
    batch,
    bring,
    indexes_and_keys,
    line,
    order,
    what_is_known,
    write_tables,
)
from tests.emptying import empty_the_database
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)
only_by_copy = pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has COPY")


def at(step, problem):
    def progress(share, note):
        if step in note:
            raise problem

    return progress


@pytest.mark.parametrize("step", ["rows read", "storing orders"])
def test_an_attempt_that_lost_its_lease_leaves_rows_and_state_to_the_one_that_has_it(step):
    data_import = an_import()
    rows = [batch(orders=[order("1", "7")], lines=[line("1")]), batch(orders=[order("2", "7")])]
    with pytest.raises(LeaseLost):
        bring(*rows, data_import=data_import, progress=at(step, LeaseLost()))
    data_import.refresh_from_db()
    assert data_import.state == (DataImport.State.READING if step == "rows read" else DataImport.State.STORING)
    summary = bring(*rows, data_import=data_import)
    assert Order.objects.count() == summary.facts["orders"].new == 2


def test_rows_of_a_transaction_that_failed_are_not_counted_however_often_it_fails(monkeypatch):
    data_import = an_import()
    rows = batch(orders=[order("1", "7")], lines=[line("1")])
    commit = loading._Loading._commit

    def fails(loader):
        commit(loader)
        if "orders" in loader.checkpoint["done"]:
            raise RuntimeError("when all is counted")

    with monkeypatch.context() as patched:
        patched.setattr(loading._Loading, "_commit", fails)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                bring(rows, data_import=data_import)
            data_import.refresh_from_db()
            assert data_import.state == DataImport.State.STOPPED
            assert data_import.summary["facts"].get("orders", {}).get("new", 0) == 0
    summary = bring(rows, data_import=data_import)
    assert (summary.facts["orders"].new, summary.facts["lines"].new) == (1, 1)


# --- stopped in the middle of a statement ----------------------------------------------------------------------------


def hanging(monkeypatch, where, name, then):
    """The first call of a function, of whatever thread, does `then` and goes on for ever."""
    goes_on, first = getattr(where, name), Lock()

    def hang(*args):
        if not first.acquire(blocking=False):
            return goes_on(*args)
        then()
        with connection.cursor() as cursor:
            cursor.execute(ENDLESS)

    monkeypatch.setattr(where, name, hang)


@pytest.mark.parametrize("hangs", ["lines", "counting"])
def test_an_import_that_is_stopped_in_the_middle_of_a_statement_keeps_what_was_stored_and_goes_on(monkeypatch, hangs):
    rows = batch(orders=[order(str(n), "7") for n in range(5)], lines=[line(str(n)) for n in range(5)])
    asked = []

    def stop_if_asked():
        if asked:
            raise Cancelled

    place = (storing_orders, "_write_lines") if hangs == "lines" else (metrics, "_count")
    hanging(monkeypatch, *place, lambda: asked.append(True))
    data_import = an_import()
    with pytest.raises(Cancelled):
        bring(rows, data_import=data_import, stop_if_asked=stop_if_asked)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.STOPPED
    assert Order.objects.count() == (0 if hangs == "lines" else 5)
    summary = bring(rows, data_import=data_import)
    assert (summary.facts["orders"].new, summary.facts["lines"].new, summary.rows_read) == (5, 5, 10)
    assert Customer.objects.get().order_count == 5


def test_an_import_that_is_stopped_while_what_was_read_is_put_in_order_has_stored_nothing(monkeypatch):
    asked = []

    def stop_if_asked():
        if asked:
            raise Cancelled

    def goes_on_for_ever(staging):
        asked.append(True)
        for connection_at_work in staging.at_work():
            connection_at_work.execute(ENDLESS)

    data_import = an_import()
    with monkeypatch.context() as patched:
        patched.setattr(type(staging_for("any", 1, Path())), "finish", goes_on_for_ever)
        with pytest.raises(Cancelled):
            bring(batch(orders=[order("1", "7")]), data_import=data_import, stop_if_asked=stop_if_asked)
    data_import.refresh_from_db()
    assert (data_import.state, Order.objects.count()) == (DataImport.State.REFUSED, 0)
    assert bring(batch(orders=[order("1", "7")]), data_import=data_import).rows_stored == 1


@pytest.fixture
def large(monkeypatch, settings):
    """Small folders are imported as large ones are; reports come soon."""
    settings.JOB_REPORT_SECONDS = 0.05
    monkeypatch.setattr(waiting_files, "LARGE", 0)
    monkeypatch.setattr(set_aside, "WORTH_IT", 1)
    monkeypatch.setattr(first_import, "ORDERS_AT_ONCE", 1)
    monkeypatch.setattr(first_import, "LINES_AT_ONCE", 1)
    monkeypatch.setattr(table_files, "BLOCK", 2_000)


@pytest.fixture
def folder(tmp_path):
    return write_tables(tmp_path / "t", customers=5, orders=60)


@pytest.fixture
def begun(folder):
    """An import of the folder, and its job."""
    data_import = running.prepare(folder, "tables", {})
    job = start("import", "Import", {"import": data_import.token}, only_one_of="import")
    return data_import, job


def cancelled_in_the_middle(monkeypatch, job):
    def somebody_cancels():
        cancel(job.pk)
        connection.close()

    def elsewhere():
        somebody = Thread(target=somebody_cancels)
        somebody.start()
        somebody.join()

    hanging(monkeypatch, first_import._Lines, "copy", elsewhere)
    assert run(job.pk).state == Job.State.CANCELLED


@only_by_copy
def test_a_cancelled_first_import_ends_in_the_middle_of_a_copy_and_goes_on_to_the_same_rows(large, folder, begun, monkeypatch):
    running.run(running.prepare(folder, "tables", {}), as_of=NOW)
    known, before = what_is_known(), indexes_and_keys()
    empty_the_database()
    data_import = running.prepare(folder, "tables", {})
    job = start("import", "Import", {"import": data_import.token}, only_one_of="import")
    cancelled_in_the_middle(monkeypatch, job)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.STOPPED
    assert indexes_and_keys() != before  # nobody has waited for them
    assert run(again(job).pk).state == Job.State.DONE
    assert what_is_known() == known
    assert indexes_and_keys() == before
    data_import.refresh_from_db()
    assert data_import.summary["facts"]["orders"]["new"] == 60


@only_by_copy
def test_what_a_cancelled_import_set_aside_is_built_again_and_who_has_orders_is_counted(large, begun, monkeypatch):
    before = indexes_and_keys()
    _, job = begun
    cancelled_in_the_middle(monkeypatch, job)
    assert indexes_and_keys() != before
    schedule.tick()
    [mending] = Job.objects.filter(kind="mend")
    done = run(mending.pk)
    assert (done.state, done.result["summary"]) == (
        Job.State.DONE, "The indexes are built again. The figures of 5 customers were counted.",
    )  # fmt: skip
    assert indexes_and_keys() == before
    stored = Order.objects.count()
    assert stored > 0
    assert sum(Customer.objects.values_list("order_count", flat=True)) == stored
    schedule.tick()
    assert Job.objects.filter(kind="mend").count() == 1
    assert run(again(job).pk).state == Job.State.DONE
    assert (Order.objects.count(), sum(Customer.objects.values_list("order_count", flat=True))) == (60, 60)
    assert not MetricsDue.objects.exists()


@only_by_copy
def test_ctrl_c_ends_an_import_in_the_middle_of_a_copy(large, begun, monkeypatch):
    data_import, job = begun
    hanging(monkeypatch, first_import._Lines, "copy", lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(job.pk)
    data_import.refresh_from_db()
    job.refresh_from_db()
    assert (data_import.state, job.state) == (DataImport.State.STOPPED, Job.State.CANCELLED)
    assert run(again(job).pk).state == Job.State.DONE
    assert Order.objects.count() == 60


@pytest.mark.parametrize("state", [Job.State.QUEUED, Job.State.RUNNING])
def test_nothing_is_mended_while_an_import_waits_or_runs_for_it_does_so_itself(state):
    data_import = an_import()
    assert start_mending() is None
    DataImport.objects.filter(pk=data_import.pk).update(checkpoint={"set_aside": [["customers_order", "CREATE INDEX"]]})
    job = Job.objects.create(kind="import", title="Import", only_one_of="import", state=state)
    assert start_mending() is None
    job.delete()
    mending = start_mending()
    assert (mending.kind, mending.only_one_of) == ("mend", "import")
    assert start_mending() is None
