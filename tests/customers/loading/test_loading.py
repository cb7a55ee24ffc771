import csv
from datetime import timedelta
from decimal import Decimal

import pytest

from customers.importing.faults import ImportRefused
from customers.importing.loading import load
from customers.importing.records import Reject
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Product, Refund
from tests.customers.loading import (
    at,
    batch,
    customer,
    day,
    everything,
    line,
    new_import,
    order,
    refund,
    store,
)
from tests.factories import NOW, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


def rejects_of(data_import: DataImport) -> list[dict[str, str]]:
    with path_of(data_import.token).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- again and again -----------------------------------------------------------------------------------------------------


def a_small_shop():
    return [
        batch(
            customers=[
                customer("C1", email="Vera@example.com", first_name="Vera", tags=["vip"], attributes={"b": "2", "a": "1"}),
                customer("C2", phone="+1 202 555 0102", email_consent="subscribed", created_at=at(1, 5)),
            ],
            orders=[
                order("1", 70, discounts=50_000, tracking_numbers=["TN1"], attributes={"channel": "web"}),
                order("2", 20, customer_id=None, email="vera@EXAMPLE.com"),
                order("3", 30, customer_id=None, email="guest@example.com"),
                order("4", 40, customer_id=None),
                order("5", 50, customer_id="C2", financial_status="voided"),
            ],
            lines=[
                line("1", "Loom", 50, position=1, product_id="P1", vendor="Loomworks"),
                line("1", "Thread", 20, position=2, sku="T-1", discount=5_000),
                line("2", "Thread", 20, position=1),
            ],
        ),
        batch(refunds=[refund("R1", "1", 10), refund("R2", None, 3, customer_id="C1")]),
    ]


def test_the_same_file_twice_changes_nothing():
    store(*a_small_shop())
    before = everything()
    assert {name: len(rows) for name, rows in before.items()} == {
        "Customer": 3, "Order": 5, "LineItem": 3, "Refund": 2, "Product": 3,
    }  # fmt: skip
    again = store(*a_small_shop(), as_of=NOW + timedelta(days=1))
    assert everything() == before
    assert {name: (counts.new, counts.changed) for name, counts in again.facts.items()} == dict.fromkeys(again.facts, (0, 0))
    assert again.facts["orders"].unchanged == 5


def test_a_row_twice_in_one_file_is_one_row_with_the_latest_known_values():
    store(batch(orders=[order("1", 10, number="#1")]), batch(orders=[order("1", 12)]))
    stored = Order.objects.get()
    assert (stored.total, stored.number) == (Decimal(12), "#1")


def test_a_later_file_corrects_an_earlier_one():
    store(batch(orders=[order("1", 50, financial_status="pending"), order("2", 5)], lines=[line("1", "Loom", 50)]))
    untouched = Order.objects.get(order_id="2")
    counted = store(batch(orders=[order("1", 45), order("2", 5)], lines=[line("1", "Loom", 45)]), as_of=NOW + timedelta(days=1))
    corrected = Order.objects.get(order_id="1")
    assert (corrected.total, corrected.financial_status, corrected.left_out) == (Decimal(45), "paid", "")
    assert corrected.stored_at == NOW + timedelta(days=1)
    assert Order.objects.get(order_id="2").stored_at == untouched.stored_at == NOW
    assert (counted.facts["orders"].changed, counted.facts["orders"].unchanged) == (1, 1)
    assert Customer.objects.get().lifetime_value == Decimal(50)


def test_the_lines_of_an_order_are_replaced_as_a_whole():
    three = [line("1", title, 10, position=place) for place, title in enumerate(("Loom", "Thread", "Hoop"), start=1)]
    store(batch(orders=[order("1", 30)], lines=three))
    store(batch(orders=[order("1", 30)], lines=[line("1", "Needle", 25), line("1", "Hoop", 5)]))
    lines = LineItem.objects.values_list("position", "product__title", "unit_price")
    assert list(lines) == [(1, "Needle", Decimal(25)), (2, "Hoop", Decimal(5))]


