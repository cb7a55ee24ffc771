"""Counting exactly, however many requests come at once: on Redis by one script, elsewhere by rows that are changed in place.

A Redis that is down is replaced by the rows, and everything in it may vanish. Of the minute nothing is left then. Of the day
the rows keep a number: Redis asks for it when it knows nothing of today, and before its own number passes another twentieth of
what the caller may read, which moves the kept one up. So each loss forgets a twentieth at most, for some 20 small writes a day.

A database that cannot be written to at once counts nothing and says so; what that means is for who asked to decide.
"""

import json
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

from accounts.models import CustomerRead, DayCount, MinuteCount

logger = logging.getLogger(__name__)

MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60, 3_600, 86_400
AT_ONCE = 1_000
REDIS_PATIENCE_SECONDS, EXPORT_PATIENCE_SECONDS = 0.25, 5.0
QUIET_SECONDS = 5.0
"""A Redis that did not answer is not asked again for so long."""
LOCK_PATIENCE_MILLISECONDS = 1_000
"""SQLite lets one write at a time. No reader waits longer for an import to pause; then it goes uncounted."""
REFUSED, UNSURE = -1, -2
STEPS = 20
"""In how many steps the kept number follows the one in Redis; for less than twice as many customers, each is a step."""


def count(
    caller: str,
    now: int,
    limit: int,
    cap: int,
    customers: list[str],
    window_seconds: int = MINUTE_SECONDS,
    *,
    is_counted: bool = False,
) -> tuple[int, int] | None:
    """Requests of this minute with this one, and how many `customers` are new today or `REFUSED`; None if nothing could count.

    However many customers, all of them are added or none; beyond either limit none is. With `limit` 0 there is no request to be
    counted; otherwise a customer may be taken out again (`forget`). One that `is_counted` already is not counted once more, and
    0 comes back for it. `window_seconds` makes the minute longer, by whole minutes.
    """
    asked = (caller, now, limit, cap, customers, window_seconds, is_counted)
    try:
        if _redis_answers():
            try:
                return _count_in_redis(*asked)
            except redis.RedisError as problem:
                _redis_is_down(problem)
        return _count_in_rows(*asked)
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
        with short_of_breath(), transaction.atomic():
            today = DayCount.objects.filter(caller=caller, day=day)
            # The lock first, as counting does it: in the other order the two could wait for each other.
            is_counted = today.select_for_update().exists()
            if is_counted and CustomerRead.objects.filter(caller=caller, day=day, customer=customer).delete()[0]:
                today.update(customers=F("customers") - 1)
    except DatabaseError as problem:
        logger.warning("A customer that is not there stays counted (%s).", type(problem).__name__)


def take_off(caller: str, now: int, window_seconds: int) -> None:
    """Count one request of a window less."""
    if _redis_answers():
        try:
            name, pipeline = _window_name(caller, now, window_seconds), _client().pipeline()
            pipeline.decr(name)
            pipeline.expire(name, 2 * window_seconds)
            pipeline.execute()
        except redis.RedisError as problem:
            _redis_is_down(problem)
        return
    try:
        with short_of_breath():
            rows = MinuteCount.objects.filter(caller=caller, minute=_first_minute(now, window_seconds))
            rows.update(requests=F("requests") - 1)
    except DatabaseError as problem:
        logger.warning("A request stays counted (%s).", type(problem).__name__)


