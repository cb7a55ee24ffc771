"""Disk that an import holds is given back, whatever became of it."""

import os
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

import customers.tasks  # noqa: F401  (what a worker knows how to do)
from customers.importing.receiving import folder_of, forget_abandoned
from customers.models import DataImport
from jobs.models import Job
from jobs.running import run, start
from tests.customers.importing.storage import an_import, batch, bring, line, order

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=8)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("jobs.bell.ring", lambda ids: 0)


def left_by_an_import(state, *, job="failed", ended_at=LONG_AGO, **fields):
    """An import of eight days ago with an upload in its folder, and the job that it was."""
    data_import = an_import()
    folder_of(data_import.token).mkdir(parents=True)
    (folder_of(data_import.token) / "upload.csv").write_text("order_id\n1\n")
    if job:
        Job.objects.create(kind="import", title="Import", state=job, args={"import": data_import.token}, ended_at=ended_at)
    DataImport.objects.filter(pk=data_import.pk).update(state=state, created_at=LONG_AGO, **fields)
    return data_import


def waiting_rows_of(data_import):
    """Where the import's rows wait: tables on PostgreSQL, a file on SQLite."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    staged = folder_of(data_import.token) / "staged.sqlite3"
    return [name for name in tables if data_import.token in name] + ([staged.name] if staged.exists() else [])


@pytest.mark.parametrize("state", ["uploaded", "refused", "stopped", "storing"])
def test_what_nobody_goes_on_with_for_a_week_is_forgotten_with_its_folder(state):
    data_import = left_by_an_import(state)
    assert forget_abandoned(timezone.now()) == 1
    assert not DataImport.objects.exists()
    assert not folder_of(data_import.token).exists()


def test_an_upload_that_was_never_started_is_forgotten():
    left_by_an_import("uploaded", job=None)
    assert forget_abandoned(timezone.now()) == 1


@pytest.mark.parametrize(
    ("state", "job", "ended_at"),
    [
        ("refused", "failed", timezone.now()),  # the file is old, the last try is not
        ("stopped", "queued", None),
        ("storing", "running", None),
        ("done", "done", LONG_AGO),  # its reject file can still be asked for
    ],
)
def test_what_somebody_is_at_and_what_is_done_stays(state, job, ended_at):
    data_import = left_by_an_import(state, job=job, ended_at=ended_at)
    assert forget_abandoned(timezone.now()) == 0
    assert folder_of(data_import.token).exists()


def test_an_import_that_set_something_aside_stays_until_that_is_put_back():
    left_by_an_import("storing", checkpoint={"set_aside": [["customers_order", "CREATE INDEX"]]})
    assert forget_abandoned(timezone.now()) == 0


def test_rows_that_wait_in_the_database_are_given_back_too():
    data_import = an_import()

    def stop(share, note):
        if "storing orders" in note:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        bring(batch(orders=[order("1", "7")], lines=[line("1")]), data_import=data_import, progress=stop)
    assert waiting_rows_of(data_import)
    DataImport.objects.update(created_at=LONG_AGO)
    assert forget_abandoned(timezone.now()) == 1
    assert waiting_rows_of(data_import) == []
    assert not folder_of(data_import.token).exists()


def test_part_files_of_a_process_that_was_killed_go_after_a_week(settings):
    old, new = (settings.IMPORTS_FOLDER / name for name in ("parts-old", "parts-new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (LONG_AGO.timestamp(),) * 2)
    forget_abandoned(timezone.now())
    assert [folder.name for folder in settings.IMPORTS_FOLDER.iterdir()] == ["parts-new"]


def test_an_import_makes_room_before_it_begins_and_a_forgotten_one_says_what_to_do():
    data_import = left_by_an_import("refused")
    job = run(start("import", "Import", {"import": "another"}).pk)
    assert job.error == "What this import had left was deleted after a week; bring the file in again."
    assert job.result["is_final"]
    assert not folder_of(data_import.token).exists()
