"""The list of long work and the page of one job. Everybody who is signed in may look; who may change data may cancel."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import only_who_may_change_data
from customers.models import Customer
from jobs import progress, running, sweeping
from jobs.models import Job

LINES_WHILE_RUNNING = 12
LINES_AT_THE_END = 200


@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """Imports and jobs, newest first. Four queries."""
    jobs = Job.objects.select_related("created_by").defer("args", "log", "steps")
    page = Paginator(jobs, 25).get_page(request.GET.get("page"))
    unfinished = any(not job.has_ended for job in page)
    context = {
        "page": page,
        "unfinished": unfinished,
        "no_worker": unfinished and sweeping.is_silent(),
        "has_customers": not page.object_list and Customer.objects.exists(),
    }
    return render(request, "jobs/_jobs.html" if _wants_part(request) else "jobs/jobs.html", context)


@require_GET
def job_page(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """One job, live while it runs: the page asks for its part again every two seconds."""
    return _shown(request, job_id)


@require_http_methods(["GET", "POST"])
def job_cancel(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Ask whether to cancel (GET, for a browser without scripts), and do it (POST)."""
    only_who_may_change_data(request, "cancel and start jobs")
    job = _job(job_id)
    if request.method == "GET":
        return render(request, "jobs/cancel.html", {"job": job})
    if not running.cancel(job.pk) and not _wants_part(request):
        messages.info(request, "This job had ended before it could be cancelled.")
    return _shown(request, job_id) if _wants_part(request) else redirect("job", job_id=job.pk)


@require_POST
def job_again(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Start a failed or cancelled job's work anew, as a job of its own."""
    person = only_who_may_change_data(request, "cancel and start jobs")
    job = _job(job_id)
    if job.state not in (Job.State.FAILED, Job.State.CANCELLED):
        raise Http404("Only a job that failed or was cancelled can be started again.")
    return redirect("job", job_id=running.again(job, by=person).pk)


@require_GET
def job_log(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The whole log as a text file, times in UTC."""
    job = _job(job_id)
    response = HttpResponse(job.log + "\n", content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="job-{job.pk}.log"'
    return response


def _job(job_id: uuid.UUID) -> Job:
    job = Job.objects.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such job.")
    return job


def _shown(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    job = _job(job_id)
    lines = progress.log_lines(job.log, timezone.get_current_timezone())
    context = {
        "job": job,
        "lines": lines[-(LINES_AT_THE_END if job.has_ended else LINES_WHILE_RUNNING) :],
        "no_worker": job.state == Job.State.QUEUED and sweeping.is_silent(),
        "is_part": _wants_part(request),
    }
    return render(request, "jobs/_progress.html" if context["is_part"] else "jobs/job.html", context)


def _wants_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers
