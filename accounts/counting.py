"""Counting exactly, however many requests come at once: on Redis by one script, elsewhere by rows that are changed in place.

A Redis that is down is replaced by the rows, and a database that cannot be written to at once lets the request pass: a limit
is no reason to fail.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.models import CustomerRead, DayCount

logger = logging.getLogger(__name__)

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
AT_ONCE = 1_000
REDIS_PATIENCE_SECONDS, EXPORT_PATIENCE_SECONDS = 0.25, 5.0
QUIET_SECONDS = 5.0
"""A Redis that did not answer is not asked again for so long."""
LOCK_PATIENCE_MILLISECONDS = 1_000
"""SQLite lets one write at a time. No reader waits longer for an import to pause; then it goes uncounted."""
REFUSED = -1


def count(caller: str, now: int, limit: int, cap: int, customers: list[str]) -> tuple[int, int] | None:
    """Requests of this minute with this one, and how many `customers` are new today or `REFUSED`; None if nothing could count.

    With `limit` 0 the request has been counted already. Beyond either limit no customer is added.
    """
    if _redis_answers():
        try:
            return _count_in_redis(caller, now, limit, cap, customers)
        except redis.RedisError as problem:
            _redis_is_down(problem)
    try:
        return _count_in_rows(caller, now, limit, cap, customers)
    except DatabaseError as problem:
        logger.warning("A request went uncounted (%s).", type(problem).__name__)
        return None


def forget(caller: str, now: int, customer: str) -> None:
    """Take a customer out of the day's count again."""
    day = now // DAY_SECONDS
    if _redis_answers():
        try:
            _client().srem(_day_name(caller, day), customer)
        except redis.RedisError as problem:
            _redis_is_down(problem)
        return
    try:
        with _short_of_breath(), transaction.atomic():
            if CustomerRead.objects.filter(caller=caller, day=day, customer=customer).delete()[0]:
                DayCount.objects.filter(caller=caller, day=day).update(customers=F("customers") - 1)
    except DatabaseError as problem:
        logger.warning("A customer that is not there stays counted (%s).", type(problem).__name__)


# --- Redis -------------------------------------------------------------------------------------------------------------

_quiet_until = 0.0

# KEYS: the minute's counter, the day's set. ARGV: the two limits, then customers.
SCRIPT = """
local limit, cap, requests = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
if limit > 0 then
  requests = redis.call('INCR', KEYS[1])
  if requests == 1 then redis.call('EXPIRE', KEYS[1], 120) end
  if requests > limit then return {requests, 0} end
end
local fresh = {}
for i = 3, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then fresh[#fresh + 1] = ARGV[i] end
end
if #fresh == 0 then return {requests, 0} end
if redis.call('SCARD', KEYS[2]) + #fresh > cap then return {requests, -1} end
for i = 1, #fresh, 1000 do redis.call('SADD', KEYS[2], unpack(fresh, i, math.min(i + 999, #fresh))) end
redis.call('EXPIRE', KEYS[2], 172800)
return {requests, #fresh}
"""


def _redis_answers() -> bool:
    return bool(settings.REDIS_URL) and time.monotonic() >= _quiet_until


def _redis_is_down(problem: redis.RedisError) -> None:
    global _quiet_until  # noqa: PLW0603  (one a process)
    _quiet_until = time.monotonic() + QUIET_SECONDS
    logger.warning("Redis did not answer (%s); limits are counted in the database meanwhile.", type(problem).__name__)


