"""The figures on a customer's row, by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from customers import metrics
from customers.models import Customer, MetricsDue
from tests.factories import NOW, make_customer, make_order, make_refund

pytestmark = pytest.mark.django_db


def figures(customer):
    customer.refresh_from_db()
    return customer.order_count, customer.lifetime_value, customer.first_order_at, customer.last_order_at


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
    ann = make_customer("Ann Lee", orders=1)
    before = figures(ann)
    make_order(ann, placed_at=NOW + timedelta(days=1), refresh_metrics=False)
    make_refund(customer=ann, created_at=NOW + timedelta(days=1))
    metrics.refresh([ann.pk], as_of=NOW)
    assert figures(ann) == before
    metrics.refresh([ann.pk], as_of=NOW + timedelta(days=2))
    assert figures(ann)[0] == 2


def test_a_customer_without_orders_and_one_who_lost_them_have_nothing():
    ann, bo = make_customer("Ann Lee", orders=2), make_customer("Bo Moss")
    ann.orders.all().delete()
    metrics.refresh(as_of=NOW)
    assert figures(ann) == figures(bo) == (0, Decimal(0), None, None)
    assert not MetricsDue.objects.exists()


def test_refreshing_takes_a_fixed_number_of_queries(django_assert_max_num_queries):
    for number in range(30):
        make_customer(f"Ann Lee{number}", orders=1)
    with django_assert_max_num_queries(25):
        metrics.refresh(list(Customer.objects.values_list("pk", flat=True)), as_of=NOW)
