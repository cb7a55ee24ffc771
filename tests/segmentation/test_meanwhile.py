"""Customers who order while a run is built, which takes from seconds to minutes: they are in it, with that order."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from customers.clock import clock
from customers.metrics import refresh
from customers.models import Order
from jobs.models import Job
from jobs.running import RunningJob
from segmentation import one_customer, runs, tasks
from segmentation.models import ActiveRun, Membership, SegmentationRun
from segmentation.one_customer import segment_customer
from segmentation.runs import segment_everyone
from tests.factories import NOW, make_customer, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_shop")]


@pytest.fixture
def noah(run):
    """Somebody who has not ordered yet, in a shop that has been segmented."""
    return make_customer("Noah Lind")


@pytest.fixture
def regular(run):
    """Somebody who is in the published run."""
    return run.memberships.order_by("customer_id").first().customer


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something happen the moment before a stage of a run."""

    def before(stage, happen, module=runs):
        unaware = getattr(module, stage)

        def stage_after_it(*args, **kwargs):
            monkeypatch.setattr(module, stage, unaware)
            happen()
            return unaware(*args, **kwargs)

        monkeypatch.setattr(module, stage, stage_after_it)

    return before


def order(*customers, placed_at=None):
    """An order of each, recorded and scored as the receiver has it done."""
    for customer in customers:
        make_order(customer, placed_at=placed_at or timezone.now(), refresh_metrics=False)
        refresh([customer.pk], as_of=clock())
        assert segment_customer(customer.pk, clock())


def orders_in_the_active_run(*customers):
    rows = Membership.objects.filter(run=ActiveRun.current(), customer__in=customers)
    return dict(rows.values_list("customer_id", "order_count"))


@pytest.mark.parametrize("stage", ["score", "store_memberships", "publish"])
def test_whoever_orders_while_a_run_is_built_is_in_it_with_that_order(run, noah, regular, meanwhile, stage):
    had = orders_in_the_active_run(regular)[regular.pk]
    meanwhile(stage, lambda: order(noah, regular))
    with time_machine.travel(NOW):
        call_command("segment")
    assert ActiveRun.current() != run
    assert orders_in_the_active_run(noah, regular) == {noah.pk: 1, regular.pk: had + 1}
    assert ActiveRun.current().segmented == run.segmented + 1


def test_whoever_orders_while_a_job_segments_is_in_its_run(noah, meanwhile):
    meanwhile("score", lambda: order(noah))
    with time_machine.travel(NOW):
        tasks.segment(RunningJob(tasks.start_segmentation()))
    assert orders_in_the_active_run(noah) == {noah.pk: 1}


def test_a_shop_that_is_judged_by_its_history_loses_nobody_either(noah, regular, meanwhile):
    had = orders_in_the_active_run(regular)[regular.pk]
    last_day = Order.objects.valid().order_by("-placed_at").first().placed_at
    meanwhile("store_memberships", lambda: order(noah, regular, placed_at=last_day))
    with time_machine.travel(NOW + timedelta(days=400)):
        call_command("segment")
        as_of = clock()
    assert orders_in_the_active_run(noah, regular) == {noah.pk: 1, regular.pk: had + 1}
    assert Membership.objects.get(run=ActiveRun.current(), customer=noah).scored_at == as_of


def test_a_run_as_of_a_past_date_knows_nothing_of_later_orders(run, noah, regular, meanwhile):
    meanwhile("score", lambda: order(noah, regular))
    with time_machine.travel(NOW):
        call_command("segment", "--as-of", "2026-11-18")
    assert ActiveRun.current() != run
    assert noah.pk not in orders_in_the_active_run(noah)
    assert Membership.objects.get(run=ActiveRun.current(), customer=regular).scored_at == ActiveRun.current().as_of


def test_where_many_ordered_meanwhile_another_run_is_asked_for_instead_of_scoring_them_one_by_one(
    noah, regular, meanwhile, monkeypatch
):
    monkeypatch.setattr(tasks, "SCORED_ONE_BY_ONE", 1)
    meanwhile("score", lambda: order(noah, regular))
    with time_machine.travel(NOW):
        call_command("segment")
    assert orders_in_the_active_run(noah) == {}
    job = Job.objects.get(kind="segment")
    assert (job.state, job.only_one_of) == (Job.State.QUEUED, tasks.ONLY_ONE_OF)


def test_nobody_is_scored_again_where_nobody_ordered(run):
    told = []
    segment_everyone(NOW, catch_up=told.append)
    assert told == []


def test_a_run_that_cannot_catch_up_stays_published(run, noah, meanwhile):
    meanwhile("score", lambda: order(noah))

    def break_off(customer_pks):
        raise RuntimeError("pulled the plug")

    with time_machine.travel(NOW), pytest.raises(RuntimeError):
        segment_everyone(clock(), catch_up=break_off)
    assert ActiveRun.current() != run
    assert ActiveRun.current().state == SegmentationRun.State.PUBLISHED


def test_a_customer_who_is_scored_at_the_moment_of_publishing_is_in_the_run_that_was_published(run, noah, meanwhile):
    later = NOW + timedelta(hours=1)
    make_order(noah, placed_at=later, refresh_metrics=False)
    meanwhile("scored_customers", lambda: segment_everyone(NOW), module=one_customer)
    assert segment_customer(noah.pk, later)
    assert ActiveRun.current() != run
    assert orders_in_the_active_run(noah) == {noah.pk: 1}
