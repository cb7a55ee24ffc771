"""GET /api/mcp/customer/{id}/orders."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.conftest import COUNTED
from tests.factories import make_customer, make_order, make_product, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


@pytest.fixture
def sarah():
    return make_customer("Sarah Johnson", customer_id="7827249201407")


def orders(client, customer, **asked):
    answer = client.get(f"/api/mcp/customer/{customer.customer_id}/orders", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def numbers(body):
    return [order["order_number"] for order in body["orders"]]


def test_an_order_has_every_field_of_the_reference(api, sarah):
    thread = make_product("478 Rose Signature Thread", vendor="Signature Mills", sku="478", category="Thread")
    make_order(
        sarah,
        order_id="87265",
        number="#87265",
        placed_at=datetime(2024, 8, 29, 10, 30, tzinfo=UTC),
        total=Decimal("18.69"),
        lines=[(thread, 1, "18.69")],
        tracking_numbers=["1Z999AA10123456784"],
        fulfillment_status="fulfilled",
    )
    body = orders(api, sarah)
    assert body["customer_id"] == "7827249201407"
    assert body["total_orders"] == 1
    assert body["total_spent"] == "18.69"
    (order,) = body["orders"]
    reference = {
        "order_id": "87265",
        "order_number": "#87265",
        "created_at": "2024-08-29T10:30:00Z",
        "total_price": "18.69",
        "tracking_numbers": ["1Z999AA10123456784"],
        "fulfillment_status": "fulfilled",
    }
    assert {name: order[name] for name in reference} == reference
    line = {"title": "478 Rose Signature Thread", "vendor": "Signature Mills", "quantity": 1, "price": "18.69"}
    assert {name: order["line_items"][0][name] for name in line} == line


def test_totals_are_the_customers_over_valid_orders_net_of_refunds(api, sarah):
    make_order(sarah, total=Decimal("100.00"), refunded=Decimal("30.00"))
    make_order(sarah, total=Decimal("70.00"), left_out="cancelled")
    make_order(sarah, total=Decimal("50.00"))
    body = orders(api, sarah, search_terms="no such thing")
    assert body["orders"] == []
    assert (body["total_orders"], body["total_spent"], body["matching_orders"]) == (2, "120.00", 0)


def test_an_order_that_does_not_count_is_listed_and_says_why(api, sarah):
    make_order(sarah, left_out="currency", currency="EUR")
    (order,) = orders(api, sarah)["orders"]
    assert (order["counts"], order["left_out_because"], order["currency"]) == (False, "in another currency", "EUR")


def test_any_search_term_in_title_vendor_or_sku_is_enough(api, sarah):
    for number, product in (
        ("#1", make_product("Rose thread", vendor="Loomworks", sku="RT-1")),
        ("#2", make_product("Oak hoop", vendor="Woodside", sku="OH-2")),
        ("#3", make_product("Linen", vendor="Flaxen", sku="LN-100%")),
    ):
        make_order(sarah, number=number, lines=[(product, 1, "5.00")])
    assert sorted(numbers(orders(api, sarah, search_terms="ROSE, woodside"))) == ["#1", "#2"]
    assert numbers(orders(api, sarah, search_terms="100%")) == ["#3"]
    assert numbers(orders(api, sarah, search_terms="_")) == []
    assert len(numbers(orders(api, sarah, search_terms=" , ,"))) == 3
    assert len(numbers(orders(api, sarah, search_terms=""))) == 3


def test_an_order_with_two_matching_lines_is_listed_once(api, sarah):
    make_order(sarah, lines=[(make_product("Rose thread"), 1, "5.00"), (make_product("Rose linen"), 2, "7.00")])
    body = orders(api, sarah, search_terms="rose")
    assert (len(body["orders"]), body["matching_orders"]) == (1, 1)
    assert [line["quantity"] for line in body["orders"][0]["line_items"]] == [1, 2]


def test_days_are_whole_and_in_the_shops_zone(api, sarah):
    make_shop(time_zone="America/New_York")
    make_order(sarah, number="#late", placed_at=datetime(2026, 3, 2, 4, 59, tzinfo=UTC))  # 1 March, 23:59 there
    make_order(sarah, number="#next", placed_at=datetime(2026, 3, 2, 5, 0, tzinfo=UTC))  # 2 March, 00:00 there
    assert numbers(orders(api, sarah, start_date="2026-03-01", end_date="2026-03-01")) == ["#late"]
    assert numbers(orders(api, sarah, start_date="2026-03-02")) == ["#next"]
    assert numbers(orders(api, sarah, end_date="2026-03-01")) == ["#late"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_ends_of_the_calendar_are_harmless(api, sarah, zone):
    make_shop(time_zone=zone)
    make_order(sarah)
    assert len(orders(api, sarah, start_date="0001-01-01", end_date="9999-12-31")["orders"]) == 1
    assert orders(api, sarah, start_date="9999-12-31")["orders"] == []
    assert orders(api, sarah, end_date="0001-01-01")["orders"] == []


def test_orders_come_newest_first_and_in_stretches(api, sarah):
    for day in range(1, 6):
        make_order(sarah, number=f"#{day}", placed_at=datetime(2026, 5, day, tzinfo=UTC))
    first = orders(api, sarah, limit=2)
    assert numbers(first) == ["#5", "#4"]
    assert (first["matching_orders"], first["limit"], first["offset"], first["has_more"]) == (5, 2, 0, True)
    last = orders(api, sarah, limit=2, offset=4)
    assert (numbers(last), last["has_more"]) == (["#1"], False)
    assert orders(api, sarah, offset=1_000_000)["orders"] == []


def test_another_customers_orders_are_not_listed(api, sarah):
    make_order(make_customer("Vera Quist"))
    make_order(None)
    assert orders(api, sarah)["orders"] == []


def test_the_number_of_queries_does_not_grow_with_orders_and_lines(api, sarah):
    make_order(sarah)
    orders(api, sarah)
    with CaptureQueriesContext(connection) as few:
        orders(api, sarah)
    for _ in range(8):
        make_order(sarah, lines=[(make_product(f"Thread {n}"), 1, "5.00") for n in range(3)])
    with CaptureQueriesContext(connection) as many:
        orders(api, sarah)
    assert len(few) == len(many) == 6 + COUNTED  # key, customer, shop, count, orders, lines with products


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"start_date": "yesterday"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"end_date": "20260201"}, "end_date"),
        ({"end_date": "2026-02-01T00:00:00"}, "end_date"),
        ({"end_date": ""}, "end_date"),
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, "end_date"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "9" * 40}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "9" * 2000}, "offset"),
        ({"search_terms": "a" * 501}, "search_terms"),
        ({"search_terms": ",".join("abcdefghijk")}, "search_terms"),
        ({"search_terms": "a\0b"}, "search_terms"),
        ({"searchterms": "a"}, "searchterms"),
        ({"status": "any"}, "status"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"format": "xml"}, "format"),
    ],
)
def test_a_wrong_or_unknown_parameter_is_400_and_named(api, sarah, asked, field):
    answer = api.get(f"/api/mcp/customer/{sarah.customer_id}/orders", asked)
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["field"] == field
    assert field in error["message"]
    assert error["request_id"] == answer["X-Request-Id"]


def test_orders_of_nobody_are_404(api):
    for unknown in ("0", "%00", "a" * 300):
        answer = api.get(f"/api/mcp/customer/{unknown}/orders")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
