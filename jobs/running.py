"""Starting, claiming, doing and settling long work.

The `Job` row is the truth; the Celery message is a bell that may be lost or rung twice. Whoever answers the bell claims
the row by one conditional UPDATE and holds it by a lease on the database's clock. The attempt is counted in that same
statement, before the work begins, so that work which kills its worker runs out of attempts. Only the holder of the
lease's token can settle the job. Work may therefore run more than once and must be repeatable.
"""

import logging
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from jobs import bell
from jobs.models import Job
from jobs.progress import stamped, storable
from jobs.reporting import Cancelled, Interrupted, JobFailed, LeaseLost, RunningJob, Stop, lease_end

if TYPE_CHECKING:
    from accounts.models import User

__all__ = [
    "Cancelled",
    "Interrupted",
    "JobFailed",
    "LeaseLost",
    "RunningJob",
    "Stop",
    "abandoned",
    "again",
    "cancel",
    "does",
    "run",
    "start",
]

logger = logging.getLogger(__name__)

Work = Callable[[RunningJob], dict[str, Any]]
_work: dict[str, Work] = {}


def does(kind: str) -> Callable[[Work], Work]:
    """Register a function as the work of `kind`; it stands in an app's `tasks.py`, which every worker reads.

    The function takes the `RunningJob` and returns the job's result: JSON, in which `summary` is one sentence for the
    page, `details` and `warnings` more of them, `links` and `downloads` lists of `{"label", "url"}`.
    """

    def register(work: Work) -> Work:
        if kind in _work and _work[kind] is not work:
            raise ValueError(f"two functions do {kind!r}")
        _work[kind] = work
        return work

    return register


def start(kind: str, title: str, args: dict[str, Any], *, by: "User | None" = None, only_one_of: str = "") -> Job:
    """Write down a job in the caller's transaction and ring for a worker once that is committed.

    `args` is JSON. Jobs with the same `only_one_of` never run at once: the later one waits. One INSERT; the bell takes
    half a second at most and never raises.
    """
    job = Job.objects.create(
        kind=kind,
        title=storable(title)[:200],
        args=storable(args),
        created_by=by,
        only_one_of=only_one_of,
        log=stamped(timezone.now(), f"{kind} asked for"),
    )
    transaction.on_commit(partial(bell.ring, [job.pk]), robust=True)
    return job


def again(job: Job, *, by: "User | None" = None) -> Job:
    """Start the same work anew, as a job of its own; work can be repeated, so this is always safe."""
    return start(job.kind, job.title, job.args, by=by, only_one_of=job.only_one_of)


def cancel(job_id: uuid.UUID) -> bool:
    """Cancel the job: at once if it waits, at its next report if it runs. False if it has ended already."""
    if Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(
        state=Job.State.CANCELLED, cancel_asked=True, ended_at=Now()
    ):
        return True
    return bool(Job.objects.filter(pk=job_id, state=Job.State.RUNNING).update(cancel_asked=True))


def run(job_id: uuid.UUID) -> Job | None:
    """Claim the job and do it to its end; None if it is not due or somebody else has it.

    Never raises for what the work does: the row tells how it ended. Only Ctrl-C in a shell goes on, once the job is cancelled.
    """
    settle_abandoned(Q(pk=job_id))
    job = _claim(job_id)
    if job is None:
        return None
    running = RunningJob(job)
    if job.attempts > 1:
        running.log(f"warning: attempt {job.attempts}, the last one did not come to its end")
    try:
        with running:
            columns = _do(job, running)
    except Interrupted:
        _settle(job, running, "waiting", state=Job.State.QUEUED, attempts=F("attempts") - 1)
        return _fresh(job)
    except KeyboardInterrupt:
        _let_go_of_connection()
        _settle(job, running, "cancelled", state=Job.State.CANCELLED)
        ring_next(job.only_one_of)
        raise
    except LeaseLost:
        logger.warning("Job %s (%s): another worker has it by now; this one lets go.", job.pk, job.kind)
        return None
    except (OperationalError, InterfaceError):
        logger.exception("Job %s (%s): the database failed it at attempt %s.", job.pk, job.kind, job.attempts)
        _let_go_of_connection()
        columns = _after_database_failure(job)
    _settle(job, running, **columns)
    ring_next(job.only_one_of)
    return _fresh(job)


def settle_abandoned(which: Q) -> int:
    """End the jobs among `which` whose worker is gone and that nobody may take again; return how many ended."""
    gone = Job.objects.filter(which, state=Job.State.RUNNING, lease_until__lt=Now())
    ended = {"lease_until": None, "lease_token": "", "seconds_left": None, "ended_at": Now()}
    cancelled = gone.filter(cancel_asked=True).update(state=Job.State.CANCELLED, **ended)
    reason = (
        f"The worker stopped in the middle of this job {settings.JOB_MAX_ATTEMPTS} times, so it is not tried again; "
        "it may need more memory, and the server log tells more."
    )
    failed = gone.filter(attempts__gte=settings.JOB_MAX_ATTEMPTS).update(state=Job.State.FAILED, error=reason, **ended)
    return cancelled + failed


