"""The pages of outgoing webhooks, for admins: their addresses may hold secrets of other systems."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.once import new_token, once
from accounts.requests import PageRequest, only_admins
from integrations import endpoints
from integrations.delivery_log import log_of, record_of
from integrations.events import EVENTS
from integrations.forms import WebhookForm
from integrations.models import Delivery, WebhookEndpoint

MANAGE_WEBHOOKS = "manage webhooks"
LINES = 25
NO_DELIVERY = "There is no such delivery; deliveries are kept for thirty days."


@require_GET
def webhook_list(request: PageRequest) -> HttpResponse:
    """Every webhook, and which of them Quimbi had to disable."""
    only_admins(request, MANAGE_WEBHOOKS)
    return render(request, "integrations/webhooks.html", {"endpoints": list(WebhookEndpoint.objects.all())})


@require_http_methods(["GET", "POST"])
def webhook_new(request: PageRequest) -> HttpResponse:
    """Add one, and go on to the page that shows its secret."""
    person = only_admins(request, MANAGE_WEBHOOKS)
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return once(request, person, lambda: _to_the_secret(request, endpoints.add(**form.cleaned_data, by=person)))
        except endpoints.NotNow as refusal:
            form.add_error(None, str(refusal))
    context = {"form": form, "once": new_token()}
    return render(request, "integrations/webhook_form.html", context, status=422 if form.errors else 200)


@require_GET
def webhook(request: PageRequest, webhook_id: str) -> HttpResponse:
    """One webhook with its log, which asks for itself again while something is under way."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    before = Delivery.objects.filter(endpoint=endpoint, pk=request.GET.get("after", "")[:40].replace("\0", "")).first()
    log = log_of(endpoint, LINES, after=(before.created_at, before.pk) if before else None)
    context = {
        "endpoint": endpoint,
        "log": log,
        "is_later_page": before is not None,
        "is_under_way": any(row.is_under_way for row in log.rows),
        "will_go_on": any(row.state == Delivery.State.FAILED for row in log.rows),
        "event_words": [(name, EVENTS.get(name, name)) for name in endpoint.events],
        "has_two_secrets": len(endpoint.secrets_at(timezone.now())) > 1,
    }
    return render(request, "integrations/_log.html" if request.htmx else "integrations/webhook.html", context)


@require_http_methods(["GET", "POST"])
def webhook_edit(request: PageRequest, webhook_id: str) -> HttpResponse:
    """Another address, description, or other events."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    initial = {"url": endpoint.url, "description": endpoint.description, "events": endpoint.events}
    form = WebhookForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        endpoints.change(endpoint, **form.cleaned_data)
        messages.success(request, "The webhook is changed.")
        return redirect("webhook", endpoint.pk)
    context = {"form": form, "endpoint": endpoint}
    return render(request, "integrations/webhook_form.html", context, status=422 if form.errors else 200)


@require_POST
def webhook_test(request: PageRequest, webhook_id: str) -> HttpResponse:
    """Send a test message; the log says how it fares."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    try:
        endpoints.send_test(endpoint)
    except endpoints.NotNow as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.info(request, "A test message is on its way; the log below says how it fares.")
    return redirect("webhook", endpoint.pk)


@require_POST
def webhook_switch(request: PageRequest, webhook_id: str) -> HttpResponse:
    """Enable or disable it, by the button that was pressed."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    endpoints.switch(endpoint, on=request.POST.get("to") == "on")
    told = "enabled; it hears of what happens from now on" if endpoint.is_enabled else "disabled; nothing is sent there"
    messages.success(request, f"The webhook is {told}.")
    return redirect("webhook", endpoint.pk)


@require_http_methods(["GET", "POST"])
def webhook_rotate(request: PageRequest, webhook_id: str) -> HttpResponse:
    """Ask whether to make a new secret (GET); make it, and go on to the page that shows it (POST)."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint, now = _endpoint_or_404(webhook_id), timezone.now()
    if request.method == "GET":
        if _shown_once(endpoint) in request.session:  # of two clicks the second is refused, and leads here
            return redirect("webhook-secret", endpoint.pk)
        context = {"endpoint": endpoint, "has_two_secrets": len(endpoint.secrets_at(now)) > 1}
        return render(request, "integrations/rotate.html", context)
    try:
        endpoints.rotate(endpoint, now, void_previous="void_previous" in request.POST)
    except endpoints.NotNow as refusal:
        messages.warning(request, str(refusal))
        return redirect("webhook-rotate", endpoint.pk)
    return _to_the_secret(request, endpoint)


@require_GET
def webhook_secret(request: PageRequest, webhook_id: str) -> HttpResponse:
    """The secret, once, to whoever has just made it, on a page that nothing may keep; it changes nothing when loaded again."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    if not request.session.pop(_shown_once(endpoint), False):
        messages.info(request, "A secret is shown once. If nobody has copied it, make a new one.")
        return redirect("webhook", endpoint.pk)
    context = {"endpoint": endpoint, "has_two_secrets": len(endpoint.secrets_at(timezone.now())) > 1}
    response = render(request, "integrations/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
def webhook_delete(request: PageRequest, webhook_id: str) -> HttpResponse:
    """Ask whether to delete it with its log (GET), and do it (POST)."""
    only_admins(request, MANAGE_WEBHOOKS)
    endpoint = _endpoint_or_404(webhook_id)
    if request.method == "GET":
        return render(request, "integrations/delete.html", {"endpoint": endpoint})
    name = str(endpoint)
    endpoints.delete(endpoint)
    messages.success(request, f"The webhook “{name}” is deleted.")
    return redirect("webhooks")


@require_GET
def delivery(request: PageRequest, delivery_id: str) -> HttpResponse:
    """One message: what was sent, and every attempt; it asks for itself again while it is under way."""
    only_admins(request, MANAGE_WEBHOOKS)
    record = record_of(delivery_id.replace("\0", ""))
    if record is None:
        raise Http404(NO_DELIVERY)
    context = {"record": record, "row": record.delivery, "endpoint": record.delivery.endpoint}
    return render(request, "integrations/_delivery.html" if request.htmx else "integrations/delivery.html", context)


@require_POST
def delivery_replay(request: PageRequest, delivery_id: str) -> HttpResponse:
    """Send a message again, and go on to how it fares."""
    only_admins(request, MANAGE_WEBHOOKS)
    found = Delivery.objects.select_related("endpoint", "event").filter(pk=delivery_id.replace("\0", "")).first()
    if found is None:
        raise Http404(NO_DELIVERY)
    try:
        endpoints.replay(found)
    except endpoints.NotNow as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.info(request, "The message is sent again; the log below says how it fares.")
    if request.POST.get("from") == "delivery":
        return redirect("webhook-delivery", found.pk)
    return redirect("webhook", found.endpoint_id)


def _endpoint_or_404(webhook_id: str) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.filter(pk=webhook_id.replace("\0", "")).first()
    if found is None:
        raise Http404("There is no such webhook; it may have been deleted.")
    return found


def _to_the_secret(request: PageRequest, endpoint: WebhookEndpoint) -> HttpResponseRedirect:
    """To another page, so that loading it again makes nothing again. The session holds that it may be shown, not the secret."""
    request.session[_shown_once(endpoint)] = True
    return HttpResponseRedirect(reverse("webhook-secret", args=[endpoint.pk]))


def _shown_once(endpoint: WebhookEndpoint) -> str:
    return f"shows secret of {endpoint.pk}"
