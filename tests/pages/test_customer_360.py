"""Customer 360 in its states: with everything, without orders, before the first run, with a long history."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import numpy as np
import pytest
import time_machine
from django.test import Client

from predictions.models import ScoringRun
from segmentation.axes import AXES
from segmentation.models import Membership
from tests.factories import NOW, make_customer, make_order, make_prediction, make_product, make_ticket
from tests.pages.test_customer_list import NASTY
from tests.segments import publish

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(NOW, tick=False):
        yield


def words(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


def test_a_customer_with_orders_shows_all_thirteen_axes(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=5)
    publish(sarah)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert page.count('class="q-memb"') == 13
    assert "$250.00" in page
    assert "Purchase behavior, 8 axes" in page
    assert "Support and relationship, 5 axes" in page
    assert "100.00% of segmented customers" in page
    assert 'data-chart="radar"' in page
    assert "echarts.min.js" in page


def test_an_axis_without_a_clear_segment_is_blended_and_one_without_evidence_says_so(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=5)
    publish(sarah)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert page.count('class="q-axis blended"') == 1
    assert page.count('class="q-axis unknown"') == 2
    assert "No support tickets yet" in page
    assert "Too early to tell" in page


def lines_of(page: str) -> list[str]:
    """The page's text as a browser sets it: a line for each block, and in it single blanks."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>|<!--.*?-->", "", page, flags=re.DOTALL)
    text = re.sub(r"</?(?:span|b|a|abbr|time|strong|em|i)\b[^>]*>", "", text)
    return [" ".join(unescape(line).split()) for line in re.sub(r"<[^>]+>", "\0", text).split("\0")]


@pytest.mark.parametrize("orders", [0, 1, 5])
def test_no_text_of_the_page_has_a_blank_before_a_comma_or_a_sign_twice(visitor: Client, orders: int):
    sarah = make_customer("Sarah Whitcombe", orders=orders, customer_id="sarah", created_at=NOW - timedelta(days=900))
    if orders:
        publish(sarah, unknown=frozenset())
        make_prediction(sarah, lapse_risk_score=0.75)
        ScoringRun.objects.create(as_of=NOW, buyers=300, history_days=400)
        make_ticket(sarah, status="open", closed_at=None)
    page = lines_of(visitor.get("/customers/sarah/").content.decode())
    assert ("Price sensitivity Full-price buyer, blended 46%" in page) == (orders > 0)
    slips = r"\S [,;:!?.)](?!\d)|\( |[,;]{2}|(?<!\.)\.\.(?!\.)|\b1 (days|orders|items)\b"
    odd = [line for line in page if re.search(slips, line)]
    assert not odd, "\n".join(odd)


def test_what_rests_on_one_order_is_hatched_and_claims_no_habit(visitor: Client):
    rosa = make_customer("Rosa Valemere", orders=1)
    publish(rosa)
    page = words(visitor, f"/customers/{rosa.customer_id}/")
    assert page.count('class="q-axis thin"') + page.count('class="q-axis blended thin"') == 9
    assert "<b>Weekly shopper</b>" not in page
    assert 'title="told from 1 order">from one order only' in page
    assert 'title="told from 1 support ticket">from one ticket only' in page
    assert "No other segment comes near" not in page
    assert "From one order only, so not a habit yet." in page


def test_several_items_of_one_order_are_still_one_order(visitor: Client):
    rosa = make_customer("Rosa Valemere", orders=1)
    publish(rosa)
    Membership.objects.update(evidence=np.full(len(AXES), 7, dtype="<u2").tobytes())
    page = words(visitor, f"/customers/{rosa.customer_id}/")
    assert 'title="told from 7 items of known categories">from one order only' in page
    assert "7 support tickets</span>" in page


def test_what_rests_on_more_claims_it_in_bold(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=5)
    publish(sarah)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "<b>Weekly shopper</b>" in page
    assert "thin" not in re.findall(r'class="q-axis ?([\w ]*)"', page)
    assert "5 items</span>" in page
    assert "so not a habit yet" not in page


def test_the_radar_leaves_out_what_is_not_known_of_the_customer(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=5)
    publish(sarah)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    radar = json.loads(re.findall(r'<script id="radar" type="application/json">(.*?)</script>', page)[0])
    corners = [corner["name"] for corner in radar["option"]["radar"]["indicator"]]
    assert len(corners) == 11
    assert {"Cadence", "Channel"} & set(corners) == set()


