"""The customer list, Customer 360 and the order history."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Shop
from accounts.requests import PageRequest
from customers.clock import clock
from customers.forms import RICHEST, SORTS, CustomerSearchForm, OrderSearchForm
from customers.models import Customer
from customers.order_history import FEW, MANY, order_history
from insights.customer_360 import customer_360
from insights.customer_list import RESCUED, Criteria, list_customers
from insights.profiles import customer_profile, find_customer
from insights.why import why
from predictions.reading import churn_days_in_force


@require_GET
def customer_list(request: PageRequest) -> HttpResponse:
    """Customers by search, filter and order."""
    form = CustomerSearchForm(request.GET, churn_days_in_force())
    form.is_valid()
    asked = form.cleaned_data
    sort = asked.get("sort") or "value"
    unreadable = "unreadable"  # what we cannot read matches nobody, never everybody
    criteria = Criteria(
        text=asked.get("q", ""),
        archetype_id=asked.get("archetype", unreadable),
        awaiting=asked.get("awaiting", False),
        lapse_levels=tuple(asked.get("lapse", [unreadable])),
        churn_levels=tuple(asked.get("churn", [unreadable])),
        tiers=tuple(asked.get("tier", [unreadable])),
        value_at_risk_min=asked.get("at_risk", RICHEST + 1),
        order=SORTS[sort],
    )
    found = list_customers(criteria, asked.get("page") or 1)
    template = "customers/_results.html" if request.htmx else "customers/customer_list.html"
    context = {"form": form, "criteria": criteria, "found": found, "sort": sort, "rescued": RESCUED, "as_of": clock()}
    return render(request, template, context)


@require_GET
def customer(request: PageRequest, customer_id: str) -> HttpResponse:
    """Customer 360: everything that is known of one customer."""
    try:
        known = customer_360(customer_id, Shop.current(), as_of=clock())
    except Customer.DoesNotExist as missing:
        raise Http404(f"There is no customer {customer_id}.") from missing
    return render(request, "customers/customer.html", {"known": known, "profile": known.profile, "history": known.orders})


@require_GET
def customer_why(request: PageRequest, customer_id: str) -> HttpResponse:
    """Why the lapse risk is what it is: a card on Customer 360, which asks for it once it is shown, and a page of its own."""
    try:
        profile = customer_profile(customer_id, clock())
    except Customer.DoesNotExist as missing:
        raise Http404(f"There is no customer {customer_id}.") from missing
    template = "customers/_why.html" if request.htmx else "customers/why.html"
    return render(request, template, {"why": why(profile), "profile": profile})


@require_GET
def orders(request: PageRequest, customer_id: str) -> HttpResponse:
    """A customer's orders, searched and page by page; also what "show earlier" appends."""
    person = _customer_or_404(customer_id)
    form = OrderSearchForm(request.GET)
    form.is_valid()
    size = FEW if request.htmx and form.cleaned_data["few"] else MANY
    history = order_history(person, text=form.text(), page_number=form.page_number(), size=size)
    template = "customers/order_history.html"
    if request.htmx:
        template = "customers/_order_rows.html" if request.htmx.target == "orders-more" else "customers/_orders.html"
    return render(request, template, {"customer": person, "form": form, "history": history})


def _customer_or_404(customer_id: str) -> Customer:
    """The customer with the shop's id; `Http404` in our words otherwise."""
    try:
        return find_customer(customer_id)
    except Customer.DoesNotExist as missing:
        raise Http404(f"There is no customer {customer_id}.") from missing