def test_a_file_without_lines_leaves_the_lines_alone():
    store(batch(orders=[order("1", 50)], lines=[line("1")]))
    store(batch(orders=[order("1", 60)]))
    assert LineItem.objects.get().product.title == "Loom"
    assert Order.objects.get().total == Decimal(60)


def test_lines_alone_find_the_order_that_is_stored():
    store(batch(orders=[order("1", 50)], lines=[line("1", "Loom")]))
    store(batch(lines=[line("1", "Hoop", 50)]))
    assert LineItem.objects.get().product.title == "Hoop"


def test_a_product_described_otherwise_is_another_row_of_the_same_identity():
    store(batch(orders=[order("1")], lines=[line("1", "Loom", product_id="P1"), line("1", "Big loom", product_id="P1")]))
    assert set(Product.objects.values_list("identity", "title")) == {("P1", "Loom"), ("P1", "Big loom")}


def test_unknown_never_overwrites_what_is_known():
    known = {
        "email": "vera@example.com", "phone": "+1 202 555 0101", "first_name": "Vera", "last_name": "Holm",
        "created_at": at(1, 1), "email_consent": "subscribed", "sms_consent": "pending", "time_zone": "Europe/Oslo",
        "country": "NO", "tags": ["vip"], "attributes": {"shoe": "38"},
    }  # fmt: skip
    full = order(
        "1", 50, number="#1", discounts=10_000, fulfillment_status="fulfilled", cancelled_at=at(3, 3), is_test=True,
        tracking_numbers=["TN1"], attributes={"channel": "web"},
    )  # fmt: skip
    store(batch(customers=[customer("C1", **known)], orders=[full]))
    before = everything()
    nothing = {"first_name": "", "email": "", "country": ""}
    bare = order("1", 50, customer_id=None, currency=None, financial_status=None, number="")
    store(batch(customers=[customer("C1", **nothing)], orders=[bare]), as_of=NOW + timedelta(days=1))
    assert everything() == before
    store(batch(customers=[customer("C1", first_name="Veronika", attributes={"hat": "M"})]))
    stored = Customer.objects.get()
    assert (stored.name, stored.name_key, stored.attributes) == ("Veronika Holm", "veronika holm", {"shoe": "38", "hat": "M"})


@pytest.mark.parametrize(
    ("known", "told", "stored"),
    [
        ("unsubscribed", "unknown", "unsubscribed"),
        ("unsubscribed", None, "unsubscribed"),
        ("subscribed", "unknown", "unknown"),
        ("subscribed", None, "subscribed"),
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("unsubscribed", "subscribed", "subscribed"),
        ("unknown", "subscribed", "subscribed"),
    ],
)
def test_a_withdrawn_consent_stays_withdrawn_until_it_is_given_again(known, told, stored):
    store(batch(customers=[customer("C1", email_consent=known, sms_consent=known)]))
    store(batch(customers=[customer("C1", email_consent=told, sms_consent=told)]))
    after = Customer.objects.get()
    assert (after.email_consent, after.sms_consent) == (stored, stored)


# --- who is meant --------------------------------------------------------------------------------------------------------


def test_children_may_come_before_their_parents():
    store(
        batch(refunds=[refund("R1", "1", 10)]),
        batch(lines=[line("1", "Loom", 50)]),
        batch(orders=[order("1", 50)]),
        batch(customers=[customer("C1", first_name="Vera")]),
    )
    stored = Order.objects.get()
    assert (stored.customer.first_name, stored.line_items.get().product.title, stored.refunded) == ("Vera", "Loom", Decimal(10))
    assert Refund.objects.get().customer == stored.customer
    assert Customer.objects.get().lifetime_value == Decimal(40)


