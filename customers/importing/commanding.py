"""What the four import commands share: their options, the job that they are, progress and summary in the terminal."""

import sys
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.models import Q

import customers.tasks  # noqa: F401  (tells `jobs` how an import is done)
from customers.importing import running, set_aside
from customers.importing.faults import ImportRefused
from customers.importing.rejects import path_of
from customers.models import DataImport
from jobs.models import Job
from jobs.progress import storable
from jobs.running import abandoned, settle_abandoned
from jobs.running import run as run_job

SOURCES = ("auto", "shopify", "shopify-bulk", "woocommerce", "online-retail", "generic")


class ImportCommand(BaseCommand):
    """Imports one file in this process, as the job that any worker would go on with if this process were killed."""

    kind: DataImport.Kind

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and what cannot be read off it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", choices=SOURCES, default="auto", help="what wrote the file; auto looks at its columns")
        parser.add_argument("--map", nargs="+", default=[], metavar="field=column", help="which column holds a field")
        parser.add_argument("--currency", default="", help="of amounts that name none, like USD")
        parser.add_argument("--date-order", choices=("dmy", "mdy", "ymd"), default="", help="how 03/04/05 is meant")
        parser.add_argument("--decimal", choices=(".", ","), default="", help="the decimal mark of amounts")
        parser.add_argument("--time-zone", default="", help="of times without an offset, like Europe/London")
        parser.add_argument("--encoding", default="", help="like utf-8 or cp1252; looked for without it")
        parser.add_argument("--amount-per", choices=("line", "order"), default="", help="what an amount column tells")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what came of it."""
        try:
            data_import = running.prepare(options["file"], self.kind, _read_options(options))
        except ImportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.do(data_import)

    def do(self, data_import: DataImport) -> None:
        """Run the import to its end and print what came of it; `CommandError` with one sentence if it was refused.

        An import of the same file, asked for in the same words, that did not come to its end goes on instead.
        """
        data_import, job = self._begin(data_import)
        try:
            ended = self._run(job)
        except KeyboardInterrupt as stop:
            _withdraw(job, data_import)
            raise CommandError(_how_it_was_left(data_import), returncode=130) from stop
        if ended is None:
            raise CommandError(_why_not(job, is_withdrawn=_withdraw(job, data_import)))
        data_import.refresh_from_db()
        if ended.state != Job.State.DONE:
            raise CommandError(self._problem(ended, data_import))
        for sentence in data_import.summary["sentences"]:
            self.stdout.write(sentence)
        self._tell_rejects(data_import)
        self.stdout.write(self.style.SUCCESS(f"Done in {data_import.summary['seconds']:,.1f} s."))

    def _begin(self, data_import: DataImport) -> tuple[DataImport, Job]:
        """The import to run, and the job that it is."""
        settle_abandoned(Q(only_one_of="import"))
        asked = storable({"options": data_import.options, "files": _files_at(Path(data_import.path))})
        if earlier := _begun_before(data_import, asked):
            self.stdout.write("This import was begun before; it goes on.")
            data_import.delete()
            data_import = earlier
            if earlier.job and not earlier.job.has_ended:
                return earlier, earlier.job
        return data_import, Job.objects.create(
            kind="import",
            title=f"Import {data_import.original_name}"[:200],
            args={"import": data_import.token, "asked": asked},
            only_one_of="import",
        )

    def _run(self, job: Job) -> Job | None:
        """Do the job, and before it the import of a process that is gone, for what that one has to tell is older."""
        while True:
            with _Watcher(job, self.stderr):
                ended = run_job(job.pk)
            left = abandoned(job.only_one_of) if ended is None else None
            if left is None or left.kind != job.kind:
                return ended
            self.stdout.write(f"“{left.title}” was stopped in the middle; it goes on first.")
            with _Watcher(left, self.stderr):
                run_job(left.pk)

    def _problem(self, job: Job, data_import: DataImport) -> str:
        self._tell_rejects(data_import)
        if job.state == Job.State.CANCELLED:
            return _how_it_was_left(data_import)
        return job.error or "The import was stopped; a worker goes on with it, or start it again."

    def _tell_rejects(self, data_import: DataImport) -> None:
        path = path_of(data_import.token)
        if path.exists():
            place = "file, line" if data_import.kind == DataImport.Kind.TABLES else "line"
            self.stdout.write(f"Rejected rows, with {place}, column and reason: {path}")


def _files_at(path: Path) -> list[list[Any]]:
    """Name, size and time of the file, or of every file in the folder: what tells whether they are still the same."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _begun_before(data_import: DataImport, asked: dict[str, Any]) -> DataImport | None:
    """The import of the same unchanged file, asked for in the same words, that did not come to its end."""
    states = DataImport.State
    begun = DataImport.objects.filter(
        kind=data_import.kind, path=data_import.path, state__in=[states.READING, states.STORING, states.STOPPED]
    ).select_related("job")
    return next((each for each in begun if each.job and each.job.args.get("asked") == asked), None)


def _withdraw(job: Job, data_import: DataImport) -> bool:
    """Take back a job that nobody has begun; False if somebody has it, who needs the import then."""
    if not Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).delete()[0]:
        return False
    DataImport.objects.filter(pk=data_import.pk, state=DataImport.State.UPLOADED).delete()
    return True


def _why_not(job: Job, *, is_withdrawn: bool) -> str:
    if not is_withdrawn:
        return (
            "Another process has this import; the jobs page shows how it goes on."
            " If that process was killed, start this one again in a minute."
        )
    if left := abandoned(job.only_one_of):
        return (
            f"“{left.title}” was stopped in the middle and has to end first:"
            " start a worker (manage.py up), and then this one again."
        )
    return "Another import is running; wait until it has ended (the jobs page shows it) and start this one again."


def _how_it_was_left(data_import: DataImport) -> str:
    states = DataImport.State
    begun = DataImport.objects.filter(pk=data_import.pk, state__in=[states.STORING, states.STOPPED])
    if not begun.exists():
        return "The import was stopped; nothing was stored."
    sentence = "The import was stopped; a part is stored, and the same command goes on where it was."
    if begun.filter(pk__in=set_aside.leftovers()).exists():
        sentence += " Until then pages may be slow: indexes are missing that only it or a worker (manage.py up) builds."
    return sentence


class _Watcher:
    """Prints the job's progress about once a second, from a thread with a connection of its own."""

    def __init__(self, job: Job, out: Any) -> None:
        self._job, self._out, self._over = job, out, threading.Event()
        # A test's transaction cannot be seen from another connection, and a log file has no use for a moving line.
        self._wanted = sys.stderr.isatty() and not connection.in_atomic_block
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        if self._wanted:
            self._thread.start()

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        if self._wanted:
            self._thread.join()
            self._out.write("")

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            now = Job.objects.filter(pk=self._job.pk).values("progress_share", "steps").first()
            if now is not None:
                note = next((step["note"] for step in reversed(now["steps"]) if step["state"] == "running"), "")
                self._out.write(f"\r{now['progress_share']:4.0%}  {note:<60}", ending="")
                self._out.flush()
        connection.close()


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    mapping = {}
    for pair in options["map"]:
        field, equals, column = pair.partition("=")
        if not equals:
            raise ImportRefused(f"--map {pair} is not understood; write it as field=column.")
        mapping[field.strip()] = column.strip()
    return {
        "source": options["source"],
        "mapping": mapping,
        "currency": options["currency"].upper(),
        "date_order": options["date_order"],
        "decimal_mark": options["decimal"],
        "time_zone": options["time_zone"],
        "encoding": options["encoding"],
        "amount_per": options["amount_per"],
    }
