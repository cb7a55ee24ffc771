"""How much one caller may ask: requests a minute, and of a key different customers a day: a stolen one cannot copy them all.

Both windows are fixed: a minute and a day of the clock, UTC.
"""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import counting
from accounts.counting import DAY_SECONDS, MINUTE_SECONDS, REFUSED
from accounts.models import ApiKey
from accounts.permissions import counted_as

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


class MoreThanADay(APIException):
    """One request for more customers than the key may read a day (429 without `Retry-After`: waiting would not help)."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "harvest_limit"

    def __init__(self, limit: int, needed: int | None) -> None:
        if needed is None:
            asked = f"more customers than the {limit:,} that the key may read a day"
        else:
            asked = f"{needed:,} customers, and the key may read {limit:,} a day"
        super().__init__(f"This needs {asked}; ask for fewer, or ask an admin for more.")


class CannotCount(APIException):
    """Nobody knows whether the key has read too many customers (503 with `Retry-After`)."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The customers that this key reads cannot be counted at the moment; try again in a moment."
    wait = 2


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


def is_counted(request: HttpRequest) -> HttpRequest:
    """The same request, part of one that was counted as a whole: only the customers that it reads count once more."""
    request.api_is_counted = True  # type: ignore[attr-defined]
    return request


def count_request(request: Request, customer_id: str | None = None) -> None:
    """Count a request, and the customer that its address names; at most one round trip for a customer seen today.

    Raises `RateLimited` or `HarvestLimit` (429). Nobody is not counted: strangers are refused anyhow.
    """
    caller = counted_as(request)
    is_part = getattr(request._request, "api_is_counted", False)
    if not caller or (is_part and customer_id is None):
        return
    key = request.auth if isinstance(request.auth, ApiKey) else None
    limit = key.requests_a_minute if key else settings.API_REQUESTS_A_MINUTE
    cap = key.customers_a_day if key else 0
    customers = [_digest(customer_id)] if cap and customer_id is not None else []
    now = int(timezone.now().timestamp())
    counted = counting.count(caller, now, limit, cap, customers, is_counted=is_part)
    if counted is None:
        return
    requests, fresh = counted
    reset = MINUTE_SECONDS - now % MINUTE_SECONDS
    now_new = customers[0] if fresh > 0 else ""
    request._request.api_limits = Spent(limit, requests, reset, now_new)  # type: ignore[attr-defined]
    if requests > limit:
        raise RateLimited(limit, reset)
    if key and fresh == REFUSED:
        _refuse_for_today(key, now)


def count_customers(request: Request, customer_ids: Collection[str]) -> None:
    """Count the customers that an answer holds, however many, all or none.

    Raises `HarvestLimit` or `MoreThanADay` (429), and `CannotCount` (503): lists without a count would copy the shop while it
    is busy. A single customer who is asked for by name passes uncounted then.
    """
    key = request.auth
    if not isinstance(key, ApiKey) or not key.customers_a_day or not customer_ids:
        return
    now = int(timezone.now().timestamp())
    if (needed := len(set(customer_ids))) > key.customers_a_day:
        refuse_more_than_a_day(key, needed)
    digests = [_digest(customer_id) for customer_id in dict.fromkeys(customer_ids)]
    counted = counting.count(counted_as(request), now, 0, key.customers_a_day, digests)
    if counted is None:
        raise CannotCount
    if counted[1] == REFUSED:
        _refuse_for_today(key, now)


def take_back(request: Request) -> None:
    """Forget the customer that this request was the first to ask for today, because there is none.

    Only then: whoever is there may have been read by another request meanwhile, which took it for counted.
    """
    standing = spent(request._request)
    if standing is None or not standing.new_customer:
        return
    counting.forget(counted_as(request), int(timezone.now().timestamp()), standing.new_customer)


def refuse_more_than_a_day(key: ApiKey, needed: int | None = None) -> NoReturn:
    """Raise `MoreThanADay` (429) for a request that no day would be enough for, once admins can see it; `needed` if known."""
    _note_refusal(key)
    raise MoreThanADay(key.customers_a_day, needed)


def _refuse_for_today(key: ApiKey, now: int) -> NoReturn:
    _note_refusal(key)
    raise HarvestLimit(key.customers_a_day, DAY_SECONDS - now % DAY_SECONDS)


def _note_refusal(key: ApiKey) -> None:
    """Note the first refusal of a day on the key and in the log."""
    moment = timezone.now()
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    never_today = ApiKey.objects.filter(pk=key.pk).exclude(harvest_stopped_at__gte=midnight)
    try:
        with counting.short_of_breath():
            is_the_first = never_today.update(harvest_stopped_at=moment)
    except DatabaseError as problem:
        logger.warning("That key %s was stopped was not noted (%s).", key.prefix, type(problem).__name__)
    else:
        if is_the_first:
            logger.warning("Key %s asked for more than %d different customers today.", key.prefix, key.customers_a_day)


def _digest(customer_id: str) -> str:
    return hashlib.blake2b(customer_id.encode(errors="surrogatepass"), digest_size=16).hexdigest()
