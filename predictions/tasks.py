"""Predictions as long work. The functions are in `runs`; these carry arguments and report.

`runs` is imported when there is work: it loads scipy, which a site that only listens for orders has no use for.
"""

from typing import Any

from django.utils import timezone

from customers.clock import clock
from jobs.exclusive import Busy
from jobs.models import Job
from jobs.running import JobFailed, RunningJob, does, start
from predictions.catching_up import score_again

# One at a time, whoever asks for it.
ONLY_ONE_OF = "prediction"
# Below this many, customers are scored one by one the moment their order is there; above, everybody is scored afresh.
SCORED_ONE_BY_ONE = 500


@does("predict")
def predict(job: RunningJob) -> dict[str, Any]:
    """Score everybody; with args {"refit": true} learn from the past first. Too little data is an answer, not a failure."""
    from predictions import runs
    from predictions.maths.gate import TooLittleData

    began = timezone.now()
    try:
        scored = runs.predict_everyone(clock(), job.progress, refit=bool(job.args.get("refit")))
    except TooLittleData as problem:
        return {"summary": str(problem)}
    except Busy as problem:
        raise JobFailed(str(problem)) from problem
    score_again(began)
    return {"summary": f"{scored:,} customers were scored."}


@does("predict-customers")
def predict_customers(job: RunningJob) -> dict[str, Any]:
    """Score the customers of args {"customers": [pk, …]} with the version in force."""
    from predictions import runs

    as_of = clock()
    scored = sum(runs.predict_customer(pk, as_of) is not None for pk in job.args["customers"])
    return {"summary": f"{scored:,} customers were scored." if scored != 1 else "One customer was scored."}


def start_prediction(title: str = "Predictions", *, refit: bool = False, by: Any = None) -> Job:
    """Ask for everybody's predictions; the job that will do it."""
    return start("predict", title, {"refit": refit}, by=by, only_one_of=ONLY_ONE_OF)
