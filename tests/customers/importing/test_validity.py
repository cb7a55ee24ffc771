"""Whether an order counts: one table of cases for Python and for the database."""

import itertools

import pytest
from django.db import connection

from accounts.models import Shop
from customers import metrics
from customers.importing.validity import judge_again, left_out_reason, left_out_sql
from customers.models import Order
from customers.money import to_units
from tests.factories import NOW, make_customer, make_order, make_shop

CASES = [
    ({}, ""),
    ({"financial_status": ""}, ""),
    ({"financial_status": "some new word"}, ""),
    ({"financial_status": "partially_refunded"}, ""),
    ({"financial_status": "Partially Paid"}, "unpaid"),
    ({"financial_status": "on-hold"}, "unpaid"),
    ({"financial_status": "voided"}, "unpaid"),
    ({"financial_status": "refunded"}, "refunded"),
    ({"financial_status": "cancelled"}, "cancelled"),
    ({"cancelled_at": NOW, "is_test": True}, "cancelled"),
    ({"is_test": True, "financial_status": "pending"}, "test"),
    ({"total": 0}, "zero"),
    ({"total": -5}, "zero"),
    ({"currency": "EUR"}, "currency"),
    ({"currency": "EUR", "total": 0}, "zero"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("given", "expected"), CASES)
def test_the_rule_is_the_same_in_python_and_in_sql(given, expected):
    make_shop(currency="USD")
    order = make_order(make_customer(), **given)
    assert (
        left_out_reason(order.financial_status, order.cancelled_at, order.is_test, to_units(order.total), order.currency, "USD")
        == expected
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {left_out_sql('o')} FROM customers_order o WHERE id = %(id)s", {"shop_currency": "USD", "id": order.pk}
        )
        assert cursor.fetchone() == (expected,)


def test_every_reason_has_a_case():
    assert {expected for _, expected in CASES} == {"", *Order.LeftOut.values}
    assert all(a != b for a, b in itertools.pairwise([given for given, _ in CASES]))


@pytest.mark.django_db
def test_another_currency_of_the_shop_judges_every_order_again():
    make_shop(currency="USD")
    customer = make_customer("Ann Lee")
    make_order(customer, currency="EUR", left_out="currency")
    make_order(customer, currency="USD")
    shop = Shop.current()
    shop.currency = "EUR"
    shop.save()
    assert judge_again(shop) == 2
    metrics.settle(NOW)
    assert dict(Order.objects.values_list("currency", "left_out")) == {"EUR": "", "USD": "currency"}
    customer.refresh_from_db()
    assert customer.order_count == 1
    assert judge_again(shop) == 0