def test_a_line_and_a_refund_without_any_order_are_rejected():
    data_import = new_import()
    orders = [order(str(number)) for number in range(1, 61)]
    summary = store(
        batch(orders=orders, lines=[line("1"), line("nowhere")], refunds=[refund("R1", "gone")]), data_import=data_import
    )
    assert (summary.rows_read, summary.rows_rejected, summary.rows_stored) == (63, 2, 61)
    assert LineItem.objects.count() == 1
    assert not Refund.objects.exists()
    assert {(row["column"], row["row"]) for row in rejects_of(data_import)} == {("order_id", "nowhere"), ("order_id", "gone")}
    assert "There is no order nowhere" in " ".join(row["reason"] for row in rejects_of(data_import))


def test_an_order_of_an_unknown_customer_makes_the_profile():
    summary = store(batch(orders=[order("1", customer_id="C9", email="nine@example.com"), order("2", customer_id="C9")]))
    stored = Customer.objects.get()
    assert (stored.customer_id, stored.email, stored.order_count) == ("C9", "nine@example.com", 2)
    assert summary.facts["customers"].new == 1


@pytest.mark.parametrize("customer_first", [True, False])
def test_an_order_with_only_an_email_joins_that_customer_whatever_the_case(customer_first):
    profile = batch(customers=[customer("C1", email="Vera.Holm@Example.com")])
    guests = batch(orders=[order("1", customer_id=None, email="vera.holm@example.COM"), order("2")])
    store(*([profile, guests] if customer_first else [guests, profile]))
    assert Customer.objects.get().order_count == 2


def test_an_order_with_only_a_phone_joins_by_its_digits():
    store(batch(customers=[customer("C1", phone="+1 (202) 555-0101")]))
    store(batch(orders=[order("1", customer_id=None, phone="+12025550101")]))
    assert Customer.objects.get().order_count == 1


def test_two_orders_of_one_stranger_with_an_email_are_one_profile():
    store(
        batch(
            orders=[
                order("1", customer_id=None, email="New@example.com"),
                order("2", customer_id=None, email="new@example.com"),
            ]
        )
    )
    stored = Customer.objects.get()
    assert stored.order_count == 2
    assert stored.customer_id.startswith("guest_")


def test_anonymous_guests_stay_anonymous_and_are_never_merged():
    store(batch(orders=[order("1", 10, customer_id=None), order("2", 20, customer_id=None)]))
    assert not Customer.objects.exists()
    assert not MetricsDue.objects.exists()
    assert list(Order.objects.filter(customer=None).order_by("order_id").values_list("total", flat=True)) == [10, 20]


def test_an_order_that_moves_to_another_customer_changes_the_figures_of_both():
    store(batch(orders=[order("1", 50), order("2", 5)]))
    store(batch(orders=[order("1", 50, customer_id="C2")]))
    figures = Customer.objects.order_by("customer_id").values_list("customer_id", "order_count", "lifetime_value")
    assert list(figures) == [("C1", 1, Decimal(5)), ("C2", 1, Decimal(50))]


# --- what counts ---------------------------------------------------------------------------------------------------------


def test_orders_that_do_not_count_are_stored_with_the_reason_and_counted():
    orders = {
        "cancelled": order("1", cancelled_at=at(3, 3)),
        "test": order("2", is_test=True),
        "unpaid": order("3", financial_status="pending"),
        "refunded": order("5", financial_status="Refunded"),
        "zero": order("6", 0),
        "currency": order("7", currency="EUR"),
        "": order("8", financial_status="Partially Refunded"),
    }
    more = [
        order("4", financial_status="VOIDED"),
        order("9", financial_status="gift-wrapped"),
        order("10", financial_status=None),
        order("11", currency=None),
    ]
    # The shop has an order, so its currency is settled.
    store(batch(orders=[order("0")]))
    summary = store(batch(orders=[*orders.values(), *more]))
    found = dict(Order.objects.values_list("order_id", "left_out"))
    expected = {values[0]: reason for reason, values in orders.items()}
    assert found == {**expected, "0": "", "4": "unpaid", "9": "", "10": "", "11": ""}
    assert summary.orders_left_out == {"cancelled": 1, "test": 1, "unpaid": 2, "refunded": 1, "zero": 1, "currency": 1}
    assert "2 orders are stored but do not count: not paid." in summary.sentences()
    assert Customer.objects.get().order_count == 5


