"""An import that is killed goes on where it stopped, and ends with what one that was not killed has."""

import json
import signal
import subprocess
import sys

import pytest
from django.db import connection
from django.test import override_settings

from customers.importing import running
from customers.models import DataImport, LineItem, Order
from tests.customers.importing.storage import indexes_and_keys, what_is_known, write_tables
from tests.emptying import empty_the_database
from tests.factories import NOW

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
ORDERS, LINES = 122, 300


def what_was_told(data_import):
    """The summary, but for the time that it took. A JSON column does not keep the order of keys, nor so that of sentences."""
    data_import.refresh_from_db()
    told = {key: value for key, value in data_import.summary.items() if key != "seconds"}
    return {**told, "sentences": sorted(told["sentences"])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_tables(tmp_path_factory.mktemp("resuming") / "tables", customers=20, orders=120)
    with (folder / "orders.csv").open("a") as file:  # what does not count is told too
        file.write("x1,#x1,c1,2025-03-01,USD,5,voided\nx2,#x2,c2,2025-03-01,USD,0,paid\n")
    return folder


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory, django_db_setup, django_db_blocker):
    """What is known and what was told after an import that nobody disturbs."""
    with django_db_blocker.unblock(), override_settings(IMPORTS_FOLDER=tmp_path_factory.mktemp("imports")):
        data_import = running.prepare(folder, "tables", {})
        running.run(data_import, as_of=NOW)
        found = what_is_known(), what_was_told(data_import)
        empty_the_database()
    assert (len(found[0]["Order"]), len(found[0]["LineItem"])) == (ORDERS, LINES)
    return found


@pytest.fixture(scope="module")
def killing():
    """The process whose forks kill themselves, once somebody has asked for it."""
    started = []
    yield started
    for process in started:
        process.communicate()


@pytest.fixture
def killed_at(killing, process_environment, settings):
    """Have another process begin the import and kill itself."""
    settings.IMPORTS_FOLDER = settings.VAR / "imports"  # the other process's

    def kill(data_import, step, times, way="buckets"):
        if not killing:
            command = [sys.executable, "-m", "tests.customers.importing.killed"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            killing.append(subprocess.Popen(command, env=process_environment, text=True, **pipes))
        [process] = killing
        process.stdin.write(json.dumps([data_import.token, step, times, way]) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{int(signal.SIGKILL)}\n", "the import did not die as it should"

    return kill


@pytest.mark.parametrize(
    ("step", "times", "way"),
    [
        ("rows read", 2, "buckets"),
        ("storing orders", 2, "buckets"),
        ("storing refunds", 2, "buckets"),
        ("customers counted", 1, "buckets"),
        ("storing orders", 3, "straight"),
        ("storing orders", 8, "straight"),
    ],
)
def test_an_import_that_is_killed_ends_as_one_that_was_not(folder, undisturbed, killed_at, step, times, way):
    if way == "straight" and connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has COPY")
    before = indexes_and_keys()
    data_import = running.prepare(folder, "tables", {})
    killed_at(data_import, step, times, way)
    stored = Order.objects.count()
    assert stored == 0 if step == "rows read" else 0 < stored <= ORDERS
    if step == "storing orders":
        assert LineItem.objects.count() < LINES
    data_import = DataImport.objects.get(pk=data_import.pk)
    running.run(data_import, as_of=NOW)
    known, told = undisturbed
    assert what_is_known() == known
    assert what_was_told(data_import) == told
    assert indexes_and_keys() == before
    assert data_import.state == DataImport.State.DONE


def test_a_killed_import_whose_staged_rows_are_lost_reads_its_file_again(folder, undisturbed, killed_at, settings):
    data_import = running.prepare(folder, "tables", {})
    killed_at(data_import, "storing orders", 2)
    if connection.vendor == "postgresql":  # as a crash of the server leaves unlogged tables
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE stage_{data_import.token}_orders")
    else:
        (settings.IMPORTS_FOLDER / data_import.token / "staged.sqlite3").unlink()
    data_import = DataImport.objects.get(pk=data_import.pk)
    running.run(data_import, as_of=NOW)
    assert (what_is_known(), what_was_told(data_import)) == undisturbed


def test_what_a_killed_import_set_aside_is_built_again_by_the_next_one(folder, undisturbed, killed_at):
    before = indexes_and_keys()
    abandoned = running.prepare(folder, "tables", {})
    killed_at(abandoned, "storing orders", 2)
    assert (indexes_and_keys() != before) == (connection.vendor == "postgresql")
    running.run(running.prepare(folder, "tables", {}), as_of=NOW)
    assert indexes_and_keys() == before
    assert what_is_known() == undisturbed[0]
