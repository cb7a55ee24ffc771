"""What runs when, by itself.

Celery's beat only ticks. Which slots are due is decided here from the database's clock and the shop's time zone, and a
unique row per slot makes two schedulers start one job. A slot that was missed because nothing ran is made up for.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from accounts import counting, idempotency
from accounts.models import Shop
from customers.tasks import start_counting, start_mending
from integrations.forgetting import forget_former_secrets, forget_old
from integrations.tasks import start_due_deliveries
from jobs import running, sweeping
from jobs.models import Job, Pulse, ScheduledSlot
from quimbi.celery import app

logger = logging.getLogger(__name__)


def monthly(day: int, hour: int) -> Callable[[datetime], datetime]:
    """A rule that gives the latest such day and hour (wall time) at or before an aware moment in the shop's zone."""

    def latest(local: datetime) -> datetime:
        slot = local.replace(day=day, hour=hour, minute=0, second=0, microsecond=0, fold=0)
        if slot.astimezone(UTC) > local.astimezone(UTC):
            slot = slot.replace(year=slot.year - (slot.month == 1), month=(slot.month - 2) % 12 + 1)
        return slot

    return latest


def nightly(hour: int) -> Callable[[datetime], datetime]:
    """A rule that gives the latest such hour (wall time) at or before an aware moment in the shop's zone."""

    def latest(local: datetime) -> datetime:
        slot = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
        return slot - timedelta(days=1) if slot.astimezone(UTC) > local.astimezone(UTC) else slot

    return latest


@dataclass(frozen=True)
class Scheduled:
    """One recurring job; `latest` gives the slot that a moment of the shop's time belongs to."""

    name: str
    latest: Callable[[datetime], datetime]
    kind: str
    title: str
    only_one_of: str
    args: dict[str, Any] = field(default_factory=dict)


SCHEDULE = (
    Scheduled("monthly segmentation", monthly(day=1, hour=3), "segment", "Monthly segmentation", "segmentation"),
    Scheduled("nightly predictions", nightly(hour=2), "predict", "Nightly predictions", "prediction"),
    Scheduled("monthly refit", monthly(day=1, hour=4), "predict", "Predictions learned anew", "prediction", {"refit": True}),
)

TIDY_EVERY = timedelta(hours=1)

# A beat message that nobody took in time is worth nothing: the next one does the same.
_EXPIRY: dict[str, Any] = {"expires": settings.JOB_SWEEP_SECONDS}
app.conf.beat_schedule = {
    "sweep": {"task": "jobs.sweep", "schedule": settings.JOB_SWEEP_SECONDS, "options": _EXPIRY},
    "tick": {"task": "quimbi.tick", "schedule": settings.JOB_SWEEP_SECONDS, "options": _EXPIRY},
}


@shared_task(name="quimbi.tick")  # type: ignore[untyped-decorator]
def tick() -> None:
    """Start what is due."""
    now = sweeping.beat("schedule")
    start_due(now)
    start_counting(now)
    start_mending()
    start_due_deliveries()
    tidy_up(now)


def tidy_up(now: datetime) -> None:
    """Delete what has run out and nobody asks for again, once an hour: sessions, counts, answers to repeated writes, webhooks'
    old messages and former secrets.

    Two schedulers may both do it; the second finds nothing.
    """
    if Pulse.objects.filter(name="tidying", at__gt=now - TIDY_EVERY).exists():
        return
    sweeping.beat("tidying")
    Session.objects.filter(expire_date__lt=now).delete()
    counting.forget_the_past(int(now.timestamp()))
    idempotency.forget_expired(now)
    forget_former_secrets(now)
    forget_old(now)


def start_due(now: datetime) -> list[Job]:
    """Start a job for each slot that has come and that nobody has started yet; return those started here.

    The first time that a name is seen its current slot is only noted: a new shop does not catch up on its past.
    """
    zone = Shop.current().zone
    started = []
    for entry in SCHEDULE:
        slot = entry.latest(now.astimezone(zone))
        with transaction.atomic():
            is_new_here = not ScheduledSlot.objects.filter(name=entry.name).exists()
            row, ours = ScheduledSlot.objects.get_or_create(name=entry.name, slot=f"{slot:%Y-%m-%d %H:%M}")
            if not ours or is_new_here:
                continue
            row.job = running.start(entry.kind, entry.title, dict(entry.args), only_one_of=entry.only_one_of)
            row.save(update_fields=["job"])
        logger.info("Schedule: %s of %s started.", entry.name, row.slot)
        started.append(row.job)
    return started
