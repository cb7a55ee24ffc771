"""A file that somebody uploaded: from its bytes on the disk to a `DataImport` that waits for choices, and away again."""

import secrets
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from accounts.models import User
from customers.importing.grouping import PARTS
from customers.importing.options import FileReport, ReadOptions, UnreadableFile
from customers.importing.reading import inspect
from customers.models import DataImport
from jobs.models import Job

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
ABANDONED_AFTER = timedelta(days=7)


def new_token() -> str:
    """128 random bits in hexadecimal: the name of an import's folder and page."""
    return secrets.token_hex(16)


def suffix_of(name: str) -> str:
    """What the file's copy on this server ends with (".csv.gz"); raises `UnreadableFile` for a kind that we do not read."""
    lowered = name.lower()
    packed = ".gz" if lowered.endswith(".gz") else ""
    suffix = Path(lowered.removesuffix(".gz")).suffix
    if suffix not in SUFFIXES:
        shown = name if len(name) <= 60 else f"{name[:57]}…"
        raise UnreadableFile(
            f"Quimbi reads .csv, .tsv, .txt and .jsonl files, each also as .gz, and not {shown}; export the data as CSV."
        )
    return suffix + packed


def look_first(path: Path, kind: str = "") -> FileReport:
    """What the file is, for a page where columns can be matched by hand.

    A table without a single column that we know is still one that a person can match; everything else that cannot be read
    raises `UnreadableFile`.
    """
    options = ReadOptions(kind=kind)
    try:
        report = inspect(path, options)
    except UnreadableFile as problem:
        try:
            report = inspect(path, replace(options, source="generic"))
        except UnreadableFile:
            raise problem from None
        if len(report.columns) < 2:
            raise
    if report.columns and not report.samples:
        raise UnreadableFile(
            "The file has a header but no rows that fit it, so there is nothing to import; choose another file."
        )
    return report


def receive(token: str, path: Path, name: str, kind: str, by: User) -> DataImport:
    """A row for the uploaded file at `path`, which lies in the folder of `token`; raises `UnreadableFile`."""
    report = look_first(path, kind)
    return DataImport.objects.create(
        token=token,
        kind=report.kind,
        path=str(path),
        original_name=name[-255:],
        options={"source": report.source, "kind": report.kind},
        created_by=by,
    )


def folder_of(token: str) -> Path:
    """Where the files of an import lie."""
    return Path(settings.IMPORTS_FOLDER) / token


def drop_upload(data_import: DataImport) -> None:
    """Delete the uploaded copy of a file that is stored; a file that lay on the server before is left where it is."""
    path = Path(data_import.path)
    if path.parent == folder_of(data_import.token):
        path.unlink(missing_ok=True)


def forget_abandoned(now: datetime) -> int:
    """Forget imports that nobody has gone on with for a week, and give back the disk that they hold; return how many.

    Uploads that were never started, refused ones, stopped ones that nobody goes on with. One query, and a few for each.
    """
    long_ago = now - ABANDONED_AFTER
    forgotten = 0
    unfinished = DataImport.objects.exclude(state=DataImport.State.DONE).filter(created_at__lt=long_ago)
    # What an import has set aside is known from its row only; the next import puts it back.
    for data_import in unfinished.exclude(checkpoint__set_aside__0__isnull=False):
        jobs = Job.objects.filter(kind="import", args__import=data_import.token)
        if not jobs.exclude(ended_at__lt=long_ago).exists():
            _drop_everything(data_import)
            forgotten += data_import.delete()[0]
    for parts in Path(settings.IMPORTS_FOLDER).glob(f"{PARTS}*"):  # of a process that was killed
        if parts.stat().st_mtime < long_ago.timestamp():
            shutil.rmtree(parts, ignore_errors=True)
    return forgotten


def _drop_everything(data_import: DataImport) -> None:
    """The folder and the rows that wait in the database."""
    folder = folder_of(data_import.token)
    if buckets := data_import.checkpoint.get("buckets"):
        import customers.importing.steps  # noqa: F401  (with it comes Arrow, which the site's start does without)
        from customers.importing.facts import register_all
        from customers.importing.staging import staging_for

        register_all()
        staging_for(data_import.token, buckets, folder).drop()
    shutil.rmtree(folder, ignore_errors=True)