def test_without_enough_to_compare_there_is_a_sentence_and_no_radar(visitor: Client):
    rosa = make_customer("Rosa Valemere", orders=1)
    publish(rosa)
    page = words(visitor, f"/customers/{rosa.customer_id}/")
    assert "0 of 13 axes rest on more than one order, item or ticket: too few to compare shapes." in page
    assert "data-chart" not in page
    assert "echarts" not in page


def test_before_the_first_purchase_nothing_is_guessed(visitor: Client):
    noah = make_customer("Noah Lind")
    publish(make_customer("Sarah Whitcombe", orders=1))
    page = words(visitor, f"/customers/{noah.customer_id}/")
    assert "Awaiting first purchase to analyze behavior" in page
    assert "No orders yet" in page
    assert "No tickets from this customer." in page
    assert "$0.00" not in page
    assert page.count('<span class="q-kpi-value">None</span>') == 3
    assert '<span class="q-kpi-value">400 days ago</span>' in page
    assert "echarts" not in page
    assert "data-chart" not in page


def test_before_the_first_segmentation_the_orders_are_there(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=2)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "Not segmented yet" in page
    assert page.count('q-strong">Order #') == 2


def test_a_late_customer_is_measured_by_the_own_rhythm(visitor: Client):
    vera = make_customer("Vera Vance")
    for back in (61, 85, 109, 133):
        make_order(vera, placed_at=NOW - timedelta(days=back))
    page = words(visitor, f"/customers/{vera.customer_id}/")
    assert "61 days ago" in page
    assert "37 days beyond the usual gap" in page
    assert "24 days" in page


def test_a_customer_of_a_file_of_old_orders_is_judged_as_of_its_last_day(visitor: Client):
    vera = make_customer("Vera Vance")
    for month in (8, 9, 10):
        make_order(vera, placed_at=datetime(2011, month, 9, 12, tzinfo=UTC))
    make_order(make_customer(), placed_at=datetime(2011, 12, 9, 12, tzinfo=UTC))
    page = words(visitor, f"/customers/{vera.customer_id}/")
    assert "61 days ago" in page
    assert "31 days beyond the usual gap" in page
    assert "Judged as of 9 December 2011, the last day with orders." in page


def test_a_customer_of_a_shop_that_sells_is_judged_as_of_today_and_no_day_is_named(visitor: Client):
    assert "Judged as of" not in words(visitor, f"/customers/{make_customer('Vera Vance', orders=2).customer_id}/")


@pytest.mark.parametrize(
    ("hours", "written"), [(1, "Today"), (13, "Yesterday"), (35, "Yesterday"), (37, "2 days ago"), (83, "3 days ago")]
)
def test_the_last_order_is_as_long_ago_as_the_calendar_says(visitor: Client, hours: int, written: str):
    sarah = make_customer("Sarah Whitcombe")
    make_order(sarah, placed_at=NOW - timedelta(hours=hours))
    assert f'<span class="q-kpi-value">{written}</span>' in words(visitor, f"/customers/{sarah.customer_id}/")


def test_the_tile_says_how_many_of_the_orders_below_do_not_count(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=3)
    address = f"/customers/{sarah.customer_id}/"
    assert "not counted" not in words(visitor, address)
    for reason in ("cancelled", "unpaid"):
        make_order(sarah, left_out=reason)
    page = words(visitor, address)
    assert "2 more not counted" in page
    assert "orders of one day are one purchase" in page


