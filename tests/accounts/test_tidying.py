"""What has run out is deleted by itself, whatever is or is not asked for in between."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session

from accounts.models import CustomerRead, DayCount, IdempotentAnswer, MinuteCount
from jobs.models import Pulse
from quimbi import schedule

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = int(NOON.timestamp()) // 86_400
THIS_MINUTE = int(NOON.timestamp()) // 60


@pytest.fixture
def leftovers():
    """Of each kind one that is over and one that is not."""
    for name, age in (("old", timedelta(hours=25)), ("new", timedelta(hours=23))):
        IdempotentAnswer.objects.create(caller="qk_1", key=name, asked="POST /x", created_at=NOON - age)
    for name, ends in (("old", NOON - timedelta(seconds=1)), ("new", NOON + timedelta(days=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=ends)
    for name, days, minutes in (("old", 1, 61), ("new", 0, 59)):
        MinuteCount.objects.create(caller=name, minute=THIS_MINUTE - minutes, requests=1)
        DayCount.objects.create(caller=name, day=TODAY - days, customers=1)
        CustomerRead.objects.create(caller=name, day=TODAY - days, customer="x")


def left():
    counts = [list(model.objects.values_list("caller", flat=True)) for model in (MinuteCount, DayCount, CustomerRead)]
    return [
        *counts,
        list(IdempotentAnswer.objects.values_list("key", flat=True)),
        list(Session.objects.values_list("session_key", flat=True)),
    ]


def test_what_has_run_out_is_deleted_and_nothing_else(leftovers, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # rows from before the change to Redis go all the same
    schedule.tidy_up(NOON)
    assert left() == [["new"]] * 5


def test_it_is_done_once_an_hour(leftovers):
    Pulse.objects.create(name="tidying", at=NOON - timedelta(minutes=59))
    schedule.tidy_up(NOON)
    assert len(left()[-1]) == 2
    schedule.tidy_up(NOON + timedelta(minutes=2))
    assert len(left()[-1]) == 1
    assert Pulse.objects.get(name="tidying").at > NOON - timedelta(minutes=59)


def test_the_tick_does_it(monkeypatch):
    seen = []
    monkeypatch.setattr(schedule, "tidy_up", seen.append)
    schedule.tick()
    assert seen == [Pulse.objects.get(name="schedule").at]