@cache
def _client_of(url: str, patience_seconds: float) -> "redis.Redis":
    return redis.Redis.from_url(
        url,
        socket_timeout=patience_seconds,
        socket_connect_timeout=REDIS_PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _client(customers: int = 1) -> "redis.Redis":
    """A whole export is counted in one step too, which takes longer."""
    return _client_of(settings.REDIS_URL, REDIS_PATIENCE_SECONDS if customers <= AT_ONCE else EXPORT_PATIENCE_SECONDS)


def _day_name(caller: str, day: int) -> str:
    return f"quimbi:customers:{caller}:{day}"


def _count_in_redis(caller: str, now: int, limit: int, cap: int, customers: list[str]) -> tuple[int, int]:
    """One round trip."""
    client = _client(len(customers))
    names = [f"quimbi:requests:{caller}:{now // MINUTE_SECONDS}", _day_name(caller, now // DAY_SECONDS)]
    requests, fresh = client.register_script(SCRIPT)(keys=names, args=[limit, cap, *customers])
    return int(requests), int(fresh)


# --- Rows --------------------------------------------------------------------------------------------------------------

# A clock that is behind another machine's counts for the later minute.
COUNT_REQUEST = """
INSERT INTO accounts_minutecount AS t (caller, minute, requests) VALUES (%s, %s, 1)
ON CONFLICT (caller) DO UPDATE SET
  requests = CASE WHEN t.minute < excluded.minute THEN 1 ELSE t.requests + 1 END,
  minute = CASE WHEN t.minute < excluded.minute THEN excluded.minute ELSE t.minute END
RETURNING requests, EXISTS (SELECT 1 FROM accounts_customerread WHERE caller = %s AND day = %s AND customer = %s)
"""
# The row is also the lock under which one key's customers are counted.
COUNT_CUSTOMERS = """
INSERT INTO accounts_daycount AS t (caller, day, customers) VALUES (%s, %s, %s)
ON CONFLICT (caller) DO UPDATE SET
  customers = CASE WHEN t.day < excluded.day THEN excluded.customers ELSE t.customers + excluded.customers END,
  day = CASE WHEN t.day < excluded.day THEN excluded.day ELSE t.day END
RETURNING day, customers
"""


def _count_in_rows(caller: str, now: int, limit: int, cap: int, customers: list[str]) -> tuple[int, int]:
    """One statement, and a transaction of two for customers that the key has not read today."""
    requests, day = 0, now // DAY_SECONDS
    with _short_of_breath():
        if limit:
            with connection.cursor() as cursor:
                one = customers[0] if customers else ""
                cursor.execute(COUNT_REQUEST, [caller, now // MINUTE_SECONDS, caller, day, one])
                requests, is_known = cursor.fetchone()
            if requests > limit or is_known:
                return requests, 0
        return requests, _add_customers(caller, day, cap, customers) if customers else 0


class _TooMany(Exception):
    """Rolls the count back."""


def _add_customers(caller: str, day: int, cap: int, customers: list[str]) -> int:
    try:
        with transaction.atomic():
            return _added(caller, day, cap, customers)
    except _TooMany:
        return REFUSED


def _added(caller: str, day: int, cap: int, customers: list[str]) -> int:
    """How many were new; they are counted first, and those that were not are taken off again."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_CUSTOMERS, [caller, day, len(customers)])
        day, total = cursor.fetchone()
        fresh = 0
        for first in range(0, len(customers), AT_ONCE):
            some = customers[first : first + AT_ONCE]
            rows = ", ".join(["(%s, %s, %s)"] * len(some))
            values = [value for customer in some for value in (caller, day, customer)]
            cursor.execute(
                f"INSERT INTO accounts_customerread (caller, day, customer) VALUES {rows} ON CONFLICT DO NOTHING",  # noqa: S608
                values,
            )
            fresh += cursor.rowcount
    known = len(customers) - fresh
    if fresh and total - known > cap:
        raise _TooMany
    if known:
        DayCount.objects.filter(caller=caller).update(customers=F("customers") - known)
    if total == len(customers):  # the first of the day
        CustomerRead.objects.filter(day__lt=day).delete()
    return fresh


@contextmanager
def _short_of_breath() -> Iterator[None]:
    """Wait for SQLite's write lock only briefly; other databases lock a row and not everything."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    usual = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    connection.connection.execute(f"PRAGMA busy_timeout = {LOCK_PATIENCE_MILLISECONDS}")
    try:
        yield
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {usual}")
