"""The sweeper: whatever the broker lost is found in the rows and rung for again."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.functions import Now

from jobs import bell
from jobs.models import Job, Pulse
from jobs.running import settle_abandoned

AT_ONCE = 100
"""Bells a sweep at most: the rest waits for the next sweep, so that a long queue does not flood the broker."""


def sweep(waiting_seconds: float | None = None) -> int:
    """Ring again for jobs that wait too long or whose worker is gone; return how many bells went out.

    `waiting_seconds` defaults to the setting; a worker that has just started sweeps with 0. Jobs that wait for one like
    themselves are left to it. Three statements and one a bell.
    """
    settle_abandoned(Q())
    rung = bell.ring(due_jobs(waiting_seconds))
    beat("sweep")
    return rung


def due_jobs(waiting_seconds: float | None = None) -> list[uuid.UUID]:
    """Jobs that should be running by now and are not, oldest first, a hundred at most. One query."""
    after = settings.JOB_RING_AGAIN_SECONDS if waiting_seconds is None else waiting_seconds
    long_ago = ExpressionWrapper(Now() - timedelta(seconds=after), output_field=DateTimeField())
    rival = Job.objects.filter(state=Job.State.RUNNING, only_one_of=OuterRef("only_one_of"), lease_until__gte=Now())
    due = Job.objects.filter(
        Q(state=Job.State.QUEUED, created_at__lte=long_ago) & (Q(only_one_of="") | ~Exists(rival))
        | Q(state=Job.State.RUNNING, lease_until__lt=Now())
    ).order_by("created_at")
    return list(due.values_list("pk", flat=True)[:AT_ONCE])


def beat(name: str) -> datetime:
    """Note that the duty `name` is done now and return that moment, by the database's clock. Up to four queries."""
    Pulse.objects.update_or_create(name=name, defaults={"at": Now()})
    return Pulse.objects.values_list("at", flat=True).get(name=name)


def is_silent(name: str = "sweep") -> bool:
    """Whether no worker has swept for three minutes while none holds a job: long work will not begin by itself."""
    lately = ExpressionWrapper(Now() - timedelta(minutes=3), output_field=DateTimeField())
    if Pulse.objects.filter(name=name, at__gte=lately).exists():
        return False
    return not Job.objects.filter(state=Job.State.RUNNING, lease_until__gte=Now()).exists()
