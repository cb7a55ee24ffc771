from datetime import timedelta

import pytest
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from jobs import sweeping
from jobs.models import Job, Pulse
from jobs.running import does, run, start
from tests.jobs.test_running import lose_worker

pytestmark = pytest.mark.django_db(transaction=True)


def ago(seconds):
    return ExpressionWrapper(Now() - timedelta(seconds=seconds), output_field=DateTimeField())


def age(job, seconds):
    Job.objects.filter(pk=job.pk).update(created_at=ago(seconds))


def test_a_broker_that_lost_everything_loses_no_job(queue, settings):
    does("sum")(lambda job: {"ok": True})
    job = start("sum", "Add up", {})
    assert queue.length() == 1
    queue.lose_everything()
    assert sweeping.sweep() == 0  # too young: its bell may still be on the way
    age(job, settings.JOB_RING_AGAIN_SECONDS + 1)
    assert sweeping.sweep() == 1
    assert queue.length() == 1
    assert run(job.pk).state == "done"
    assert sweeping.sweep() == 0


def test_a_job_whose_worker_is_gone_is_rung_for_or_given_up(rung):
    tried, hopeless, cancelled = (start("sum", f"{number}", {}) for number in range(3))
    lose_worker(tried, attempts=1)
    lose_worker(hopeless, attempts=3)
    lose_worker(cancelled, attempts=1, cancel_asked=True)
    rung.clear()
    sweeping.sweep()
    assert rung == [tried.pk]
    assert Job.objects.get(pk=hopeless.pk).state == "failed"
    assert Job.objects.get(pk=cancelled.pk).state == "cancelled"


def test_a_job_that_waits_for_one_like_itself_is_left_in_peace(rung):
    running, waiting = (start("segment", f"{number}", {}, only_one_of="segmentation") for number in range(2))
    Job.objects.filter(pk=running.pk).update(state="running", attempts=1, lease_token="x", lease_until=ago(-60))
    age(waiting, 600)
    rung.clear()
    sweeping.sweep()
    assert rung == []


def test_a_worker_that_starts_rings_for_everything_that_waits(rung):
    job = start("sum", "Add up", {})
    rung.clear()
    sweeping.sweep(waiting_seconds=0)
    assert rung == [job.pk]


def test_a_dead_scheduler_is_noticed_after_three_minutes():
    assert sweeping.is_silent()
    sweeping.sweep()
    assert not sweeping.is_silent()
    Pulse.objects.update(at=ago(181))
    assert sweeping.is_silent()


def test_a_worker_that_is_busy_with_a_job_is_not_called_dead(rung):
    job = start("sum", "Add up", {})
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=ago(-60))
    assert not sweeping.is_silent()
