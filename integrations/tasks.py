"""Delivering webhooks as long work. The function is in `delivering`; this carries, waits a moment and reports."""

import time
from typing import Any

from integrations.delivering import Tally, deliver_due, is_due
from jobs.models import Job
from jobs.running import RunningJob, does, start

KIND = "deliver-webhooks"
TITLE = "Deliver webhooks"
# The first retry comes after five seconds, sooner than the schedule looks again: the job stays for it.
SOON_SECONDS = 7.0
STAYS_SECONDS = 15.0
# There is one such job, which sends to all endpoints at once: it never holds more than one of a worker's two threads. And it
# goes back into the queue, behind whatever waits there, however long a slow receiver's messages would take.
TURN_SECONDS = 60.0


@does(KIND)
def deliver_webhooks(job: RunningJob) -> dict[str, Any]:
    """Send what is due, for a minute at most. Endpoints keep the log of it, so earlier jobs of this kind are cleared away."""
    tally, began = Tally(), time.monotonic()
    while True:
        seconds = TURN_SECONDS - (time.monotonic() - began)
        deliver_due(tally, between=lambda: job.progress(0.5), seconds=seconds)
        if time.monotonic() - began > STAYS_SECONDS or not is_due(SOON_SECONDS):
            break
        job.progress(0.5)
        time.sleep(0.5)
    if is_due():
        start_delivering()
    Job.objects.filter(kind=KIND, state=Job.State.DONE).exclude(pk=job.id).delete()
    failed = f", {tally.failed:,} attempt{'' if tally.failed == 1 else 's'} failed" if tally.failed else ""
    return {"summary": f"{tally.delivered:,} message{'' if tally.delivered == 1 else 's'} delivered{failed}."}


def start_delivering() -> Job | None:
    """Start a job, unless one waits already that will find what is due now; one or two queries."""
    if Job.objects.filter(kind=KIND, state=Job.State.QUEUED).exists():
        return None
    return start(KIND, TITLE, {}, only_one_of="webhooks")


def start_due_deliveries() -> Job | None:
    """Start a job for what is due by now and that nobody is at, as after a failed attempt; one query where nothing is."""
    if not is_due() or Job.objects.filter(kind=KIND, state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
        return None
    return start_delivering()
