"""Segmentation as long work. The functions are in `runs`; these carry arguments and report."""

from collections.abc import Sequence
from typing import Any

from customers.clock import clock
from jobs.exclusive import Busy
from jobs.running import JobFailed, RunningJob, does, start
from segmentation import one_customer, runs

# One run at a time, whoever asks for it.
ONLY_ONE_OF = "segmentation"
# Below this many, customers are scored one by one the moment their order is there; above, everybody is scored afresh.
SCORED_ONE_BY_ONE = 500


@does("segment")
def segment(job: RunningJob) -> dict[str, Any]:
    """Score everybody; with args {"discover": true} find a new model first."""
    return _result(job, runs.segment_everyone, discover_first=bool(job.args.get("discover")), catch_up=catch_up)


@does("segment-customers")
def segment_customers(job: RunningJob) -> dict[str, Any]:
    """Score the customers of args {"customers": [pk, …]} with the active model, each with a clock read once."""
    scored = one_customer.segment_customers(job.args["customers"], clock())
    return {"summary": f"{scored:,} customers were segmented." if scored != 1 else "One customer was segmented."}


def catch_up(customer_pks: Sequence[int]) -> None:
    """Score customers who ordered while a run was built: by the present clock, or where they are many with another run."""
    if len(customer_pks) <= SCORED_ONE_BY_ONE:
        one_customer.segment_customers(customer_pks, clock())
    else:
        start_segmentation("Segmentation after orders during the last one")


def start_segmentation(title: str = "Segmentation", *, discover: bool = False, by: Any = None) -> Any:
    """Ask for a run; the job that will do it."""
    return start("segment", title, {"discover": discover}, by=by, only_one_of=ONLY_ONE_OF)


def _result(job: RunningJob, work: Any, **arguments: Any) -> dict[str, Any]:
    try:
        run = work(clock(), _Steps(job), **arguments)
    except (Busy, runs.NothingToSegment) as problem:
        raise JobFailed(str(problem)) from problem
    if run.state == run.State.REJECTED:
        raise JobFailed(run.error, {"links": [{"label": "Archetypes", "url": "/archetypes/"}]})
    return {
        "summary": runs.sentence(run),
        "run": run.pk,
        "links": [{"label": "See the archetypes", "url": "/archetypes/"}],
    }


class _Steps:
    """A run's progress as the steps of a job: the note's first part names the step."""

    def __init__(self, job: RunningJob) -> None:
        self.job, self.current = job, ""

    def __call__(self, share: float, note: str) -> None:
        step, _, detail = note.partition(": ")
        if step != self.current:
            self.job.step(step, detail)
            self.job.log(note)
            self.current = step
        self.job.progress(share, detail)