def test_a_new_shop_takes_the_currency_of_its_first_file(shop):
    summary = store(batch(orders=[order("1", currency="EUR")]))
    shop.refresh_from_db()
    assert shop.currency == "EUR"
    assert Order.objects.get().left_out == ""
    assert "The shop's currency is now EUR, as in the file." in summary.notes


# --- broken rows ---------------------------------------------------------------------------------------------------------


def hundred_rows(broken: int):
    rejects = [Reject(2 + n, "total", f"total is 'x{n}', which is no amount.", f"=SUM(A{n}),x{n}") for n in range(broken)]
    return batch(orders=[order(str(number)) for number in range(100 - broken)], rejects=rejects)


def test_four_broken_rows_of_a_hundred_go_to_the_reject_file():
    data_import = new_import()
    summary = store(hundred_rows(4), data_import=data_import)
    assert (Order.objects.count(), summary.rows_stored, summary.rows_rejected) == (96, 96, 4)
    assert rejects_of(data_import)[1] == {
        "line": "3", "column": "total", "reason": "total is 'x1', which is no amount.", "row": "'=SUM(A1),x1",
    }  # fmt: skip
    data_import.refresh_from_db()
    assert (data_import.state, data_import.checkpoint) == (DataImport.State.DONE, {})


def test_six_broken_rows_of_a_hundred_store_nothing_at_all():
    data_import = new_import()
    with pytest.raises(ImportRefused) as refused:
        store(hundred_rows(6), data_import=data_import)
    assert str(refused.value).startswith("6 of 100 rows are broken, more than 5%, so nothing was stored")
    assert not any(everything().values())
    assert len(rejects_of(data_import)) == 6
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED


def test_five_broken_rows_of_a_hundred_are_not_yet_too_many():
    assert store(hundred_rows(5)).rows_stored == 95


def test_what_no_source_may_say_is_rejected_by_the_loader_itself():
    data_import = new_import()
    wrong = [
        order("A", placed_at=at(3, 2) + 10**15),
        order("B", placed_at=0),
        order("C", total=None),
        order("D" * 65),
        order("E", total=2**63 / 10**4),
    ]
    summary = store(batch(orders=[*wrong, *(order(str(number)) for number in range(100))]), data_import=data_import)
    assert (summary.rows_rejected, Order.objects.count()) == (5, 100)
    assert [row["column"] for row in rejects_of(data_import)][-4:] == ["placed_at", "placed_at", "total", "order_id"]


def test_a_nul_character_is_dropped_and_long_text_is_clipped():
    store(batch(customers=[customer("C1", first_name="Ve\0ra", last_name="H" * 200)]))
    stored = Customer.objects.get()
    assert (stored.first_name, stored.last_name) == ("Vera", "H" * 120)


def test_a_file_with_nothing_in_it_is_refused_with_one_sentence():
    with pytest.raises(ImportRefused, match="no rows that can be stored"):
        store(batch())


def test_an_import_that_is_stopped_while_reading_has_stored_nothing(shop):
    class Stop(Exception):
        pass

    def batches():
        yield hundred_rows(0)
        raise Stop

    data_import = new_import()
    with pytest.raises(Stop):
        load(batches(), data_import, shop=shop, as_of=NOW)
    data_import.refresh_from_db()
    assert (data_import.state, Order.objects.count()) == (DataImport.State.REFUSED, 0)
    assert store(hundred_rows(0), data_import=data_import).rows_stored == 100


def test_an_order_is_dated_as_the_file_says():
    store(batch(orders=[order("1", placed_at=at(3, 2))]))
    assert Order.objects.get().placed_at == day(3, 2)
