"""What every page's frame shows: the shop, the age of the segments, work that is running.

Everything is read when a template asks for it, so a fragment pays for nothing that it does not show.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject

from accounts.models import Shop
from customers.models import Customer
from integrations.models import WebhookEndpoint
from jobs.models import Job
from quimbi.demo import SOURCE
from segmentation.models import ActiveRun, SegmentationRun

SECTIONS = {
    "customer": "customers",
    "archetype": "archetypes",
    "growth": "growth",
    "demo": "jobs",
    "import": "jobs",
    "job": "jobs",
    "key": "keys",
    "trust": "trust",
    "webhook": "webhooks",
}


class Shell:
    """The frame of one page."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def section(self) -> str:
        """The entry of the side bar that this page belongs to, by the first word of its URL's name."""
        return SECTIONS.get(self.page.split("-")[0].removesuffix("s"), "")

    @cached_property
    def page(self) -> str:
        """The name of this page's URL."""
        match = self.request.resolver_match
        return (match.url_name or "") if match else ""

    @cached_property
    def run(self) -> SegmentationRun | None:
        """The segmentation that pages read; one query."""
        return ActiveRun.current()

    @cached_property
    def running_jobs(self) -> int:
        """Jobs that wait or run; one query."""
        return Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).count()

    @cached_property
    def disabled_webhooks(self) -> int:
        """Webhooks that Quimbi had to disable and that an admin has to look at; one query."""
        return WebhookEndpoint.objects.filter(is_enabled=False).exclude(disabled_reason="").count()

    @cached_property
    def invented_customers(self) -> int:
        """Customers of the demo shop; one query."""
        return Customer.objects.filter(source=SOURCE).count()


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context for `templates/base.html`: `shell` and `shop`."""
    return {"shell": Shell(request), "shop": SimpleLazyObject(lambda: shop_of(request))}


def shop_of(request: HttpRequest) -> Shop:
    """The shop, read once a request."""
    if not hasattr(request, "_quimbi_shop"):
        request._quimbi_shop = Shop.current()  # type: ignore[attr-defined]
    shop: Shop = request._quimbi_shop  # type: ignore[attr-defined]
    return shop


class ShopZoneMiddleware:
    """Write every time in the shop's zone, and tell caches that a page and its fragment share a URL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in the shop's zone."""
        # Nobody who is not signed in sees a time, and API answers are in UTC: neither pays for the query.
        if request.path.startswith("/api/") or not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(shop_of(request).zone):
            response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response
