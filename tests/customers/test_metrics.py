"""The figures on a customer's row: by hand, as of a moment, and while others store orders."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from accounts.models import Shop
from customers import metrics
from customers.importing.staging import staging_for
from customers.importing.storing import Storing
from customers.importing.storing_orders import _mark_due
from customers.importing.summary import Summary
from customers.models import Customer, MetricsDue, Order
from customers.signals import orders_recorded
from tests.customers.importing.storage import at, batch, bring, order, refund
from tests.factories import NOW, make_customer, make_order, make_refund

pytestmark = pytest.mark.django_db


def figures(customer):
    customer.refresh_from_db()
    return customer.order_count, customer.lifetime_value, customer.first_order_at, customer.last_order_at


def called(customer_id: str) -> Customer:
    return Customer.objects.get(customer_id=customer_id)


def test_orders_refunds_and_returns_by_hand():
    ann = make_customer("Ann Lee")
    days = [NOW - timedelta(days=back) for back in (90, 60, 30, 20, 10)]
    make_order(ann, placed_at=days[0], total=Decimal("100.00"))
    make_order(ann, placed_at=days[1], total=Decimal("40.00"), refunded=Decimal("15.50"))
    make_order(ann, placed_at=days[2], total=Decimal("70.00"), left_out="cancelled")
    make_order(ann, placed_at=days[3], total=Decimal("60.00"), refunded=Decimal("60.00"), left_out="refunded")
    make_refund(customer=ann, amount="10.25")
    metrics.refresh([ann.pk], as_of=NOW)
    # 100 + (40 - 15.50) - 10.25; the cancelled and the wholly refunded order count for nothing.
    assert figures(ann) == (2, Decimal("114.25"), days[0], days[1])


def test_lifetime_value_is_never_below_zero():
    ann = make_customer("Ann Lee", orders=1)
    make_refund(customer=ann, amount="80.00")
    metrics.refresh([ann.pk], as_of=NOW)
    assert figures(ann)[1] == 0


def test_what_is_dated_after_the_clock_changes_nothing():
    ann = make_customer("Ann Lee")
    make_order(ann, total=Decimal(30))
    before = figures(ann)
    make_order(ann, total=Decimal(70), placed_at=NOW + timedelta(hours=1), refresh_metrics=False)
    make_refund(customer=ann, amount="5.00", created_at=NOW + timedelta(hours=1))
    assert metrics.refresh([ann.pk], as_of=NOW) == 1
    assert figures(ann) == before
    metrics.refresh([ann.pk], as_of=NOW + timedelta(days=1))
    assert figures(ann)[:2] == (2, Decimal(95))


def test_a_customer_without_orders_and_one_who_lost_them_have_nothing():
    ann, bo = make_customer("Ann Lee", orders=2), make_customer("Bo Moss")
    ann.orders.all().delete()
    metrics.refresh(as_of=NOW)
    assert figures(ann) == figures(bo) == (0, Decimal(0), None, None)
    assert not MetricsDue.objects.exists()


def test_only_those_who_are_due_are_counted_and_then_nobody_is():
    one, other = make_customer(), make_customer()
    for each in (one, other):
        make_order(each, refresh_metrics=False)
    MetricsDue.objects.create(customer=one)
    assert metrics.settle(NOW) == 1
    assert (figures(one)[0], figures(other)[0]) == (1, 0)
    assert metrics.settle(NOW) == 0


def test_without_keys_everybody_is_counted():
    for _ in range(3):
        make_order(make_customer(), refresh_metrics=False)
    assert metrics.refresh(as_of=NOW) == 3
    assert set(Customer.objects.values_list("order_count", flat=True)) == {1}


def test_refreshing_takes_a_fixed_number_of_queries(django_assert_max_num_queries):
    for number in range(30):
        make_customer(f"Ann Lee{number}", orders=1)
    with django_assert_max_num_queries(25):
        metrics.refresh(list(Customer.objects.values_list("pk", flat=True)), as_of=NOW)


# --- ahead of the clock ----------------------------------------------------------------------------------------------


def test_an_order_dated_ahead_of_the_clock_counts_once_its_time_has_come():
    bring(batch(orders=[order("1", "7", total=30_0000), order("2", "7", total=70_0000, placed_at=at(11, 20))]))
    assert figures(called("7"))[:2] == (1, Decimal(30))
    assert metrics.settle(NOW) == 1  # still due: looked at, and left
    assert metrics.settle(NOW + timedelta(days=2)) == 1
    assert figures(called("7"))[:2] == (2, Decimal(100))
    assert metrics.settle(NOW + timedelta(days=2)) == 0


def test_a_return_dated_ahead_of_the_clock_counts_once_its_time_has_come():
    returned = refund("r1", None, 5_0000, customer_id="7", created_at=at(11, 20))
    bring(batch(orders=[order("1", "7", total=30_0000)], refunds=[returned]))
    assert figures(called("7"))[:2] == (1, Decimal(30))
    metrics.settle(NOW + timedelta(days=2))
    assert figures(called("7"))[:2] == (1, Decimal(25))
    assert not MetricsDue.objects.exists()


def test_those_who_wait_for_a_day_to_come_are_no_reason_to_count():
    bring(batch(orders=[order("1", "7", placed_at=at(11, 20)), order("2", "8")]))
    assert not metrics.is_due(NOW)
    assert metrics.is_due(NOW + timedelta(days=2))
    MetricsDue.objects.create(customer=called("8"))
    assert metrics.is_due(NOW)


# --- who hears of it -------------------------------------------------------------------------------------------------


@contextmanager
def told() -> Iterator[list[str]]:
    """The customer ids that others hear of, import by import."""
    heard: list[str] = []

    def hear(customer_pks, **more):
        names = Customer.objects.filter(pk__in=customer_pks).order_by("pk").values_list("customer_id", flat=True)
        heard.append("+".join(names))

    orders_recorded.connect(hear)
    try:
        yield heard
    finally:
        orders_recorded.disconnect(hear)


def test_new_orders_are_told_once(django_capture_on_commit_callbacks):
    first, second = order("1", "7"), order("2", "7")
    with told() as heard:
        for orders in ([first], [first], [first, second], [order("1", "7", total=60_0000)]):
            with django_capture_on_commit_callbacks(execute=True):
                bring(batch(orders=orders))
            heard.append("file")
    assert heard == ["7", "file", "file", "7", "file", "file"]


def test_an_order_that_counts_only_now_is_told_as_new(django_capture_on_commit_callbacks):
    with told() as heard:
        for status in ("pending", "pending", "paid", "paid"):
            with django_capture_on_commit_callbacks(execute=True):
                bring(batch(orders=[order("1", "7", financial_status=status)]))
            heard.append(status)
    assert heard == ["pending", "pending", "7", "paid", "paid"]


def test_an_order_that_is_somebody_elses_now_is_new_to_him_alone(django_capture_on_commit_callbacks):
    bring(batch(orders=[order("1", "7"), order("2", "7")]))
    with told() as heard, django_capture_on_commit_callbacks(execute=True):
        bring(batch(orders=[order("2", "8")]))
    assert heard == ["8"]
    assert (figures(called("7"))[0], figures(called("8"))[0]) == (1, 1)


def test_an_order_dated_ahead_of_the_clock_is_told_when_it_counts(django_capture_on_commit_callbacks):
    with told() as heard:
        with django_capture_on_commit_callbacks(execute=True):
            bring(batch(orders=[order("1", "7"), order("2", "7", placed_at=at(11, 20))]))
        for later in (timedelta(0), timedelta(days=2), timedelta(days=3)):
            with django_capture_on_commit_callbacks(execute=True):
                metrics.settle(NOW + later)
            heard.append(f"{later.days} days later")
    assert heard == ["7", "0 days later", "7", "2 days later", "3 days later"]


def test_a_counting_that_is_stopped_tells_of_those_whom_it_has_counted(django_capture_on_commit_callbacks):
    class Enough(Exception):
        pass

    def stop(share, note):
        raise Enough

    ann = make_customer("Ann Lee", customer_id="7")
    make_order(ann, refresh_metrics=False)
    MetricsDue.objects.create(customer=ann, has_new_orders=True)
    with told() as heard:
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(Enough):
            metrics.settle(NOW, stop)
        with django_capture_on_commit_callbacks(execute=True):
            metrics.settle(NOW)
    assert heard == ["7"]
    assert figures(ann)[0] == 1


# --- who counts while somebody stores --------------------------------------------------------------------------------

only_where_two_write = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")


@pytest.fixture
def store_an_order(tmp_path):
    """Stores an order and marks its customer, as the loader does in the transaction of a bucket."""
    storing = Storing(staging_for("two", 1, tmp_path), Shop(), NOW, "generic", Summary())

    def do(someone: Customer) -> None:
        stored: Order = make_order(someone, refresh_metrics=False)
        _mark_due(storing, "customer_id", f"customers_order WHERE id = {stored.pk}", "true")

    return do


def elsewhere(work: Callable[[], object]) -> threading.Thread:
    """Do something on another connection."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    return thread


