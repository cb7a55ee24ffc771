import threading
from collections.abc import Iterator
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
from customers.metrics import refresh, settle
from customers.models import Customer, MetricsDue, Order, Refund
from customers.signals import orders_recorded
from tests.customers.loading import at, batch, customer, day, order, refund, store
from tests.factories import NOW, make_customer, make_order, make_refund, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


def figures(customer_id: str = "C1"):
    stored = Customer.objects.get(customer_id=customer_id)
    return stored.order_count, stored.lifetime_value, stored.first_order_at, stored.last_order_at


def test_refunds_are_taken_off_what_was_paid():
    store(
        batch(
            orders=[
                order("1", 100, placed_at=at(1, 10)),
                order("2", 40, placed_at=at(5, 20)),
                order("3", 25, placed_at=at(2, 1)),
            ],
            refunds=[refund("R1", "1", 30), refund("R2", "1", 5.5)],
        )
    )
    assert figures() == (3, Decimal("129.50"), day(1, 10), day(5, 20))


def test_returns_without_an_order_are_taken_off_too():
    store(batch(orders=[order("1", 100)], refunds=[refund("R1", None, 12.25, customer_id="C1")]))
    assert figures()[:2] == (1, Decimal("87.75"))


def test_a_return_tied_to_an_email_address_is_taken_off_that_customer():
    store(batch(customers=[customer("C1", email="vera@example.com")], orders=[order("1", 100)]))
    store(batch(refunds=[refund("R1", None, 20, email="Vera@example.com")]))
    assert figures()[:2] == (1, Decimal(80))


def test_lifetime_value_is_never_below_zero():
    store(batch(orders=[order("1", 10)], refunds=[refund("R1", "1", 10), refund("R2", None, 60, customer_id="C1")]))
    assert figures()[:2] == (1, Decimal(0))


def test_the_sum_that_went_back_gives_way_to_refunds_with_ids():
    store(batch(orders=[order("1", 100)], refunds=[refund("1:refunded", "1", 30, created_at=None)]))
    assert figures()[:2] == (1, Decimal(70))
    store(batch(refunds=[refund("R1", "1", 10), refund("R2", "1", 15)]))
    assert figures()[:2] == (1, Decimal(75))
    store(batch(refunds=[refund("1:refunded", "1", 25, created_at=None)]))
    assert figures()[:2] == (1, Decimal(75))


def test_nothing_of_an_order_that_does_not_count_counts():
    left_out = [
        order("2", 500, placed_at=at(1, 1), financial_status="voided"),
        order("3", 500, placed_at=at(9, 1), cancelled_at=at(9, 2)),
    ]
    store(batch(orders=[order("1", 60), *left_out], refunds=[refund("R1", "2", 45)]))
    assert figures() == (1, Decimal(60), day(3, 2), day(3, 2))


def test_somebody_whose_only_order_is_cancelled_later_has_none():
    store(batch(orders=[order("1", 60)]))
    store(batch(orders=[order("1", 60, cancelled_at=at(3, 4))]))
    assert figures() == (0, Decimal(0), None, None)


def test_what_is_dated_after_the_moment_changes_nothing():
    someone = make_customer()
    make_order(someone, total=Decimal(30), refresh_metrics=False)
    make_order(someone, total=Decimal(70), placed_at=NOW + timedelta(hours=1), refresh_metrics=False)
    make_refund(customer=someone, amount="5.00", created_at=NOW + timedelta(hours=1))
    assert refresh([someone.pk], as_of=NOW) == 1
    assert figures(someone.customer_id)[:2] == (1, Decimal(30))
    refresh([someone.pk], as_of=NOW + timedelta(days=1))
    assert figures(someone.customer_id)[:2] == (2, Decimal(95))


def test_only_those_who_are_due_are_counted_and_then_nobody_is():
    one, other = make_customer(), make_customer()
    for each in (one, other):
        make_order(each, refresh_metrics=False)
    MetricsDue.objects.create(customer=one)
    assert settle(NOW) == 1
    assert (figures(one.customer_id)[0], figures(other.customer_id)[0]) == (1, 0)
    assert settle(NOW) == 0


def test_without_keys_everybody_is_counted():
    everyone = [make_customer() for _ in range(3)]
    for each in everyone:
        make_order(each, refresh_metrics=False)
    assert refresh(as_of=NOW) == 3
    assert set(Customer.objects.values_list("order_count", flat=True)) == {1}


def test_an_order_dated_ahead_of_the_clock_counts_once_its_time_has_come():
    store(batch(orders=[order("1", 30), order("2", 70, placed_at=at(11, 20))]))
    assert figures()[:2] == (1, Decimal(30))
    assert settle(NOW) == 1  # still due: looked at, and left
    assert settle(NOW + timedelta(days=2)) == 1
    assert figures()[:2] == (2, Decimal(100))
    assert settle(NOW + timedelta(days=2)) == 0


