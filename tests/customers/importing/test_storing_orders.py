"""Orders, lines, products and refunds: what is stored, what a later file corrects, and what does not count."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from customers.models import Customer, LineItem, Order, Product, Refund
from tests.customers.importing.storage import at, batch, bring, customer, everything_stored, line, micros, order, refund
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def a_shop_file():
    """Somebody with a profile, one known by address, an unknown guest, an anonymous one; two batches."""
    return [
        batch(
            customers=[
                customer(
                    "7", email="Ann@Example.com", first_name="Ann", last_name="Lee", tags=["vip"], email_consent="subscribed"
                ),
                customer("8", first_name="Bo", phone="+1 202 555 0102", attributes={"note": "says hello", "b": "1", "a": "2"}),
            ],
            orders=[
                order("100", "7", total=70_0000, tracking_numbers=["ZX1"], attributes={"channel": "web"}, number="#100"),
                order("101", "8", placed_at=micros("2026-04-02T10:00:00"), currency=None),
                order("102", None, email="ann@EXAMPLE.com", total=20_0000),
                order("103", None, email="guest@example.com"),
                order("104", None),
                order("105", "8", financial_status="voided"),
            ],
            lines=[
                line("100", 1, quantity=2, unit_price=20_0000),
                line("100", 2, "Hoop", unit_price=30_0000, product_id="P1", vendor="Loomworks"),
                line("101", discount=5000, sku="T-1"),
            ],
        ),
        batch(
            refunds=[
                refund("r1", "100", 20_0000, created_at=micros("2026-03-05")),
                refund("r2", None, 3_0000, customer_id="7", created_at=at(3, 9)),
            ]
        ),
    ]


def test_a_file_becomes_customers_orders_lines_and_refunds():
    summary = bring(*a_shop_file())
    ann = Customer.objects.get(customer_id="7")
    assert (ann.name, ann.email, ann.email_key, ann.name_key, ann.last_name_key) == (
        "Ann Lee", "Ann@Example.com", "ann@example.com", "ann lee", "lee",
    )  # fmt: skip
    assert (ann.tags, ann.email_consent, ann.sms_consent, ann.stored_at) == (["vip"], "subscribed", "unknown", NOW)
    first = Order.objects.get(order_id="100")
    assert (first.customer, first.total, first.refunded, first.left_out, first.tracking_numbers, first.attributes) == (
        ann, Decimal("70.00"), Decimal("20.00"), "", ["ZX1"], {"channel": "web"},
    )  # fmt: skip
    assert first.placed_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert [(item.position, item.product.title, item.quantity, item.unit_price) for item in first.line_items.all()] == [
        (1, "Rose thread", 2, Decimal("20.00")),
        (2, "Hoop", 1, Decimal("30.00")),
    ]
    assert Order.objects.get(order_id="101").currency == "USD"
    counted = {name: counts.new for name, counts in summary.facts.items()}
    assert counted == {"customers": 3, "products": 3, "orders": 6, "lines": 3, "refunds": 2}
    assert summary.rows_stored == summary.rows_read == 13


def test_the_same_file_twice_changes_nothing_to_the_byte():
    bring(*a_shop_file())
    before = everything_stored()
    again = bring(*a_shop_file(), as_of=NOW + timedelta(days=1))
    assert everything_stored() == before
    assert {name: (c.new, c.changed) for name, c in again.facts.items()} == dict.fromkeys(again.facts, (0, 0))
    assert again.facts["orders"].unchanged == 6
    assert again.facts["lines"].unchanged == 3


def test_a_later_file_corrects_an_earlier_one_and_what_it_does_not_know_stays():
    bring(*a_shop_file())
    later = NOW + timedelta(days=1)
    untouched = Order.objects.get(order_id="101").stored_at
    summary = bring(
        batch(
            customers=[customer("7", last_name="Moss", attributes={"size": "M"}), customer("8", attributes={"tone": "warm"})],
            orders=[
                order("100", None, total=60_0000, number=None, financial_status=None),
                order("101", "8", placed_at=micros("2026-04-02T10:00:00"), currency=None),
                order("105", "8"),
            ],
            lines=[line("100", 1, quantity=3, unit_price=20_0000)],
            refunds=[refund("r1", "100", 25_0000)],
        ),
        as_of=later,
    )
    ann = Customer.objects.get(customer_id="7")
    assert (ann.first_name, ann.last_name, ann.name_key, ann.email) == ("Ann", "Moss", "ann moss", "Ann@Example.com")
    assert Customer.objects.get(customer_id="8").attributes == {"note": "says hello", "a": "2", "b": "1", "tone": "warm"}
    corrected = Order.objects.get(order_id="100")
    assert (corrected.customer, corrected.number, corrected.financial_status, corrected.total) == (ann, "#100", "paid", 60)
    assert (corrected.refunded, corrected.stored_at) == (Decimal(25), later)
    paid = Order.objects.get(order_id="105")
    assert (paid.financial_status, paid.left_out, paid.stored_at) == ("paid", "", later)
    assert Order.objects.get(order_id="101").stored_at == untouched == NOW
    assert ann.lifetime_value == Decimal(60 - 25 + 20 - 3)
    changed = {name: summary.facts[name].changed for name in ("orders", "customers", "refunds")}
    assert changed == {"orders": 2, "customers": 2, "refunds": 1}
    assert summary.facts["orders"].unchanged == 1


def test_an_order_twice_in_one_file_is_one_with_the_latest_known_values():
    bring(
        batch(orders=[order("1", "7", total=10_0000, number="#1")]),
        batch(orders=[order("1", "7", total=12_0000), order("1", "7", total=20_0000)]),
    )
    stored = Order.objects.get()
    assert (stored.total, stored.number, stored.customer.lifetime_value) == (20, "#1", 20)


# --- lines and products ----------------------------------------------------------------------------------------------


def test_the_lines_of_an_order_are_replaced_as_a_whole():
    bring(batch(orders=[order("1", "7")], lines=[line("1", n, title) for n, title in enumerate(("Loom", "Thread", "Hoop"), 1)]))
    bring(batch(orders=[order("1", "7")], lines=[line("1", 1, "Needle", unit_price=25_0000), line("1", 2, "Hoop")]))
    lines = LineItem.objects.values_list("position", "product__title", "unit_price")
    assert list(lines) == [(1, "Needle", Decimal(25)), (2, "Hoop", Decimal(50))]


def test_lines_in_another_order_of_rows_are_no_change():
    lines = [line("100", 1, "Rose thread"), line("100", 2, "Hoop")]
    bring(batch(orders=[order("100", "7")], lines=lines))
    before = everything_stored()
    summary = bring(batch(orders=[order("100", "7")], lines=[line("100", 1, "Hoop"), line("100", 2, "Rose thread")]))
    assert everything_stored() == before
    assert summary.facts["lines"].unchanged == 2


def test_a_file_without_lines_leaves_the_lines_alone():
    bring(batch(orders=[order("1", "7")], lines=[line("1")]))
    bring(batch(orders=[order("1", "7", total=60_0000)]))
    assert LineItem.objects.get().product.title == "Rose thread"
    assert Order.objects.get().total == Decimal(60)


def test_lines_of_an_order_that_is_stored_already_need_no_order_row():
    bring(batch(orders=[order("100", "7")], lines=[line("100")]))
    summary = bring(batch(lines=[line("100", 1, "Hoop"), line("100", 2, "Needle")]))
    assert list(LineItem.objects.values_list("position", "product__title")) == [(1, "Hoop"), (2, "Needle")]
    assert summary.facts["lines"].changed == 2
    before = everything_stored()
    bring(batch(lines=[line("100", 1, "Hoop"), line("100", 2, "Needle")]))
    assert everything_stored() == before


def test_children_may_come_before_their_parents_even_in_an_earlier_batch():
    summary = bring(
        batch(refunds=[refund("r1", "100", 10_0000)]),
        batch(lines=[line("100")]),
        batch(orders=[order("100", "7")]),
        batch(customers=[customer("7", first_name="Ann")]),
    )
    [stored] = Order.objects.all()
    assert (stored.customer.first_name, stored.line_items.count(), stored.refunded) == ("Ann", 1, Decimal(10))
    assert stored.customer.lifetime_value == Decimal(40)
    returned = Refund.objects.get()
    assert (returned.created_at, returned.customer) == (stored.placed_at, stored.customer)  # not told: dated at its order
    assert summary.rows_rejected == 0


def test_a_product_described_otherwise_is_another_row_of_the_same_identity():
    bring(batch(orders=[order("1")], lines=[line("1", 1, "Loom", product_id="P1"), line("1", 2, "Big loom", product_id="P1")]))
    assert set(Product.objects.values_list("identity", "title")) == {("P1", "Loom"), ("P1", "Big loom")}


# --- refunds ---------------------------------------------------------------------------------------------------------


def test_a_return_that_names_a_customer_only_lowers_his_value_and_never_below_zero():
    bring(
        batch(
            orders=[order("1", "7", total=50_0000), order("2", None, email="bo@example.com", total=30_0000)],
            refunds=[
                refund("r1", None, 20_0000, customer_id="7", created_at=micros("2026-04-01")),
                refund("r2", None, 99_0000, email="Bo@example.com", created_at=micros("2026-04-01")),
            ],
        )
    )
    assert Customer.objects.get(customer_id="7").lifetime_value == Decimal(30)
    assert Customer.objects.get(email="bo@example.com").lifetime_value == 0


def test_a_sum_refunded_for_an_order_gives_way_to_its_refunds():
    bring(batch(orders=[order("1", "7")], refunds=[refund("1:refunded", "1", 15_0000)]))
    assert Order.objects.get().refunded == Decimal(15)
    bring(batch(refunds=[refund("a", "1", 10_0000), refund("b", "1", 5_0000)]))
    bring(batch(orders=[order("1", "7")], refunds=[refund("1:refunded", "1", 15_0000)]))
    assert sorted(Refund.objects.values_list("refund_id", flat=True)) == ["a", "b"]
    assert Order.objects.get().refunded == Decimal(15)
    assert Customer.objects.get().lifetime_value == Decimal(35)


def test_an_order_that_is_somebody_elses_now_takes_its_refunds_along():
    refunds = [refund("r1", "1", 10_0000), refund("r2", "2", 5_0000)]
    bring(batch(orders=[order("1", "7"), order("2", "7", total=40_0000)], refunds=refunds))
    bring(batch(orders=[order("2", "8", total=40_0000)]))
    assert dict(Refund.objects.values_list("refund_id", "customer__customer_id")) == {"r1": "7", "r2": "8"}
    assert dict(Customer.objects.values_list("customer_id", "lifetime_value")) == {"7": 40, "8": 35}
    bring(batch(orders=[order("2", "9", total=40_0000)], refunds=[refund("r3", "2", 1_0000)]))
    assert set(Refund.objects.filter(order__order_id="2").values_list("customer__customer_id", flat=True)) == {"9"}


# --- what counts -----------------------------------------------------------------------------------------------------


def test_orders_that_do_not_count_are_stored_with_the_reason_and_counted():
    orders = {
        "cancelled": order("1", "7", cancelled_at=at(3, 3)),
        "test": order("2", "7", is_test=True),
        "unpaid": order("3", "7", financial_status="pending"),
        "refunded": order("5", "7", financial_status="Refunded"),
        "zero": order("6", "7", total=0),
        "currency": order("7", "7", currency="EUR"),
        "": order("8", "7", financial_status="Partially Refunded"),
    }
    more = [
        order("4", "7", financial_status="VOIDED"),
        order("9", "7", financial_status="gift-wrapped"),
        order("10", "7", financial_status=None),
        order("11", "7", currency=None),
    ]
    bring(batch(orders=[order("0", "7")]))  # the shop has an order, so its currency is settled
    summary = bring(batch(orders=[*orders.values(), *more]))
    found = dict(Order.objects.values_list("order_id", "left_out"))
    expected = {values[0]: reason for reason, values in orders.items()}
    assert found == {**expected, "0": "", "4": "unpaid", "9": "", "10": "", "11": ""}
    assert summary.orders_left_out == {"cancelled": 1, "test": 1, "unpaid": 2, "refunded": 1, "zero": 1, "currency": 1}
    assert "2 orders are stored but do not count: not paid." in summary.sentences()
    assert Customer.objects.get().order_count == 5


def test_somebody_whose_only_order_is_cancelled_later_has_none():
    bring(batch(orders=[order("1", "7")]))
    bring(batch(orders=[order("1", "7", cancelled_at=at(3, 4))]))
    stored = Customer.objects.get()
    assert (stored.order_count, stored.lifetime_value, stored.first_order_at, stored.last_order_at) == (0, 0, None, None)
