"""A customer's tickets, and what was said in one."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest
from customers.models import Customer
from insights.profiles import find_customer
from support.forms import TicketPageForm
from support.models import Ticket
from support.ticket_history import FEW, MANY, conversation, ticket_history


@require_GET
def tickets(request: PageRequest, customer_id: str) -> HttpResponse:
    """A customer's tickets page by page; also what "show earlier" appends on Customer 360."""
    try:
        person = find_customer(customer_id)
    except Customer.DoesNotExist as missing:
        raise Http404(f"There is no customer {customer_id}.") from missing
    form = TicketPageForm(request.GET)
    form.is_valid()
    few = bool(request.htmx and form.cleaned_data["few"])
    history = ticket_history(person, form.cleaned_data.get("page") or 1, size=FEW if few else MANY)
    template = "support/tickets.html"
    if request.htmx:
        template = "support/_ticket_rows.html" if few else "support/_tickets.html"
    return render(request, template, {"customer": person, "tickets": history, "few": few})


@require_GET
def ticket(request: PageRequest, ticket_pk: int) -> HttpResponse:
    """What was said in a ticket: in place of the list's link, or as a page."""
    asked = Ticket.objects.select_related("customer").filter(pk=ticket_pk).first()
    if asked is None:
        raise Http404("There is no such ticket.")
    template = "support/_conversation.html" if request.htmx else "support/ticket.html"
    return render(request, template, {"talk": conversation(asked), "ticket": asked})
