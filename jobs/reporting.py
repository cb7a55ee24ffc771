"""What work sees of its job: progress, steps, log, and whether it should stop.

Nothing here touches the database on the work's own connection: a thread with a connection of its own writes the report
about once a second, renews the lease and hears whether somebody asked to cancel. So work may report for every row, and
from inside a transaction, at no cost and without holding a lock on the job's row.
"""

import logging
import math
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.db.models import DateTimeField, Expression, ExpressionWrapper
from django.db.models.functions import Now

from jobs.models import Job
from jobs.progress import Pace, stamped, storable

logger = logging.getLogger(__name__)

LOG_LINES = 1000
NOTE_LENGTH = 200

worker_is_stopping = threading.Event()
"""Set when this process was asked to end: its jobs go back to the queue at their next report."""


class JobFailed(Exception):
    """The work cannot be done; the message is one sentence for the person who started it.

    `result` is kept with the failed job, so that a reject file can be offered.
    """

    def __init__(self, sentence: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.result = result or {}


class Stop(Exception):
    """The work should end at once; let it pass through."""


class Cancelled(Stop):
    """Somebody asked to cancel the job.

    Work that knows better may raise its own with a `result` to be kept: `summary` says what was left behind, `again` what the
    button to start anew is called.
    """

    def __init__(self, result: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.result = result or {}


class Interrupted(Stop):
    """The worker is being stopped; the job goes back to the queue, and this attempt does not count."""


class LeaseLost(Stop):
    """Another worker has the job by now; nothing that this one says counts any more."""


class RunningJob:
    """A claimed job in the hands of its work. Thread-safe; use as a context while the work runs."""

    def __init__(self, job: Job) -> None:
        self.id: uuid.UUID = job.pk
        self.args: dict[str, Any] = job.args
        self.attempt: int = job.attempts
        self._held = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=Job.State.RUNNING)
        self._lock = threading.Lock()
        self._log = job.log.splitlines()
        self._steps: list[dict[str, Any]] = []
        self._share = 0.0
        self._pace = Pace(time.monotonic())
        self._step_began = self._last_word = self._last_renewal = time.monotonic()
        self._news = True
        self._cancel_asked = self._lease_lost = False
        self._over = threading.Event()
        self._reporter = threading.Thread(target=self._report, name=f"job-{job.pk}", daemon=True)

    # --- for the work ------------------------------------------------------------------------------------------------

    def plan(self, *names: str) -> None:
        """Name the steps to come, so that the page shows what is still ahead."""
        with self._lock:
            self._steps += [{"name": name, "note": "", "state": "waiting", "seconds": None} for name in names]
            self._news = True

    def step(self, name: str, note: str = "") -> None:
        """Begin a step: the last one is done, this one runs. Raises like `progress`."""
        with self._lock:
            self._end_step("done")
            for step in self._steps:
                if step["name"] == name and step["state"] == "waiting":
                    break
            else:
                step = {"name": name}
                ahead = next((at for at, other in enumerate(self._steps) if other["state"] == "waiting"), len(self._steps))
                self._steps.insert(ahead, step)
            step |= {"note": storable(note[:NOTE_LENGTH]), "state": "running", "seconds": None}
            self._step_began = time.monotonic()
            self._spoken()
        self.stop_if_asked()

    def progress(self, share: float, note: str = "") -> None:
        """Say that `share` (0 to 1) of the whole job is done, and what is being done now.

        Raises `Cancelled`, `Interrupted` or `LeaseLost` when the work should stop: let them pass.
        """
        with self._lock:
            if math.isfinite(share):
                self._share = min(1.0, max(0.0, share))
            if note and self._steps:
                current = next((step for step in reversed(self._steps) if step["state"] == "running"), None)
                if current is not None:
                    current["note"] = storable(note[:NOTE_LENGTH])
            self._spoken()
        self.stop_if_asked()

    def log(self, text: str) -> None:
        """Add a line to the job's log; begin it with "warning:" or "error:" to have it stand out."""
        with self._lock:
            self._log.append(stamped(datetime.now(UTC), text))
            if len(self._log) > LOG_LINES:
                del self._log[1 : len(self._log) - LOG_LINES + 1]  # the first line tells what was started
            self._spoken()

    def stop_if_asked(self) -> None:
        """Raise like `progress`, without a word: the work may hang, and whoever asks in its place must not hide that."""
        if self._lease_lost:
            raise LeaseLost
        if self._cancel_asked:
            raise Cancelled
        if worker_is_stopping.is_set():
            raise Interrupted

    # --- for running.py ----------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._reporter.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._reporter.join()

    def ended(self, state: str) -> dict[str, Any]:
        """The report's columns as they stand at the end; the running step gets `state`, steps not begun are dropped."""
        with self._lock:
            self._end_step(state)
            self._steps = [step for step in self._steps if step["state"] != "waiting"]
            return self._columns() | {"seconds_left": None}

    # --- the reporter's thread ---------------------------------------------------------------------------------------

    def _report(self) -> None:
        try:
            while not self._over.wait(settings.JOB_REPORT_SECONDS):
                try:
                    self._write()
                except (DatabaseError, InterfaceError) as problem:
                    logger.warning("Job %s: the report could not be written (%s); trying again.", self.id, problem)
                    connections.close_all()
        finally:
            connections.close_all()

    def _write(self) -> None:
        # Heard first: writing may have to wait for whoever writes to the database at this moment.
        asked = self._held.values_list("cancel_asked", flat=True).first()
        self._cancel_asked, self._lease_lost = bool(asked), asked is None
        if self._lease_lost:
            return
        now = time.monotonic()
        with self._lock:
            self._pace.observe(now, self._share)
            silent = now - self._last_word > settings.JOB_SILENT_SECONDS
            renew = not silent and now - self._last_renewal > settings.JOB_LEASE_SECONDS / 3
            columns: dict[str, Any] = self._columns() if self._news or renew else {}
            self._news = False
        if renew:
            columns["lease_until"] = lease_end()
        if columns and not self._held.update(**columns):
            self._lease_lost = True
        elif renew:
            self._last_renewal = now

    def _columns(self) -> dict[str, Any]:
        return {
            "progress_share": self._share,
            "seconds_left": self._pace.seconds_left(),
            "steps": [dict(step) for step in self._steps],
            "log": "\n".join(self._log),
        }

    def _spoken(self) -> None:
        self._news = True
        self._last_word = time.monotonic()

    def _end_step(self, state: str) -> None:
        for step in self._steps:
            if step["state"] == "running":
                step |= {"state": state, "seconds": round(time.monotonic() - self._step_began, 1)}


def lease_end() -> Expression:
    """When a lease taken now runs out, by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS), output_field=DateTimeField())
