"""An import that is killed goes on where it stopped, and ends with what one that was not killed has."""

import signal
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection

from customers.importing import running
from customers.models import DataImport, LineItem, Order
from tests.customers.importing.storage import what_is_known, write_tables
from tests.factories import NOW

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def indexes_and_keys():
    with connection.cursor() as cursor:
        found = {
            table: sorted(
                (tuple(constraint["columns"]), constraint["index"], constraint["unique"], constraint["foreign_key"])
                for constraint in connection.introspection.get_constraints(cursor, table).values()
                if not constraint["check"]
            )
            for table in ("customers_customer", "customers_order", "customers_lineitem")
        }
    return repr(found)


def killed_at(environment, data_import, step, times, way="buckets"):
    """Have another process begin the import and kill itself."""
    command = [sys.executable, "-m", "tests.customers.importing.killed", data_import.token, step, str(times), way]
    killed = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr


@pytest.fixture
def clean_run(tmp_path, settings, transactional_db):
    """What is known after an import that nobody disturbs, in a database that is empty again, and the folder."""
    settings.IMPORTS_FOLDER = settings.VAR / "imports"  # the other process's
    folder = write_tables(tmp_path / "tables")
    running.run(running.prepare(folder, "tables", {}), as_of=NOW)
    known = what_is_known()
    assert len(known["LineItem"]) == 1000
    call_command("flush", interactive=False, verbosity=0)
    return known, folder


@pytest.mark.parametrize(
    ("step", "times", "way"),
    [
        ("rows read", 2, "buckets"),
        ("storing orders", 4, "buckets"),
        ("storing refunds", 3, "buckets"),
        ("customers counted", 1, "buckets"),
        ("storing orders", 3, "straight"),
        ("storing orders", 15, "straight"),
    ],
)
def test_an_import_that_is_killed_ends_as_one_that_was_not(clean_run, process_environment, step, times, way):
    if way == "straight" and connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has COPY")
    known, folder = clean_run
    before = indexes_and_keys()
    data_import = running.prepare(folder, "tables", {})
    killed_at(process_environment, data_import, step, times, way)
    stored = Order.objects.count()
    assert stored == 0 if step == "rows read" else 0 < stored <= 400
    if step == "storing orders":
        assert LineItem.objects.count() < 1000
    running.run(DataImport.objects.get(pk=data_import.pk), as_of=NOW)
    assert what_is_known() == known
    assert indexes_and_keys() == before
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.DONE
    counts = data_import.summary["facts"]
    assert (counts["orders"]["new"], counts["lines"]["new"], counts["refunds"]["new"]) == (400, 1000, 80)
    assert data_import.summary["rows_read"] == 1640


def test_a_killed_import_whose_staged_rows_are_lost_reads_its_file_again(clean_run, process_environment, settings):
    known, folder = clean_run
    data_import = running.prepare(folder, "tables", {})
    killed_at(process_environment, data_import, "storing orders", 5)
    if connection.vendor == "postgresql":  # as a crash of the server leaves unlogged tables
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE stage_{data_import.token}_orders")
    else:
        (settings.IMPORTS_FOLDER / data_import.token / "staged.sqlite3").unlink()
    running.run(DataImport.objects.get(pk=data_import.pk), as_of=NOW)
    assert what_is_known() == known
    data_import.refresh_from_db()
    assert data_import.summary["facts"]["orders"]["new"] == 400


def test_what_a_killed_import_set_aside_is_built_again_by_the_next_one(clean_run, process_environment):
    known, folder = clean_run
    before = indexes_and_keys()
    abandoned = running.prepare(folder, "tables", {})
    killed_at(process_environment, abandoned, "storing orders", 4)
    assert (indexes_and_keys() != before) == (connection.vendor == "postgresql")
    running.run(running.prepare(folder, "tables", {}), as_of=NOW)
    assert indexes_and_keys() == before
    assert what_is_known() == known
