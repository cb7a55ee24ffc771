"""The invented shop, put in and taken out from the pages, and the page for what is not there."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Shop
from accounts.requests import PageRequest, only_who_may_change_data
from customers.models import Customer, Order
from jobs.models import Job
from jobs.running import start
from quimbi.demo import LOAD, ONLY_ONE_OF, REMOVE, SOURCE


@require_POST
def demo_load(request: PageRequest) -> HttpResponse:
    """Start the job that invents a shop and finds its segments, if there is nothing in the way."""
    only_who_may_change_data(request, "load and remove the demo shop")
    if Customer.objects.exists() or Order.objects.exists():
        messages.info(request, "This shop holds customers already, so no demo is put beside them.")
        return redirect("jobs")
    return _begin(request, LOAD, "Load the demo shop")


@require_http_methods(["GET", "POST"])
def demo_remove(request: PageRequest) -> HttpResponse:
    """Ask whether the invented shop shall go (GET), and start the job that removes it (POST)."""
    only_who_may_change_data(request, "load and remove the demo shop")
    if not Shop.current().is_demo:
        messages.info(request, "This is not a demo shop, so there is nothing to remove.")
        return redirect("jobs")
    if request.method == "GET":
        return render(request, "demo/remove.html", {"customers": Customer.objects.filter(source=SOURCE).count()})
    return _begin(request, REMOVE, "Remove the demo shop")


def _begin(request: PageRequest, kind: str, title: str) -> HttpResponse:
    """The page of the job; a second click finds the one that waits or runs already."""
    waiting = Job.objects.filter(kind=kind, state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()
    return redirect("job", job_id=(waiting or start(kind, title, {}, by=request.user, only_one_of=ONLY_ONE_OF)).pk)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is missing, in our words: those of Django name its classes and are left out."""
    told = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    if told.endswith("matches the given query."):
        told = ""
    return render(request, "404.html", {"told": told}, status=404)
