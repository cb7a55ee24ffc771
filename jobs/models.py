"""Long work. The row is the truth; a Celery message only rings the bell, and may be lost or doubled."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from jobs import progress


class Job(models.Model):
    """One piece of long work: what it is, who holds it, how far it is and how it ended."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    ENDED = (State.DONE, State.FAILED, State.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40, help_text="Names the function that does the work (jobs.running.does).")
    title = models.CharField(max_length=200)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    only_one_of = models.CharField(max_length=60, blank=True, help_text="Jobs with the same text never run at once.")

    attempts = models.PositiveSmallIntegerField(default=0, help_text="Counted and committed before the work begins.")
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    cancel_asked = models.BooleanField(default=False)

    progress_share = models.FloatField(default=0.0)
    seconds_left = models.PositiveIntegerField(
        null=True, blank=True, help_text="At the smoothed pace; empty = too early to tell."
    )
    steps = models.JSONField(default=list, help_text="[{name, note, state, seconds}] in order.")
    log = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True, help_text="One sentence for the person who started it.")

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "lease_until"], name="job_due"),
            models.Index(fields=["-created_at"], name="job_newest"),
            models.Index(fields=["kind", "-created_at"], name="job_kind_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["only_one_of"],
                condition=models.Q(state="running") & ~models.Q(only_one_of=""),
                name="job_only_one_running",
            )
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in self.ENDED

    @property
    def percentage(self) -> int:
        """Whole percent done, never 100 before the end."""
        return 100 if self.state == self.State.DONE else min(99, int(100 * self.progress_share))

    @property
    def took_seconds(self) -> float | None:
        """From the first attempt's start to the end; None before the end or if it never began."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def time_left(self) -> str:
        """The time left in words, "" when nobody can tell."""
        return progress.time_left(self.seconds_left) if self.state == self.State.RUNNING else ""


class ScheduledSlot(models.Model):
    """One firing of the schedule: two schedulers that meet in one slot start one job."""

    name = models.CharField(max_length=60, help_text="What is scheduled (quimbi.schedule).")
    slot = models.CharField(max_length=40, help_text="The local time it stands for, like 2026-11-01 03:00.")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="slots")
    fired_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-fired_at"]
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="one_run_a_slot")]

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"


class Pulse(models.Model):
    """When a recurring duty was last done, so that a dead scheduler is seen."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
