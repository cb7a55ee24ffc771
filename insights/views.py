"""The first page: how to bring in customers, as long as there are none. And where the shop's customers are going."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest
from customers.clock import clock
from customers.models import Customer
from insights.charts import growth_lines
from insights.forms import MONTHS, GrowthForm
from insights.growth import archetype_growth, growth_projection


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Three steps for a new shop; the customer list for every other."""
    if Customer.objects.exists():
        return redirect("customers")
    return render(request, "insights/first_run.html", {"job_links": [{"label": "See the jobs", "url": reverse("jobs")}]})


@require_GET
def growth(request: PageRequest) -> HttpResponse:
    """Active customers and archetypes in the months to come, at the shop's own pace or at one that is asked for."""
    form = GrowthForm(request.GET)
    projected = growth_projection(
        form.months_asked, clock(), churn_rate=form.rate("churn"), acquisition_rate=form.rate("acquisition")
    )
    if projected.projection:
        form.show_own(projected.projection.assumptions)
    template = "insights/_growth.html" if request.htmx else "insights/growth.html"
    context = {
        "form": form,
        "growth": projected,
        "archetypes": archetype_growth(projected),
        "chart": growth_lines(projected.history, projected.projection, projected.today) if projected.projection else None,
        "months_usually": MONTHS,
    }
    return render(request, template, context)
