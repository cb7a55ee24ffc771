"""What production refuses to start with, each in one line that says what to do.

Settings are checked by `manage.py check` too. The database and the broker are asked only when the site, a worker or `up`
starts, so that `migrate` can run on an empty database.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

SECRET_KEY_LENGTH = 50
CLOCK_SECONDS = 60
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
# gunicorn takes this for "the worker cannot boot" and stops, instead of starting it again for ever.
UNFIT = 3


@register(Tags.security)
def settings_are_fit(**_: Any) -> list[CheckMessage]:
    """Django's own check framework: errors that stop every command in production, nothing on a laptop."""
    if not settings.PRODUCTION:
        return []
    errors: list[CheckMessage] = [Error(line, id="quimbi.E002") for line in settings_refused()]
    if connection.vendor == "sqlite":
        line = "SQLite serves one machine and one busy worker; set DATABASE_URL to a PostgreSQL database for more."
        errors.append(Warning(line, id="quimbi.W001"))
    return errors


def stop_if_unfit(*, serves_pages: bool = False) -> None:
    """End this process with the reasons on standard error if production must not start so; a laptop always starts."""
    if not settings.PRODUCTION:
        return
    reasons = [*settings_refused(), *database_refused(), *broker_refused()]
    if serves_pages:
        reasons += pages_refused()
    if reasons:
        sys.stderr.write("".join(f"Quimbi does not start: {reason}\n" for reason in reasons))
        raise SystemExit(UNFIT)


def settings_refused() -> Iterator[str]:
    """Settings that must not stand in production."""
    if settings.LAPTOP_SECRET_KEY in settings.SECRET_KEY_FALLBACKS:
        yield "SECRET_KEY_FALLBACKS holds the laptop's key; take it out and set it to former random keys or nothing."
    if settings.SECRET_KEY == settings.LAPTOP_SECRET_KEY:
        yield f"SECRET_KEY is the laptop's; set it to {SECRET_KEY_LENGTH} or more random characters."
    elif len(settings.SECRET_KEY) < SECRET_KEY_LENGTH or len(set(settings.SECRET_KEY)) < 8:
        yield f"SECRET_KEY is too short or too plain; set it to {SECRET_KEY_LENGTH} or more random characters."
    if settings.DEBUG:
        yield "DEBUG is on and would show settings and data to visitors; unset DEBUG."
    if not settings.ALLOWED_HOSTS or set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        yield "ALLOWED_HOSTS names only this machine; set it to the site's own host names, separated by commas."
    elif "*" in settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS lets any host name in; set it to the site's own host names, separated by commas."


def database_refused() -> Iterator[str]:
    """A database that does not answer, lacks migrations, or lives in another time."""
    try:
        missing = unapplied_migrations()
        if missing:
            yield f"the database lacks {len(missing)} migrations (first {missing[0]}); run manage.py migrate."
        difference = abs(datetime.now(UTC) - _database_clock())
        if difference > timedelta(seconds=CLOCK_SECONDS):
            yield f"this machine's clock and the database's differ by {difference.seconds} s; set both by NTP."
    except DatabaseError as problem:
        reason = str(problem).strip().splitlines()[0]
        yield f"the database does not answer ({reason}); start it or correct DATABASE_URL."


def broker_refused() -> Iterator[str]:
    """A Redis that throws messages away when it is full. One that does not answer is only slow, so it does not stop us."""
    policy = evicting_policy()
    if policy:
        yield f"Redis may throw jobs away (maxmemory-policy {policy}); set maxmemory-policy noeviction."


def pages_refused() -> Iterator[str]:
    """Pages without their style and script."""
    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        yield "static files are not collected; run manage.py collectstatic --noinput."


def unapplied_migrations() -> list[str]:
    """Names of migrations that the database lacks, in order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def evicting_policy() -> str:
    """Redis's eviction policy if it may evict, else ""; "" too without Redis or when it does not answer."""
    if not settings.REDIS_URL:
        return ""
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        policy = str(client.info("memory").get("maxmemory_policy", "noeviction"))
    except redis.RedisError as problem:
        sys.stderr.write(f"Redis does not answer ({type(problem).__name__}); jobs wait for the sweeper until it does.\n")
        return ""
    finally:
        client.close()
    return "" if policy == "noeviction" else policy


def _database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        moment = cursor.fetchone()[0]
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment).replace(tzinfo=UTC)