def test_an_agent_can_write_call_and_copy(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", email="sarah+shop@example.com", phone="+1 (555) 010-7788")
    make_order(sarah, tracking_numbers=["1Z999", "HH7"])
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert 'href="mailto:sarah%2Bshop@example.com">sarah+shop@example.com</a>' in page
    assert 'href="tel:+15550107788">+1 (555) 010-7788</a>' in page
    assert re.findall(r'data-copy="(\w+)"', page) == ["1Z999", "HH7"]


def test_a_telephone_number_without_digits_is_only_text(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", phone="ask the front desk")
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "tel:" not in page
    assert "ask the front desk" in page


def test_orders_that_do_not_count_say_why(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=1)
    make_order(sarah, left_out="cancelled", total=Decimal("99"))
    make_order(sarah, refunded=Decimal("12.50"))
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "not counted: cancelled" in page
    assert "$12.50 refunded" in page


def test_tickets_stand_beside_the_orders(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=1)
    make_ticket(sarah, subject="Thread dye lot question", satisfaction_score=5, reopened=True)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "Thread dye lot question" in page
    assert "rated 5 of 5" in page
    assert "opened again" in page


def test_a_customer_who_is_not_there_is_not_found(visitor: Client):
    response = visitor.get("/customers/nobody-at-all/")
    assert response.status_code == 404
    assert "There is no customer nobody-at-all." in response.content.decode()


def test_times_are_in_the_shops_zone(visitor: Client, shop):
    shop.time_zone = "Pacific/Auckland"
    shop.save()
    sarah = make_customer("Sarah Whitcombe")
    make_order(sarah, placed_at=NOW.replace(day=10, hour=20))
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "11 Nov 2026, 09:00 Pacific/Auckland" in page


def test_money_is_in_the_shops_currency(visitor: Client, shop):
    shop.currency = "GBP"
    shop.save()
    sarah = make_customer("Sarah Whitcombe", orders=1)
    assert "£50.00" in words(visitor, f"/customers/{sarah.customer_id}/")


def test_older_orders_are_added_eight_at_a_time_and_without_scripts_there_is_the_whole_list(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=20)
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "Show 8 earlier orders" in page
    assert f'href="/customers/{sarah.customer_id}/orders/"' in page
    part = words(visitor, f"/customers/{sarah.customer_id}/orders/?page=3&few=1", **HTMX, **{"HX-Target": "orders-more"})
    assert part.count("<li>") == 4
    assert "orders-more" not in part


def test_the_page_of_orders_says_whose_they_are_and_shows_twenty_five(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=27)
    address = f"/customers/{sarah.customer_id}/orders/"
    page = words(visitor, address)
    assert "<h1>Orders of Sarah Whitcombe</h1>" in page
    assert "1 to 25 of 27 orders" in page
    assert page.count('q-strong">Order #') == 25
    assert words(visitor, f"{address}?page=2&few=1").count('q-strong">Order #') == 2
    part = words(visitor, f"{address}?page=2", **HTMX, **{"HX-Target": "orders"})
    assert part.count('q-strong">Order #') == 2
    assert "Previous" in part
    assert "<html" not in part


@pytest.mark.parametrize("wanted", ["linen", "LINEN fat", "#L-1", "L-1"])
def test_orders_are_found_by_product_and_number(visitor: Client, wanted: str):
    sarah = make_customer("Sarah Whitcombe", orders=3)
    make_order(sarah, number="#L-1", lines=[(make_product("Harbour Linen fat quarter"), 3, "12.00")])
    address = f"/customers/{sarah.customer_id}/orders/"
    response = visitor.get(address, {"q": wanted}, headers=HTMX)
    part = " ".join(response.content.decode().split())
    assert re.findall(r"Order (#[\w-]+)", part) == ["#L-1"]
    assert "Harbour Linen fat quarter × 3" in part


def test_a_search_without_a_match_says_what_to_search_for(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=1)
    assert "No order of this customer matches “zzz”" in words(visitor, f"/customers/{sarah.customer_id}/orders/?q=zzz", **HTMX)


@pytest.mark.parametrize("nasty", NASTY)
def test_products_tags_and_subjects_are_only_text(visitor: Client, nasty: str):
    sarah = make_customer(first_name=nasty, last_name="", tags=[nasty], country=nasty[:60], orders=1)
    make_order(sarah, number=nasty, lines=[(make_product(nasty, category=nasty, vendor=nasty), 1, "5.00")])
    make_ticket(sarah, subject=nasty)
    publish(sarah, name=nasty[:60])
    page = words(visitor, f"/customers/{sarah.customer_id}/")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg/onload" not in page
    assert "laptop-only" not in page


@pytest.mark.parametrize(("orders", "tickets"), [(0, 0), (1, 1), (12, 14)])
def test_customer_360_costs_a_fixed_number_of_queries(
    visitor: Client, orders: int, tickets: int, django_assert_max_num_queries
):
    sarah = make_customer("Sarah Whitcombe", orders=orders)
    for _ in range(tickets):
        make_ticket(sarah, messages=0)
    publish(*([sarah] if orders else []))
    words(visitor, f"/customers/{sarah.customer_id}/")
    with django_assert_max_num_queries(18):
        words(visitor, f"/customers/{sarah.customer_id}/")


def test_nothing_is_inline(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=3)
    publish(sarah)
    for address in (
        "/customers/",
        f"/customers/{sarah.customer_id}/",
        "/archetypes/",
        "/archetypes/arch_88099600/",
        "/account/",
    ):
        page = words(visitor, address)
        assert not re.search(r"<[^>]+\sstyle=", page), address
        assert not re.search(r"<[^>]+\son[a-z]+=", page), address
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", page), address
