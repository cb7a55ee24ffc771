"""The trust page: how good the predictions are, and the button that learns them anew."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest, only_who_may_change_data
from jobs.models import Job
from predictions.charts import calibration_chart
from predictions.tasks import start_prediction
from predictions.trust import trust


@require_GET
def trust_page(request: PageRequest) -> HttpResponse:
    """What was said against what happened, and by which models."""
    state = trust()
    charts = {
        name: calibration_chart(judged)
        for name, judged in (("lapse", state.lapse), ("churn", state.churn.judged if state.churn else None))
        if judged is not None and judged.curve
    }
    return render(request, "predictions/trust.html", {"trust": state, "charts": charts})


@require_POST
def learn(request: PageRequest) -> HttpResponse:
    """Start learning from the past, and show the job; a second click finds the one that waits or runs already."""
    person = only_who_may_change_data(request, "let the predictions learn anew")
    alive = Job.objects.filter(kind="predict", args__refit=True, state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()
    return redirect("job", job_id=(alive or start_prediction("Learn from the past", refit=True, by=person)).pk)
