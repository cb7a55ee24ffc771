import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import Shop
from customers.metrics import settle
from customers.models import DataImport, MetricsDue
from jobs import bell, running
from jobs.models import Job, Pulse, ScheduledSlot
from quimbi import schedule
from tests.factories import make_customer, make_order

pytestmark = pytest.mark.django_db(transaction=True)


MONTHLY, NIGHTLY, REFIT = schedule.SCHEDULE


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No broker, and one thing on the schedule unless a test wants more."""
    monkeypatch.setattr(bell, "ring", lambda ids: 0)
    monkeypatch.setattr(schedule, "SCHEDULE", (MONTHLY,))


def at(*moment):
    return datetime(*moment, tzinfo=UTC)


def test_a_new_shop_waits_for_its_first_slot_and_then_runs_once_a_month():
    assert schedule.start_due(at(2026, 11, 23)) == []
    assert schedule.start_due(at(2026, 11, 30, 23)) == []
    (job,) = schedule.start_due(at(2026, 12, 1, 3, 0, 5))
    assert (job.kind, job.only_one_of) == ("segment", "segmentation")
    assert schedule.start_due(at(2026, 12, 1, 3, 0, 35)) == []
    assert ScheduledSlot.objects.get(job=job).slot == "2026-12-01 03:00"


def test_predictions_are_made_every_night_and_learned_anew_every_month(monkeypatch):
    monkeypatch.setattr(schedule, "SCHEDULE", (NIGHTLY, REFIT))
    assert schedule.start_due(at(2026, 11, 29, 12)) == []
    assert [job.args for job in schedule.start_due(at(2026, 11, 30, 2, 0, 5))] == [{}]
    assert schedule.start_due(at(2026, 11, 30, 23, 59)) == []
    assert [job.args for job in schedule.start_due(at(2026, 12, 1, 5))] == [{}, {"refit": True}]
    assert set(Job.objects.values_list("kind", "only_one_of")) == {("predict", "prediction")}


def test_a_slot_that_was_missed_is_made_up_for_and_only_the_latest():
    schedule.start_due(at(2026, 11, 23))
    assert len(schedule.start_due(at(2027, 2, 14))) == 1
    assert schedule.start_due(at(2027, 2, 15)) == []


def test_the_slot_is_in_the_shops_own_time():
    Shop.objects.update_or_create(pk=1, defaults={"time_zone": "Pacific/Auckland"})
    schedule.start_due(at(2026, 11, 23))
    assert schedule.start_due(at(2026, 11, 30, 13, 59)) == []
    assert len(schedule.start_due(at(2026, 11, 30, 14, 1))) == 1  # 03:01 on 1 December in Auckland


def test_a_clock_that_is_set_back_over_the_slot_fires_it_once():
    latest = schedule.monthly(day=1, hour=1)
    zone = ZoneInfo("America/New_York")  # 1:00 comes twice on 1 November 2026
    first, second = (datetime(2026, 11, 1, 1, 30, tzinfo=zone, fold=fold) for fold in (0, 1))
    assert latest(first) == latest(second) == datetime(2026, 11, 1, 1, 0, tzinfo=zone)


def test_january_looks_back_to_december():
    slot = schedule.monthly(day=1, hour=3)(datetime(2027, 1, 1, 2, 59, tzinfo=UTC))
    assert slot == datetime(2026, 12, 1, 3, tzinfo=UTC)


def test_two_schedulers_start_one_job_a_slot_over_a_hundred_slots():
    schedule.start_due(at(2026, 1, 15))
    ready = threading.Barrier(2)
    problems = []

    def beat():
        try:
            for month in range(1, 101):
                ready.wait(30)
                schedule.start_due(at(2026 + month // 12, month % 12 + 1, 15))
        except Exception as problem:
            problems.append(problem)
            ready.abort()
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _ in range(2)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join()
    assert problems == []
    assert Job.objects.count() == 100
    assert ScheduledSlot.objects.count() == 101


def test_the_tick_reads_the_databases_clock(time_machine):
    time_machine.move_to(at(2031, 5, 5))  # this machine's clock is wrong
    schedule.tick()
    assert Pulse.objects.get(name="schedule").at.year != 2031
    assert not ScheduledSlot.objects.get().slot.startswith("2031")


@pytest.fixture
def vera():
    """She ordered, as her shop writes it, in two hours: local times of New Zealand that were taken for UTC."""
    someone = make_customer("Vera Vance")
    make_order(someone, placed_at=datetime.now(UTC) + timedelta(hours=2), refresh_metrics=False)
    MetricsDue.objects.create(customer=someone, has_new_orders=True)
    settle(datetime.now(UTC))
    return someone


def counting():
    return list(Job.objects.filter(kind="count"))


def test_an_order_dated_ahead_of_the_clock_is_counted_when_its_time_has_come_without_another_import(vera):
    schedule.tick()
    assert counting() == []
    vera.orders.update(placed_at=datetime.now(UTC) - timedelta(minutes=1))
    schedule.tick()
    schedule.tick()
    [job] = counting()
    done = running.run(job.pk)
    vera.refresh_from_db()
    assert (done.state, vera.order_count) == ("done", 1)
    assert done.result["summary"] == "The figures of 1 customer were counted."
    schedule.tick()
    assert counting() == [job]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_nobody_is_counted_while_an_import_waits_or_runs_for_it_does_so_itself(vera, state):
    vera.orders.update(placed_at=datetime.now(UTC) - timedelta(minutes=1))
    Job.objects.create(kind="import", title="Import", only_one_of="import", state=state)
    schedule.tick()
    assert counting() == []


def test_nobody_is_counted_while_a_first_import_that_marks_beforehand_is_unfinished(vera):
    vera.orders.update(placed_at=datetime.now(UTC) - timedelta(minutes=1))
    DataImport.objects.create(
        token="t", kind="tables", path="-", state="stopped", checkpoint={"done": {"straight": {"base": 1}}}
    )
    schedule.tick()
    assert counting() == []
