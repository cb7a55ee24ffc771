"""A file as a whole: what is refused, what is rejected, what others hear, and what sets the shop's currency."""

import itertools

import pytest

from accounts.models import Shop
from customers.importing.faults import ImportRefused
from customers.importing.loading import load
from customers.importing.records import Reject
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, MetricsDue, Order, Product, Refund
from customers.signals import orders_recorded
from tests.customers.importing.storage import an_import, batch, bring, customer, line, micros, order, refund, rejects_of
from tests.factories import NOW, make_shop

pytestmark = pytest.mark.django_db


def some_orders(count: int):
    return [order(str(number), "7") for number in range(count)]


# --- broken rows -----------------------------------------------------------------------------------------------------


def test_above_five_percent_rejects_nothing_is_applied():
    rejects = [Reject(number, "total", "is no amount", "x", cause="without an amount") for number in range(6)]
    data_import = an_import()
    sentence = "6 of 100 rows are broken, more than 5%, so nothing was stored: all without an amount."
    with pytest.raises(ImportRefused, match=sentence):
        bring(batch(orders=some_orders(94), rejects=rejects, rows_read=100), data_import=data_import)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED
    assert data_import.summary["problem"].startswith("6 of 100")
    assert data_import.summary["causes"] == {"without an amount": 6}
    assert len(rejects_of(data_import)) == 6
    assert not Order.objects.exists()
    assert not Customer.objects.exists()
    assert not Product.objects.exists()


def test_at_five_percent_the_rest_is_applied_and_sound_rows_of_a_broken_order_do_not_count_as_broken():
    rejects = [Reject(number, "total", "is no amount", "x") for number in range(5)]
    rejects += [Reject(number, "total", "waits", "x", with_order=True) for number in range(3)]
    data_import = an_import()
    summary = bring(batch(orders=some_orders(92), rejects=rejects, rows_read=100), data_import=data_import)
    assert (summary.rows_rejected, summary.rows_held_back, summary.rows_stored) == (5, 3, 92)
    data_import.refresh_from_db()
    assert (data_import.state, data_import.checkpoint) == (DataImport.State.DONE, {})


def test_the_reject_file_is_harmless_in_a_spreadsheet():
    data_import = an_import()
    rejects = [Reject(3, "title", "is odd", '=HYPERLINK("x")')]
    bring(batch(orders=some_orders(50), rejects=rejects, rows_read=51), data_import=data_import)
    assert rejects_of(data_import) == [{"line": "3", "column": "title", "reason": "is odd", "row": '\'=HYPERLINK("x")'}]


def test_children_without_parents_are_rejects_with_a_reason():
    data_import = an_import()
    summary = bring(
        batch(orders=some_orders(100), lines=[line("1"), line("nowhere")], refunds=[refund("r9", "lost", 1)]),
        data_import=data_import,
    )
    assert (summary.rows_read, summary.rows_rejected, summary.rows_stored) == (103, 2, 101)
    written = rejects_of(data_import)
    assert [(row["column"], row["row"]) for row in written] == [("order_id", "nowhere"), ("order_id", "lost")]
    assert written[0]["reason"] == (
        "There is no order nowhere in these files or in the shop; import the order first or correct the id."
    )
    assert (LineItem.objects.count(), Refund.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("given", "column", "cause"),
    [
        ({"total": None}, "total", "without a total"),
        ({"placed_at": micros("1970-01-01")}, "placed_at", "with a date before 1971"),
        ({"placed_at": micros("2031-01-01")}, "placed_at", "with a date in the future"),
        ({"total": 10**18}, "total", "with a total that is too large"),
        ({"order_id": "9" * 65}, "order_id", "with an order id that is too long"),
    ],
)
def test_an_order_that_cannot_be_true_is_a_reject(given, column, cause):
    data_import = an_import()
    bad = order(**{"order_id": "bad", "customer_id": "7", **given})
    summary = bring(batch(orders=[*some_orders(40), bad]), data_import=data_import)
    [written] = rejects_of(data_import)
    assert written["column"] == column
    assert (summary.causes, Order.objects.count()) == ({cause: 1}, 40)


def test_long_text_is_clipped_and_nul_is_dropped():
    bring(
        batch(
            customers=[customer("7", first_name="Ve\0ra", last_name="H" * 200)],
            orders=some_orders(2),
            lines=[line("1", 1, "x\0" * 300)],
        )
    )
    stored = Customer.objects.get()
    assert (stored.first_name, stored.last_name) == ("Vera", "H" * 120)
    assert Product.objects.get().title == "x" * 255


def test_a_value_that_no_column_can_hold_is_a_reject_and_not_a_crash():
    summary = bring(batch(orders=[*some_orders(40), order("bad", "7", total="many")]))
    assert summary.rows_rejected == 1
    assert Order.objects.count() == 40


def test_a_file_without_a_row_is_refused():
    with pytest.raises(ImportRefused, match="no rows that can be stored"):
        bring(batch())


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
    assert Customer.objects.get().lifetime_value == 50


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
    assert all(a <= b for a, b in itertools.pairwise(shares))
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


def test_a_source_that_fails_while_it_is_read_leaves_nothing_stored_and_can_be_read_again():
    class Unread(Exception):
        pass

    def batches():
        yield batch(orders=some_orders(100))
        raise Unread

    data_import = an_import()
    with pytest.raises(Unread):
        load(batches(), data_import, shop=Shop.current(), as_of=NOW)
    data_import.refresh_from_db()
    assert (data_import.state, Order.objects.count()) == (DataImport.State.REFUSED, 0)
    assert bring(batch(orders=some_orders(100)), data_import=data_import).rows_stored == 100


def test_nothing_is_left_of_an_import_but_its_reject_file():
    data_import = an_import()
    bring(batch(orders=some_orders(50), rejects=[Reject(3, "title", "is odd", "x")]), data_import=data_import)
    assert [path.name for path in path_of(data_import.token).parent.iterdir()] == ["rejects.csv"]