def test_a_return_dated_ahead_of_the_clock_counts_once_its_time_has_come():
    store(batch(orders=[order("1", 30)], refunds=[refund("R1", None, 5, customer_id="C1", created_at=at(11, 20))]))
    assert figures()[:2] == (1, Decimal(30))
    settle(NOW + timedelta(days=2))
    assert figures()[:2] == (1, Decimal(25))
    assert not MetricsDue.objects.exists()


def test_those_who_wait_for_a_day_to_come_are_no_reason_to_count():
    store(batch(orders=[order("1", placed_at=at(11, 20)), order("2", customer_id="C2")]))
    assert not metrics.is_due(NOW)
    assert metrics.is_due(NOW + timedelta(days=2))
    MetricsDue.objects.create(customer=Customer.objects.get(customer_id="C2"))
    assert metrics.is_due(NOW)


@contextmanager
def told() -> Iterator[list[str]]:
    """The customer ids that others hear of, import by import."""
    heard: list[str] = []

    def hear(customer_pks, **more):
        heard.append(
            "+".join(Customer.objects.filter(pk__in=customer_pks).order_by("pk").values_list("customer_id", flat=True))
        )

    orders_recorded.connect(hear)
    try:
        yield heard
    finally:
        orders_recorded.disconnect(hear)


def test_new_orders_are_told_once(django_capture_on_commit_callbacks):
    with told() as heard:
        for orders in ([order("1")], [order("1")], [order("1"), order("2")], [order("1", 60)]):
            with django_capture_on_commit_callbacks(execute=True):
                store(batch(orders=orders))
            heard.append("file")
    assert heard == ["C1", "file", "file", "C1", "file", "file"]


def test_an_order_that_counts_only_now_is_told_as_new(django_capture_on_commit_callbacks):
    with told() as heard:
        for status in ("pending", "pending", "paid", "paid"):
            with django_capture_on_commit_callbacks(execute=True):
                store(batch(orders=[order("1", financial_status=status)]))
            heard.append(status)
    assert heard == ["pending", "pending", "C1", "paid", "paid"]


def test_an_order_that_is_somebody_elses_now_is_new_to_him_alone(django_capture_on_commit_callbacks):
    store(batch(orders=[order("1"), order("2")]))
    with told() as heard, django_capture_on_commit_callbacks(execute=True):
        store(batch(orders=[order("2", customer_id="C2")]))
    assert heard == ["C2"]
    assert (figures("C1")[0], figures("C2")[0]) == (1, 1)


def test_an_order_dated_ahead_of_the_clock_is_told_when_it_counts(django_capture_on_commit_callbacks):
    with told() as heard:
        with django_capture_on_commit_callbacks(execute=True):
            store(batch(orders=[order("1"), order("2", placed_at=at(11, 20))]))
        for later in (timedelta(0), timedelta(days=2), timedelta(days=3)):
            with django_capture_on_commit_callbacks(execute=True):
                settle(NOW + later)
            heard.append(f"{later.days} days later")
    assert heard == ["C1", "0 days later", "C1", "2 days later", "3 days later"]


def test_an_order_that_is_somebody_elses_now_takes_its_refunds_along():
    store(batch(orders=[order("1", 50), order("2", 40)], refunds=[refund("R1", "1", 10), refund("R2", "2", 5)]))
    store(batch(orders=[order("2", 40, customer_id="C2")]))
    assert dict(Refund.objects.values_list("refund_id", "customer__customer_id")) == {"R1": "C1", "R2": "C2"}
    assert (figures("C1")[:2], figures("C2")[:2]) == ((1, Decimal(40)), (1, Decimal(35)))
    store(batch(orders=[order("2", 40, customer_id="C3")], refunds=[refund("R3", "2", 1)]))
    assert set(Refund.objects.filter(order__order_id="2").values_list("customer__customer_id", flat=True)) == {"C3"}


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


def elsewhere(work) -> threading.Thread:
    """Do something on another connection."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    return thread


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
            rivals[0].join(1)  # it would end here if nobody held it up
        return counted

    monkeypatch.setattr(metrics, "_count", count_and_meet_an_import)
    settle(NOW)
    rivals[0].join()
    settle(NOW)
    assert figures(vera.customer_id)[0] == 2


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_a_customer_whose_order_is_being_stored_is_left_to_the_next_counting(store_an_order):
    vera = make_customer("Vera Vance", orders=1)
    MetricsDue.objects.create(customer=vera, has_new_orders=True)
    with transaction.atomic():
        store_an_order(vera)
        elsewhere(lambda: settle(NOW)).join()
    settle(NOW)
    assert figures(vera.customer_id)[0] == 2
