from datetime import timedelta

import pytest
from django.db.models.functions import Now

from jobs.models import Job
from jobs.running import start
from jobs.watching import Watch

pytestmark = pytest.mark.django_db


@pytest.fixture
def watch(settings, rung):
    settings.JOB_DEAF_SECONDS = settings.JOB_RING_AGAIN_SECONDS = 0
    return Watch()


def test_a_worker_that_hears_nothing_while_jobs_are_due_is_deaf(watch, rung):
    assert not watch.is_deaf()  # nothing is due
    job = start("sum", "Add up", {})
    assert watch.is_deaf()
    assert rung[-1] == job.pk


def test_a_worker_at_work_is_not_deaf(watch):
    start("sum", "Add up", {})
    watch.begin()
    assert not watch.is_deaf()
    watch.end()
    assert watch.is_deaf()


def test_a_worker_that_heard_something_lately_is_not_deaf(watch, settings):
    start("sum", "Add up", {})
    settings.JOB_DEAF_SECONDS = 60
    assert not watch.is_deaf()


def test_a_broker_that_is_down_is_not_the_workers_fault(watch, monkeypatch):
    start("sum", "Add up", {})
    monkeypatch.setattr("jobs.bell.ring", lambda ids: 0)
    assert not watch.is_deaf()


def test_a_job_that_another_worker_holds_is_not_due(watch):
    start("sum", "Add up", {})
    Job.objects.update(state="running", lease_until=Now() + timedelta(seconds=60))
    assert not watch.is_deaf()
