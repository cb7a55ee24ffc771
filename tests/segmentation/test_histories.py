from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from segmentation.histories import histories, history_of
from tests.factories import NOW, make_customer, make_order, make_product, make_refund, make_shop, make_ticket

pytestmark = pytest.mark.django_db


def everything():
    (history,) = histories(NOW)
    return history


def test_a_shop_without_orders_has_no_history():
    make_customer(orders=0)
    assert list(histories(NOW)) == []


def test_customers_without_a_valid_order_are_not_there():
    make_customer(orders=0)
    cancelled = make_customer()
    make_order(cancelled, left_out="cancelled")
    buyer = make_customer(orders=2)
    assert everything().customer_ids.tolist() == [buyer.pk]


def test_orders_come_sorted_by_customer_and_time_with_money_in_currency_units():
    sarah, vera = make_customer(), make_customer()
    late = make_order(vera, total=Decimal("12.34"), discounts=Decimal("1.06"))
    make_order(sarah, total=Decimal("99.99"))
    early = make_order(vera, total=Decimal("5.00"), placed_at=NOW - timedelta(days=50))
    orders = everything().orders
    assert orders["customer"].tolist() == [0, 1, 1]
    assert orders["value"].tolist() == [99.99, 5.0, 12.34]
    assert orders["discount"].tolist() == [0.0, 0.0, 1.06]
    assert orders["placed_at"].tolist()[1:] == [int(early.placed_at.timestamp()), int(late.placed_at.timestamp())]


def test_the_local_day_follows_the_shops_time_zone():
    make_shop(time_zone="America/Chicago")
    sarah = make_customer()
    make_order(sarah, placed_at=NOW.replace(hour=3))  # 21:00 the evening before in Chicago
    (day,) = everything().orders["local_day"].tolist()
    assert np.datetime64(day, "D") == np.datetime64("2026-11-18")


def test_lines_belong_to_their_orders_and_know_their_products():
    sarah = make_customer()
    thread, needle = make_product("Thread", sku="T-1"), make_product("Needle", category="Tools")
    make_order(sarah, lines=[(thread, 3, "4.50"), (needle, 1, "2.25")])
    make_order(sarah, left_out="test", lines=[(needle, 9, "9.00")])
    history = everything()
    assert history.lines["order"].tolist() == [0, 0]
    assert history.lines["quantity"].tolist() == [3, 1]
    assert history.lines["unit_price"].tolist() == [4.5, 2.25]
    sold = history.products.frame().iloc[history.lines["product"]]
    assert sold["identity"].tolist() == ["T-1", "Needle"]
    assert sold["category"].tolist() == ["Thread", "Tools"]


def test_a_refund_knows_its_order_a_whole_order_or_none():
    sarah = make_customer()
    kept = make_order(sarah)
    returned = make_order(sarah, left_out="refunded")
    cancelled = make_order(sarah, left_out="cancelled")
    make_refund(kept, amount="5.00")
    make_refund(returned, amount="50.00")
    make_refund(cancelled, amount="7.00")
    make_refund(customer=sarah, amount="3.00")
    refunds = everything().refunds.frame().sort_values("value").reset_index(drop=True)
    assert refunds["value"].tolist() == [3.0, 5.0, 50.0]
    assert refunds["order"].tolist() == [-1, 0, -1]
    assert refunds["whole_order"].tolist() == [False, False, True]


def test_rows_dated_after_the_clock_change_nothing():
    sarah = make_customer(orders=2)
    make_ticket(sarah)
    before = everything()
    later = NOW + timedelta(days=1)
    future = make_order(sarah, placed_at=later)
    make_refund(future, created_at=later)
    make_ticket(sarah, created_at=later)
    after = everything()
    for table in ("orders", "lines", "refunds", "tickets"):
        assert getattr(before, table).frame().equals(getattr(after, table).frame()), table


def test_a_ticket_closed_after_the_clock_is_still_open():
    sarah = make_customer(orders=1)
    make_ticket(sarah, created_at=NOW - timedelta(hours=5), closed_at=NOW + timedelta(hours=1), messages=1)
    make_ticket(sarah, created_at=NOW - timedelta(hours=9), closed_at=NOW - timedelta(hours=6), channel="phone", topic="how_to")
    tickets = everything().tickets.frame().sort_values("created_at")
    assert tickets["resolution_hours"].tolist()[0] == 3.0
    assert np.isnan(tickets["resolution_hours"].tolist()[1])
    assert tickets["channel"].tolist() == ["phone", "email"]
    assert tickets["topic"].tolist() == ["how_to", "other"]


def test_messages_are_counted_and_a_told_number_serves_where_none_are_held():
    sarah = make_customer(orders=1)
    make_ticket(sarah, messages=3, created_at=NOW - timedelta(days=3))
    make_ticket(sarah, messages=0, message_count=7, created_at=NOW - timedelta(days=2))
    make_ticket(sarah, messages=0, created_at=NOW - timedelta(days=1))
    assert everything().tickets.frame().sort_values("created_at")["messages"].tolist() == [3, 7, 1]


def test_the_account_is_as_old_as_the_profile_or_the_first_order():
    old_profile = make_customer(created_at=NOW - timedelta(days=100))
    unknown = make_customer(created_at=None)
    for customer in (old_profile, unknown):
        make_order(customer, placed_at=NOW - timedelta(days=40))
    today = (NOW.date() - NOW.date().replace(year=1970, month=1, day=1)).days
    assert (today - everything().account_day).tolist() == [100, 40]


def test_one_customers_history_is_his_part_of_everybodys(small_shop):
    history = everything()
    for position in (0, 7, len(history) - 1):
        pk = int(history.customer_ids[position])
        alone = history_of(pk, NOW)
        theirs = history.orders.frame()[history.orders["customer"] == position]
        assert alone.customer_ids.tolist() == [pk]
        assert alone.account_day.tolist() == [history.account_day[position]]
        assert alone.orders["value"].tolist() == theirs["value"].tolist()
        their_lines = history.lines.frame()[np.isin(history.lines["order"], theirs.index)]
        assert alone.lines["unit_price"].tolist() == their_lines["unit_price"].tolist()
        assert len(alone.tickets) == (history.tickets["customer"] == position).sum()
        assert len(alone.refunds) == (history.refunds["customer"] == position).sum()


def test_reading_in_parts_loses_nobody(small_shop):
    whole = everything()
    parts = list(histories(NOW, at_once=90))
    assert len(parts) > 3
    assert np.concatenate([part.customer_ids for part in parts]).tolist() == whole.customer_ids.tolist()
    assert sum(len(part.lines) for part in parts) == len(whole.lines)
    assert sum(part.refunds["value"].sum() for part in parts) == pytest.approx(whole.refunds["value"].sum())