def forget_the_past(now: int) -> None:
    """Delete the rows of windows that are over; Redis does that by itself. Three statements.

    Not to the minute: the clock of another machine may be behind.
    """
    lately = now - HOUR_SECONDS
    MinuteCount.objects.filter(minute__lt=lately // MINUTE_SECONDS).delete()
    for counts in (DayCount, CustomerRead):
        counts.objects.filter(day__lt=lately // DAY_SECONDS).delete()


# --- Redis -------------------------------------------------------------------------------------------------------------

_quiet_until = 0.0

# KEYS: the window's counter, the day's set, how many were read today beside those in the set.
# ARGV: the two limits, seconds to keep the counter, the step, the number that the rows keep (-1: not looked up), customers.
SCRIPT = """
local limit, cap, step, kept, requests = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5]), 0
if limit > 0 then
  requests = redis.call('INCR', KEYS[1])
  if requests == 1 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
  if requests > limit then return {requests, 0, 0} end
end
local fresh = {}
for i = 6, #ARGV do
  if redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 0 then fresh[#fresh + 1] = ARGV[i] end
end
if #fresh == 0 then return {requests, 0, 0} end
local here, beside = redis.call('SCARD', KEYS[2]), tonumber(redis.call('GET', KEYS[3]) or -1)
if kept >= 0 then
  beside = math.max(beside, kept - here, 0)
  redis.call('SET', KEYS[3], beside, 'EX', 172800)
end
local total = here + math.max(beside, 0) + #fresh
if total > cap then return {requests, -1, 0} end
if kept < 0 and (beside < 0 or math.floor(total / step) > math.floor((total - #fresh) / step)) then return {requests, -2, 0} end
for i = 1, #fresh, 1000 do redis.call('SADD', KEYS[2], unpack(fresh, i, math.min(i + 999, #fresh))) end
redis.call('EXPIRE', KEYS[2], 172800)
return {requests, #fresh, total}
"""
# Moves it up only; another day than its own begins anew.
KEEP = """
INSERT INTO accounts_daycount AS t (caller, day, customers) VALUES (%s, %s, %s)
ON CONFLICT (caller) DO UPDATE SET day = excluded.day, customers = excluded.customers
WHERE (t.day, t.customers) < (excluded.day, excluded.customers)
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


def _beside_name(caller: str, day: int) -> str:
    return f"quimbi:customers-beside:{caller}:{day}"


def _window_name(caller: str, now: int, window_seconds: int) -> str:
    return f"quimbi:requests:{caller}:{now // window_seconds}"


def _count_in_redis(
    caller: str, now: int, limit: int, cap: int, customers: list[str], window_seconds: int, is_counted: bool
) -> tuple[int, int]:
    """One round trip; where Redis is unsure, a second one and two statements."""
    day, step = now // DAY_SECONDS, max(1, cap // STEPS)
    names = [_window_name(caller, now, window_seconds), _day_name(caller, day), _beside_name(caller, day)]

    def ask(limit: int, kept: int) -> tuple[int, int, int]:
        script = _client(len(customers)).register_script(SCRIPT)
        requests, fresh, total = script(keys=names, args=[limit, cap, 2 * window_seconds, step, kept, *customers])
        return int(requests), int(fresh), int(total)

    requests, fresh, total = ask(0 if is_counted else limit, -1)
    if fresh == UNSURE:
        kept = DayCount.objects.filter(caller=caller, day=day).values_list("customers", flat=True).first() or 0
        _, fresh, total = ask(0, kept)
        # Whoever is asked for by name may not be there. Kept all the same, they would be counted twice with the next step.
        sure = total - 1 if limit else total
        if sure > kept:
            _keep(caller, day, sure)
    return requests, fresh


def _keep(caller: str, day: int, customers: int) -> None:
    """Put it into the rows. Where that cannot be written soon the next step does it."""
    try:
        with short_of_breath(), connection.cursor() as cursor:
            cursor.execute(KEEP, [caller, day, customers])
    except DatabaseError as problem:
        logger.warning("What key %s has read today was not kept (%s).", caller, type(problem).__name__)


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
# A list of them goes as one text: twice as fast as a statement of its values, and while it lasts SQLite takes no other write.
ADD_CUSTOMERS = """
INSERT INTO accounts_customerread (caller, day, customer) SELECT %s, %s, value FROM {items} WHERE true ON CONFLICT DO NOTHING
"""
ITEMS = {"sqlite": "json_each(%s)", "postgresql": "jsonb_array_elements_text(%s) AS items (value)"}


def _first_minute(now: int, window_seconds: int) -> int:
    return now // window_seconds * (window_seconds // MINUTE_SECONDS)


def _count_in_rows(
    caller: str, now: int, limit: int, cap: int, customers: list[str], window_seconds: int, is_counted: bool
) -> tuple[int, int]:
    """One statement, and a transaction of two for customers that the key has not read today."""
    requests, day = 0, now // DAY_SECONDS
    with short_of_breath():
        if limit and not is_counted:
            with connection.cursor() as cursor:
                one = customers[0] if customers else ""
                cursor.execute(COUNT_REQUEST, [caller, _first_minute(now, window_seconds), caller, day, one])
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
        if connection.vendor == "postgresql":  # a crash may forget the last half second; nobody waits for the disk
            cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(COUNT_CUSTOMERS, [caller, day, len(customers)])
        day, total = cursor.fetchone()
        fresh = 0
        for first in range(0, len(customers), AT_ONCE):
            some = json.dumps(customers[first : first + AT_ONCE])
            cursor.execute(ADD_CUSTOMERS.format(items=ITEMS[connection.vendor]), [caller, day, some])
            fresh += cursor.rowcount
    known = len(customers) - fresh
    if fresh and total - known > cap:
        raise _TooMany
    if known:
        DayCount.objects.filter(caller=caller).update(customers=F("customers") - known)
    return fresh


@contextmanager
def short_of_breath() -> Iterator[None]:
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
