"""Customers who were scored one by one while everybody was: the scores of everybody do not know of their newest orders."""

from datetime import datetime, timedelta

from django.db.models import Q

from jobs.models import Job
from jobs.running import start

# Two clocks: what began is timed by the worker, what ended by the database.
_CLOCKS_DIFFER = timedelta(minutes=1)
TITLE = "Predict customers who ordered during the scoring"


def score_again(began: datetime) -> int:
    """Start a job for whoever was scored alone since `began`, or is being; a second score does no harm. Returns how many."""
    meanwhile = Q(ended_at__gte=began - _CLOCKS_DIFFER) | Q(state=Job.State.RUNNING)
    jobs = Job.objects.filter(meanwhile, kind="predict-customers").exclude(title=TITLE)
    customers = sorted({pk for args in jobs.values_list("args", flat=True) for pk in args["customers"]})
    if customers:
        start("predict-customers", TITLE, {"customers": customers})
    return len(customers)
