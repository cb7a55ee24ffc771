"""How much one caller may ask: requests a minute, and of a key different customers a day: a stolen one cannot copy them all.

Both windows are fixed: a minute and a day of the clock, UTC.
"""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import counting
from accounts.counting import DAY_SECONDS, MINUTE_SECONDS, REFUSED
from accounts.models import ApiKey
from accounts.permissions import caller_of

logger = logging.getLogger(__name__)


class RateLimited(APIException):
    """More requests than the caller may send a minute (429 with `Retry-After`)."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "rate_limited"

    def __init__(self, limit: int, wait: int) -> None:
        super().__init__(f"You may send {limit:,} requests a minute; wait {wait} s.")
        self.wait = wait


class HarvestLimit(APIException):
    """More different customers than the key may read a day (429 with `Retry-After`)."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "harvest_limit"

    def __init__(self, limit: int, wait: int) -> None:
        super().__init__(f"This key may read {limit:,} different customers a day (UTC); wait, or ask an admin for more.")
        self.wait = wait


@dataclass(frozen=True)
class Spent:
    """Where a caller stands after a request: what the headers tell."""

    limit: int
    requests: int
    reset_seconds: int
    new_customer: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """`RateLimit-*`; a reset counts seconds from now."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.requests)),
            "RateLimit-Reset": str(self.reset_seconds),
        }


class CallerLimit(BaseThrottle):
    """Counts requests of endpoints that are no `ApiView`, which has counted its own before it asks for permission."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True. Raises `RateLimited` (429)."""
        count_request(request)
        return True


def spent(request: HttpRequest) -> Spent | None:
    """Where the caller of this request stands; None before counting, and for nobody."""
    found: Spent | None = getattr(request, "api_limits", None)
    return found


def count_request(request: Request, customer_id: str | None = None) -> None:
    """Count a request, and the customer that its address names; at most one round trip for a customer seen today.

    Raises `RateLimited` or `HarvestLimit` (429). Nobody is not counted: strangers are refused anyhow.
    """
    caller = caller_of(request)
    if not caller:
        return
    key = request.auth if isinstance(request.auth, ApiKey) else None
    limit = key.requests_a_minute if key else settings.API_REQUESTS_A_MINUTE
    cap = key.customers_a_day if key else 0
    customers = [_digest(customer_id)] if cap and customer_id is not None else []
    now = int(timezone.now().timestamp())
    counted = counting.count(caller, now, limit, cap, customers)
    if counted is None:
        return
    requests, fresh = counted
    reset = MINUTE_SECONDS - now % MINUTE_SECONDS
    now_new = customers[0] if fresh > 0 else ""
    request._request.api_limits = Spent(limit, requests, reset, now_new)  # type: ignore[attr-defined]
    if requests > limit:
        raise RateLimited(limit, reset)
    if key and fresh == REFUSED:
        _refuse_harvest(key, now)


def count_customers(request: Request, customer_ids: Collection[str]) -> None:
    """Count the customers that an answer holds, all or none. Raises `HarvestLimit` (429)."""
    key = request.auth
    if not isinstance(key, ApiKey) or not key.customers_a_day or not customer_ids:
        return
    now = int(timezone.now().timestamp())
    if len(set(customer_ids)) > key.customers_a_day:
        _refuse_harvest(key, now)
    digests = [_digest(customer_id) for customer_id in dict.fromkeys(customer_ids)]
    counted = counting.count(caller_of(request), now, 0, key.customers_a_day, digests)
    if counted and counted[1] == REFUSED:
        _refuse_harvest(key, now)


def take_back(request: Request) -> None:
    """Forget the customer that this request was the first to ask for today: there is none, or it may not be read."""
    standing = spent(request._request)
    if standing is None or not standing.new_customer:
        return
    counting.forget(caller_of(request), int(timezone.now().timestamp()), standing.new_customer)


def _refuse_harvest(key: ApiKey, now: int) -> None:
    """Note the first refusal of a day on the key and in the log, then raise `HarvestLimit`."""
    moment = timezone.now()
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    never_today = ApiKey.objects.filter(pk=key.pk).exclude(harvest_stopped_at__gte=midnight)
    if never_today.update(harvest_stopped_at=moment):
        logger.warning("Key %s asked for more than %d different customers today.", key.prefix, key.customers_a_day)
    raise HarvestLimit(key.customers_a_day, DAY_SECONDS - now % DAY_SECONDS)


def _digest(customer_id: str) -> str:
    return hashlib.blake2b(customer_id.encode(errors="surrogatepass"), digest_size=16).hexdigest()
