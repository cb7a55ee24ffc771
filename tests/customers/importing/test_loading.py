"""From batches to rows: what is stored, what is corrected, what stays, and what is refused."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from accounts.models import Shop
from customers.importing.faults import ImportRefused
from customers.importing.records import Reject
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Product, Refund
from customers.signals import orders_recorded
from tests.customers.importing.storage import an_import, batch, bring, customer, everything_stored, line, micros, order, refund
from tests.factories import NOW, make_customer, make_shop

pytestmark = pytest.mark.django_db


def a_shop_file():
    return [
        batch(
            customers=[
                customer(
                    "7", email="Ann@Example.com", first_name="Ann", last_name="Lee", tags=["vip"], email_consent="subscribed"
                ),
                customer("8", first_name="Bo", attributes={"note": "says hello"}),
            ],
            orders=[
                order("100", "7", total=70_0000, tracking_numbers=["ZX1"], attributes={"channel": "web"}, number="#100"),
                order("101", "8", placed_at=micros("2026-04-02T10:00:00"), currency=None),
            ],
            lines=[line("100", 1, quantity=2, unit_price=20_0000), line("100", 2, "Hoop", unit_price=30_0000), line("101")],
            refunds=[refund("r1", "100", 20_0000, created_at=micros("2026-03-05"))],
        )
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
    assert Product.objects.count() == 2
    assert summary.facts["orders"].new == 2
    assert summary.facts["lines"].new == 3
    assert summary.rows_stored == summary.rows_read == 8


def test_the_same_file_twice_changes_nothing_to_the_byte():
    bring(*a_shop_file())
    before = everything_stored()
    again = bring(*a_shop_file(), as_of=datetime(2026, 11, 20, tzinfo=UTC))
    assert everything_stored() == before
    assert {name: (c.new, c.changed) for name, c in again.facts.items()} == dict.fromkeys(again.facts, (0, 0))
    assert again.facts["orders"].unchanged == 2
    assert again.facts["lines"].unchanged == 3


def test_a_later_file_corrects_an_earlier_one_and_what_it_does_not_know_stays():
    bring(*a_shop_file())
    later = datetime(2026, 11, 20, tzinfo=UTC)
    untouched = Order.objects.get(order_id="101").stored_at
    summary = bring(
        batch(
            customers=[customer("7", last_name="Moss", attributes={"size": "M"}), customer("8", attributes={"tone": "warm"})],
            orders=[order("100", None, total=60_0000, number=None, financial_status=None)],
            lines=[line("100", 1, quantity=3, unit_price=20_0000)],
            refunds=[refund("r1", "100", 25_0000)],
        ),
        as_of=later,
    )
    ann = Customer.objects.get(customer_id="7")
    assert (ann.first_name, ann.last_name, ann.name_key, ann.email) == ("Ann", "Moss", "ann moss", "Ann@Example.com")
    assert Customer.objects.get(customer_id="8").attributes == {"note": "says hello", "tone": "warm"}
    corrected = Order.objects.get(order_id="100")
    assert (corrected.customer, corrected.number, corrected.financial_status, corrected.total) == (
        ann,
        "#100",
        "paid",
        Decimal(60),
    )
    assert (corrected.refunded, corrected.stored_at) == (Decimal(25), later)
    assert [(item.position, item.quantity) for item in corrected.line_items.all()] == [(1, 3)]
    assert Order.objects.get(order_id="101").stored_at == untouched
    assert ann.lifetime_value == Decimal(35)
    assert (summary.facts["orders"].changed, summary.facts["customers"].changed, summary.facts["refunds"].changed) == (1, 2, 1)


def test_lines_in_another_order_of_rows_are_no_change():
    lines = [line("100", 1, "Rose thread"), line("100", 2, "Hoop")]
    bring(batch(orders=[order("100", "7")], lines=lines))
    before = everything_stored()
    summary = bring(batch(orders=[order("100", "7")], lines=[line("100", 1, "Hoop"), line("100", 2, "Rose thread")]))
    assert everything_stored() == before
    assert summary.facts["lines"].unchanged == 2


def test_children_may_come_before_their_parents_even_in_an_earlier_batch():
    summary = bring(
        batch(lines=[line("100")], refunds=[refund("r1", "100", 10_0000)]),
        batch(orders=[order("100", "7")]),
        batch(customers=[customer("7", first_name="Ann")]),
    )
    [stored] = Order.objects.all()
    assert (stored.customer.first_name, stored.line_items.count(), stored.refunded) == ("Ann", 1, Decimal(10))
    assert Refund.objects.get().created_at == stored.placed_at  # not told: dated at its order
    assert summary.rows_rejected == 0


def test_lines_of_an_order_that_is_stored_already_need_no_order_row():
    bring(batch(orders=[order("100", "7")], lines=[line("100")]))
    summary = bring(batch(lines=[line("100", 1, "Hoop"), line("100", 2, "Needle")]))
    assert list(LineItem.objects.values_list("position", "product__title")) == [(1, "Hoop"), (2, "Needle")]
    assert summary.facts["lines"].changed == 2
    before = everything_stored()
    bring(batch(lines=[line("100", 1, "Hoop"), line("100", 2, "Needle")]))
    assert everything_stored() == before


def test_children_without_parents_are_rejects_with_a_reason():
    rows = [order(str(number), "7") for number in range(100)]
    data_import = an_import()
    summary = bring(batch(orders=rows, lines=[line("nowhere")], refunds=[refund("r9", "lost", 1)]), data_import=data_import)
    assert (summary.rows_rejected, summary.rows_stored) == (2, 100)
    written = list(csv.DictReader(path_of(data_import.token).open()))
    assert [row["column"] for row in written] == ["order_id", "order_id"]
    assert written[0]["reason"] == (
        "There is no order nowhere in these files or in the shop; import the order first or correct the id."
    )
    assert not LineItem.objects.exists()


def test_above_five_percent_rejects_nothing_is_applied():
    rows = [order(str(number), "7") for number in range(94)]
    rejects = [Reject(number, "total", "is no amount", "x", cause="without an amount") for number in range(6)]
    data_import = an_import()
    sentence = "6 of 100 rows are broken, more than 5%, so nothing was stored: all without an amount."
    with pytest.raises(ImportRefused, match=sentence):
        bring(batch(orders=rows, rejects=rejects, rows_read=100), data_import=data_import)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED
    assert data_import.summary["problem"].startswith("6 of 100")
    assert data_import.summary["causes"] == {"without an amount": 6}
    assert path_of(data_import.token).exists()
    assert not Order.objects.exists()
    assert not Customer.objects.exists()


def test_at_five_percent_the_rest_is_applied_and_sound_rows_of_a_broken_order_do_not_count_as_broken():
    rows = [order(str(number), "7") for number in range(92)]
    rejects = [Reject(number, "total", "is no amount", "x") for number in range(5)]
    rejects += [Reject(number, "total", "waits", "x", with_order=True) for number in range(3)]
    summary = bring(batch(orders=rows, rejects=rejects, rows_read=100))
    assert (summary.rows_rejected, summary.rows_held_back, summary.rows_stored) == (5, 3, 92)


def test_the_reject_file_is_harmless_in_a_spreadsheet():
    data_import = an_import()
    rows = [order(str(number), "7") for number in range(50)]
    bring(batch(orders=rows, rejects=[Reject(3, "title", "is odd", '=HYPERLINK("x")')], rows_read=51), data_import=data_import)
    [written] = csv.DictReader(path_of(data_import.token).open())
    assert written == {"line": "3", "column": "title", "reason": "is odd", "row": '\'=HYPERLINK("x")'}


def test_a_file_without_a_row_is_refused():
    with pytest.raises(ImportRefused, match="no rows"):
        bring(batch())


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ({"total": None}, "total"),
        ({"placed_at": micros("1970-01-01")}, "placed_at"),
        ({"placed_at": micros("2031-01-01")}, "placed_at"),
        ({"total": 10**18}, "total"),
    ],
)
def test_an_order_that_cannot_be_true_is_a_reject(given, column):
    data_import = an_import()
    summary = bring(
        batch(orders=[*(order(str(n), "7") for n in range(40)), order("bad", "7", **given)]), data_import=data_import
    )
    assert summary.rows_rejected == 1
    [written] = csv.DictReader(path_of(data_import.token).open())
    assert written["column"] == column
    assert Order.objects.count() == 40


def test_long_text_is_clipped_nul_is_dropped_and_a_long_id_is_a_reject():
    rows = [order(str(number), "7") for number in range(40)]
    summary = bring(batch(orders=[*rows, order("9" * 65, "7")], lines=[line("1", 1, "x\0" * 300)]))
    assert summary.rows_rejected == 1
    assert Product.objects.get().title == "x" * 255


def test_a_value_that_no_column_can_hold_is_a_reject_and_not_a_crash():
    summary = bring(batch(orders=[*(order(str(n), "7") for n in range(40)), order("bad", "7", total="many")]))
    assert summary.rows_rejected == 1
    assert Order.objects.count() == 40


# --- whom an order means ---------------------------------------------------------------------------------------------


def test_an_order_finds_its_customer_by_id_then_e_mail_then_phone():
    by_mail = make_customer("Ann Lee", email="ann@example.com", customer_id="7")
    by_phone = make_customer("Bo Moss", email="", phone="+44 20 7946 0000", customer_id="8")
    bring(
        batch(
            orders=[
                order("1", "7", email="someone@else.example"),
                order("2", None, email=" ANN@example.com ".strip()),
                order("3", None, email="new@example.com", phone="+44 (0)20-7946-0000".replace("(0)", "")),
                order("4", None, phone="442079460000"),
            ]
        )
    )
    assert list(Order.objects.order_by("order_id").values_list("customer", flat=True)) == [
        by_mail.pk, by_mail.pk, by_phone.pk, by_phone.pk,
    ]  # fmt: skip
    assert Customer.objects.count() == 2


def test_an_order_of_an_unknown_customer_makes_a_profile_with_an_id_that_stays():
    bring(
        batch(orders=[order("1", None, email="Zoe@Example.com"), order("2", None, email="zoe@example.com"), order("3", "99")])
    )
    zoe = Customer.objects.get(email_key="zoe@example.com")
    assert zoe.customer_id.startswith("guest_")
    assert "zoe" not in zoe.customer_id
    assert zoe.order_count == 2
    assert Customer.objects.get(customer_id="99").order_count == 1
    Customer.objects.all().delete()
    bring(batch(orders=[order("4", None, email="ZOE@example.com")]))
    assert Customer.objects.get().customer_id == zoe.customer_id


def test_a_guest_joins_the_account_with_his_address_wherever_in_the_file_it_comes():
    bring(
        batch(orders=[order(str(number), None, email="ann@example.com") for number in range(20)]),
        batch(orders=[order("account", "7", email="ann@example.com")]),
    )
    [ann] = Customer.objects.all()
    assert (ann.customer_id, ann.order_count) == ("7", 21)


def test_anonymous_guests_are_kept_and_never_merged():
    summary = bring(batch(orders=[order("1"), order("2")], lines=[line("1"), line("2")]))
    assert list(Order.objects.values_list("customer", flat=True)) == [None, None]
    assert not Customer.objects.exists()
    assert summary.facts["orders"].new == 2


def test_a_return_that_names_a_customer_only_lowers_his_value_and_never_below_zero():
    bring(
        batch(
            orders=[order("1", "7", total=50_0000), order("2", None, email="bo@example.com", total=30_0000)],
            refunds=[
                refund("r1", None, 20_0000, customer_id="7", created_at=micros("2026-04-01")),
                refund("r2", None, 99_0000, email="bo@example.com", created_at=micros("2026-04-01")),
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


def test_known_values_of_repeated_rows_add_up_and_the_later_one_wins():
    bring(
        batch(customers=[customer("7", first_name="Ann", country="GB"), customer("7", last_name="Lee")]),
        batch(customers=[customer("7", country="IE")], orders=[order("1", "7", total=10_0000), order("1", "7", total=20_0000)]),
    )
    ann = Customer.objects.get()
    assert (ann.name, ann.country, ann.lifetime_value) == ("Ann Lee", "IE", Decimal(20))


# --- consent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ("unsubscribed", "unknown", "unsubscribed"),
        ("unsubscribed", None, "unsubscribed"),
        ("subscribed", None, "subscribed"),
        ("subscribed", "unknown", "unknown"),
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("unsubscribed", "subscribed", "subscribed"),
    ],
)
def test_consent_that_was_withdrawn_stays_withdrawn_until_it_is_given_again(first, then, expected):
    bring(batch(customers=[customer("7", email_consent=first)]))
    bring(batch(customers=[customer("7", email_consent=then)]))
    assert Customer.objects.get().email_consent == expected


# --- currency --------------------------------------------------------------------------------------------------------


def test_the_first_file_of_one_currency_sets_the_shops():
    summary = bring(batch(orders=[order("1", "7", currency="GBP")]))
    assert Shop.current().currency == "GBP"
    assert Order.objects.get().left_out == ""
    assert summary.notes == ["The shop's currency is now GBP, as in the file."]


def test_later_orders_in_another_currency_are_kept_and_do_not_count():
    make_shop(currency="USD")
    bring(batch(orders=[order("1", "7")]))
    summary = bring(batch(orders=[order("2", "7", currency="EUR")]))
    assert Order.objects.get(order_id="2").left_out == "currency"
    assert summary.orders_left_out == {"currency": 1}
    assert Shop.current().currency == "USD"
    assert Customer.objects.get().lifetime_value == Decimal(50)


# --- what others hear ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_new_valid_orders_are_told_once_with_all_customers():
    heard = []

    def hear(sender, customer_pks, **kwargs):
        heard.append(sorted(customer_pks))

    orders_recorded.connect(hear)
    try:
        bring(batch(orders=[order("1", "7"), order("2", "8", is_test=True), order("3", "9")]))
        seven, nine = (Customer.objects.get(customer_id=number).pk for number in "79")
        bring(batch(orders=[order("1", "7"), order("4", "7")]))
        bring(batch(orders=[order("1", "7", total=60_0000)]))
    finally:
        orders_recorded.disconnect(hear)
    assert heard == [sorted([seven, nine]), [seven]]
    assert not MetricsDue.objects.exists()


def test_progress_only_grows_and_what_it_raises_stops_the_reading_with_nothing_stored():
    shares = []
    bring(*(batch(orders=[order(str(n), "7")]) for n in range(5)), progress=lambda share, note: shares.append(share))
    assert all(a <= b for a, b in pairwise(shares))
    assert shares[-1] == 1.0

    class Enough(Exception):
        pass

    def stop(share, note):
        raise Enough

    data_import = an_import()
    with pytest.raises(Enough):
        bring(batch(orders=[order("new", "7")]), data_import=data_import, progress=stop)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED
    assert not Order.objects.filter(order_id="new").exists()