def abandoned(only_one_of: str) -> Job | None:
    """The job of this name whose worker is gone and that nobody has taken over yet; others like it wait until it has ended."""
    return Job.objects.filter(state=Job.State.RUNNING, only_one_of=only_one_of, lease_until__lt=Now()).first()


def ring_next(only_one_of: str) -> None:
    """Ring for the oldest job that waited for one like itself to end."""
    if only_one_of:
        waiting = Job.objects.filter(state=Job.State.QUEUED, only_one_of=only_one_of).order_by("created_at")
        bell.ring(waiting.values_list("pk", flat=True)[:1])


def _claim(job_id: uuid.UUID) -> Job | None:
    """Take the job if it is due: one conditional UPDATE that counts the attempt, so of many callers one gets it."""
    token = uuid.uuid4().hex
    rival = Job.objects.filter(state=Job.State.RUNNING, only_one_of=OuterRef("only_one_of")).exclude(pk=OuterRef("pk"))
    due = Job.objects.filter(
        Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=Now()),
        Q(only_one_of="") | ~Exists(rival),
        pk=job_id,
        attempts__lt=settings.JOB_MAX_ATTEMPTS,
    )
    try:
        with transaction.atomic():
            taken = due.update(
                state=Job.State.RUNNING,
                attempts=F("attempts") + 1,
                lease_until=lease_end(),
                lease_token=token,
                started_at=Coalesce("started_at", Now()),
                progress_share=0.0,
                seconds_left=None,
            )
    except IntegrityError:  # the constraint decides when two that exclude each other are claimed in the same instant
        return None
    return Job.objects.get(pk=job_id) if taken else None


def _do(job: Job, running: RunningJob) -> dict[str, Any]:
    """Do the work; return the columns that tell how it ended. Lets `Interrupted`, `LeaseLost` and a failing database pass."""
    work = _work.get(job.kind)
    try:
        if work is None:
            raise JobFailed(f"No worker knows how to do {job.kind!r}: the worker and the site run different versions.")
        result = storable(work(running))
    except Cancelled as stop:
        return {"step": "cancelled", "state": Job.State.CANCELLED, "result": storable(stop.result)}
    except JobFailed as failure:
        logger.warning("Job %s (%s) failed: %s", job.pk, job.kind, storable(str(failure)))
        return {
            "step": "failed",
            "state": Job.State.FAILED,
            "error": storable(str(failure)),
            "result": storable(failure.result),
        }
    except (Interrupted, LeaseLost, OperationalError, InterfaceError):
        raise
    except MemoryError:
        logger.exception("Job %s (%s) ran out of memory.", job.pk, job.kind)
        sentence = "The worker ran out of memory; give it more, or do the work in smaller parts."
        return {"step": "failed", "state": Job.State.FAILED, "error": sentence}
    except Exception:
        logger.exception("Job %s (%s) failed.", job.pk, job.kind)
        sentence = f"Something in Quimbi went wrong, not in your data; the server log has the cause under job {job.pk}."
        return {"step": "failed", "state": Job.State.FAILED, "error": sentence}
    return {"step": "done", "state": Job.State.DONE, "result": result, "progress_share": 1.0}


def _after_database_failure(job: Job) -> dict[str, Any]:
    """Back to the queue for the sweeper to ring again, or the end if the attempts are used up."""
    if job.attempts < settings.JOB_MAX_ATTEMPTS:
        return {"step": "waiting", "state": Job.State.QUEUED}
    sentence = "The database failed this job several times, so it is not tried again; the server log tells more."
    return {"step": "failed", "state": Job.State.FAILED, "error": sentence}


def _let_go_of_connection() -> None:
    """Close a connection that was disturbed in the middle of something, so that the end can be written on a new one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _settle(job: Job, running: RunningJob, step: str, **columns: Any) -> None:
    """Write how the job ended, if it is still ours: a worker whose lease went to another cannot settle."""
    ours = Job.objects.filter(pk=job.pk, lease_token=job.lease_token, state=Job.State.RUNNING)
    if columns["state"] in Job.ENDED:
        columns["ended_at"] = Now()
    settled = ours.update(**running.ended(step) | {"lease_until": None, "lease_token": ""} | columns)
    if not settled:
        logger.warning("Job %s (%s) was settled by another worker; this one's end is dropped.", job.pk, job.kind)


def _fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)