def is_held_up() -> bool:
    """Whether somebody waits for a lock that this connection holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return cursor.fetchone() != (0,)


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_an_order_that_comes_in_while_its_customer_is_counted_is_counted_next(store_an_order, monkeypatch):
    vera = make_customer("Vera Vance", orders=1)
    MetricsDue.objects.create(customer=vera)
    count, rivals = metrics._count, []

    def count_and_meet_an_import(*arguments):
        counted = count(*arguments)
        if not rivals:
            rivals.append(elsewhere(lambda: transaction.atomic(store_an_order)(vera)))
            while rivals[0].is_alive() and not is_held_up():  # it would end here if nobody held it up
                time.sleep(0.001)
        return counted

    monkeypatch.setattr(metrics, "_count", count_and_meet_an_import)
    metrics.settle(NOW)
    rivals[0].join()
    metrics.settle(NOW)
    assert figures(vera)[0] == 2


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_a_customer_whose_order_is_being_stored_is_left_to_the_next_counting(store_an_order):
    vera = make_customer("Vera Vance", orders=1)
    MetricsDue.objects.create(customer=vera, has_new_orders=True)
    with transaction.atomic():
        store_an_order(vera)
        elsewhere(lambda: metrics.settle(NOW)).join()
    metrics.settle(NOW)
    assert figures(vera)[0] == 2
