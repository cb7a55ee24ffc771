"""The invented shop: the same from the same seed, believable in its shares, and never somebody's real data."""

import hashlib
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max, Sum

from accounts.models import Shop
from customers import metrics
from customers.importing.validity import left_out_reason
from customers.models import Customer, LineItem, Order, Product, Refund
from jobs.running import LeaseLost
from quimbi.demo import plan, shop, showcase, writing
from quimbi.demo import temperaments as t
from quimbi.demo.baskets import FINANCIAL_STATUS
from quimbi.demo.catalogue import PRO, STARTER
from quimbi.demo.rows import Rows
from quimbi.demo.tables import Ledger
from support.models import Ticket, TicketMessage
from support.topics import topic_of

AS_OF = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def _tables(customers, seed, as_of=AS_OF):
    dice = np.random.default_rng(seed)
    invented = plan.plan(customers, as_of, dice)
    rows = Rows(invented, Ledger(dict.fromkeys(writing.TABLES, 1), writing.stamps, invented.calendar.as_of))
    yield rows.products()
    for block in plan.blocks(invented, dice):
        yield from rows.of(block)


def _digest(customers, seed, as_of=AS_OF):
    digest = hashlib.sha256()
    for table in _tables(customers, seed, as_of):
        digest.update(repr((table.model, table.columns)).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def whole():
    """4,000 profiles as arrays: the plan with its hidden temperaments, and all baskets in one."""
    dice = np.random.default_rng(11)
    invented = plan.plan(4_000, AS_OF, dice)
    blocks = list(plan.blocks(invented, dice))

    def joined(name):
        return np.concatenate([getattr(block.baskets, name) for block in blocks])

    return SimpleNamespace(
        plan=invented,
        temper=invented.temper.of(invented.orders.buyer),
        discounts=joined("discounts"),
        refunded=joined("refunded"),
        total=joined("total"),
        status=joined("status"),
        order=np.concatenate([block.baskets.order + block.first_order for block in blocks]),
        product=joined("product"),
        quantity=joined("quantity"),
        tickets=sum(len(block.tickets) for block in blocks),
    )


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop():
    assert _digest(300, 5) == _digest(300, 5)
    assert _digest(300, 5) == _digest(300, 5, MIDNIGHT), "any time of a day gives that day's shop"
    assert _digest(300, 5) != _digest(300, 6)
    assert _digest(300, 5) != _digest(300, 5, datetime(2026, 11, 22, tzinfo=UTC))


def test_a_share_of_profiles_has_no_orders_as_in_the_reference_shop(whole):
    buyers = int((~whole.plan.fails).sum())
    assert buyers == 4_000 - round(4_000 * 27_415 / 120_979)


def test_orders_per_buyer_have_a_heavy_tail(whole):
    orders = np.sort(np.bincount(whole.plan.orders.buyer))
    assert 11 <= orders.mean() <= 15.5
    assert 0.15 <= (orders == 1).mean() <= 0.35
    assert orders[-len(orders) // 10 :].sum() / orders.sum() > 0.4
    assert orders.max() > 150


def test_baskets_have_two_to_three_lines_and_tickets_come_with_every_sixth_order(whole):
    orders = len(whole.plan.orders)
    assert 2.1 <= len(whole.order) / orders <= 2.7
    assert 0.12 <= whole.tickets / orders <= 0.22


def test_weekend_and_payday_people_buy_on_their_days(whole):
    calendar, day = whole.plan.calendar, whole.plan.orders.day
    weekend = calendar.weekday[day] >= 5
    assert weekend[whole.temper.timing == t.WEEKEND].mean() > 0.7
    assert weekend[whole.temper.timing == t.ROUTINE].mean() < 0.2
    dates = (calendar.opening + day).astype("datetime64[D]")
    day_of_month = (dates - dates.astype("datetime64[M]")).astype(int) + 1
    payday = np.isin(day_of_month, [1, 2, 3, 15, 16, 17])
    assert payday[whole.temper.timing == t.PAYDAY].mean() > 0.65
    assert payday[whole.temper.timing == t.WEEKEND].mean() < 0.3


def test_orders_fall_on_the_local_day_that_was_meant(whole):
    zone = Shop(time_zone="America/Chicago").zone
    orders, opening = whole.plan.orders, whole.plan.calendar.opening
    for i in range(0, len(orders), 977):
        local = datetime.fromtimestamp(int(orders.placed_at[i]), zone)
        assert (local.date() - datetime(1970, 1, 1).date()).days == opening + orders.day[i]


def test_orders_come_at_any_second_of_a_waking_day(whole):
    orders, calendar = whole.plan.orders, whole.plan.calendar
    local = (orders.placed_at + calendar.utc_offset[orders.day]) % 86_400
    assert local.min() >= 6 * 3600
    assert np.bincount(local).max() < 12, "no second is used by more than chance"


def test_deal_hunters_wait_for_a_discount_and_full_price_buyers_do_not(whole):
    discounted = whole.discounts > 0
    assert discounted[whole.temper.price == t.DEALS].mean() > 0.6
    assert 0.15 < discounted[whole.temper.price == t.VALUE].mean() < 0.45
    assert discounted[whole.temper.price == t.FULL_PRICE].mean() < 0.08


def test_returners_send_back_and_others_keep(whole):
    refunded = whole.refunded > 0
    assert refunded[whole.temper.returns == t.RETURNER].mean() > 0.25
    assert refunded[whole.temper.returns == t.KEEPS].mean() < 0.02
    assert 0.03 < refunded.mean() < 0.09
    whole_share = (whole.refunded[refunded] >= whole.total[refunded]).mean()
    assert 0.12 < whole_share < 0.4, "some refunds are for the whole order, most for a part"


def test_knowledge_shows_in_the_level_of_what_is_bought(whole):
    level = whole.plan.goods.level[whole.product]
    knowledge = whole.temper.knowledge[whole.order]
    assert (level[knowledge == t.BEGINNER] == STARTER).mean() > 0.35
    assert (level[knowledge == t.PROFESSIONAL] == PRO).mean() > 0.4
    assert (level[knowledge == t.PROFESSIONAL] == STARTER).mean() < 0.03
    assert all("Pro " in whole.plan.goods.titles[i] for i in np.flatnonzero(whole.plan.goods.level == PRO))


def test_loyal_people_buy_the_same_again_and_studios_by_the_dozen(whole):
    buyer = whole.plan.orders.buyer[whole.order]
    loyalty = whole.temper.loyalty[whole.order]
    keys = buyer * 10_000 + whole.product
    _, first_seen = np.unique(keys, return_index=True)
    again = np.ones(len(keys), bool)
    again[first_seen] = False
    assert again[loyalty == t.SAME_AGAIN].mean() > again[loyalty == t.EXPLORER].mean() + 0.25
    basket = whole.temper.basket[whole.order]
    assert whole.quantity[basket == t.BULK].mean() > 3 * whole.quantity[basket == t.SINGLE].mean()


def test_autumn_and_december_are_busy_and_january_is_slow(whole):
    months = (whole.plan.calendar.opening + whole.plan.orders.day).astype("datetime64[D]").astype("datetime64[M]").astype(int)
    five_years = whole.plan.orders.day < 5 * 365
    by_month = np.bincount(months[five_years] % 12, minlength=12)
    assert by_month[[9, 10, 11]].min() > 1.3 * by_month[[0, 1]].max()


def test_people_leave_and_come_at_all_times(whole):
    last_day = np.zeros(len(whole.plan.temper), np.int64)
    np.maximum.at(last_day, whole.plan.orders.buyer, whole.plan.orders.day)
    silent = whole.plan.calendar.last_day - last_day
    assert (silent > 365).mean() > 0.3
    assert (silent <= 1).sum() > 10, "a shop made today has orders of today or yesterday"
    first_years = whole.plan.calendar.year(whole.plan.orders.day[np.diff(whole.plan.orders.buyer, prepend=-1) != 0])
    assert np.bincount(first_years, minlength=6).min() > 0.08 * len(whole.plan.temper)


def test_the_first_order_of_a_buyer_counts_and_every_state_occurs(whole):
    is_first = np.diff(whole.plan.orders.buyer, prepend=-1) != 0
    counts = ~whole.plan.fails[whole.plan.orders.buyer]
    states = {FINANCIAL_STATUS[i] for i in np.unique(whole.status[is_first & counts])}
    assert states <= {"paid", "partially_refunded"}
    assert {FINANCIAL_STATUS[i] for i in np.unique(whole.status)} == set(FINANCIAL_STATUS)


def test_addresses_belong_to_nobody():
    people = [table.columns for table in _tables(3_000, 3) if table.model is Customer]
    emails = [address for columns in people for address in columns["email"] if address]
    phones = [number for columns in people for number in columns["phone"] if number]
    assert len(emails) > 2_900
    assert len(phones) > 1_000
    assert len(set(emails)) == len(emails)
    assert len(set(phones)) == len(phones)
    assert all(re.fullmatch(r"[a-z.]+\d*@example\.(com|org|net)", address) for address in emails)
    assert all(re.fullmatch(r"\+1[2-9]\d\d55501\d\d", number) for number in phones)
    names = Counter(first for columns in people for first in columns["first_name"])
    assert len(names) > 150
    consents = Counter(consent for columns in people for consent in columns["email_consent"])
    assert set(consents) == {"subscribed", "unsubscribed", "pending", "unknown"}
    zones = {zone for columns in people for zone in columns["time_zone"]}
    assert len(zones) > 8


@pytest.fixture
def seeded(db):
    return shop.seed(150, 7, AS_OF)


def test_the_counts_are_those_of_the_tables_and_the_shop_has_its_sign(seeded):
    assert seeded.customers == Customer.objects.count() == 150
    assert seeded.buyers == Customer.objects.buyers().count()
    assert seeded.orders == Order.objects.count()
    assert seeded.lines == LineItem.objects.count()
    assert seeded.refunds == Refund.objects.count()
    assert seeded.tickets == Ticket.objects.count()
    assert seeded.messages == TicketMessage.objects.count()
    here = Shop.current()
    assert (here.name, here.currency, here.time_zone, here.is_demo) == ("Heddle & Hem", "USD", "America/Chicago", True)


def test_nothing_lies_at_or_after_the_clock(seeded):
    for model, columns in {
        Customer: ("created_at", "last_order_at"),
        Order: ("placed_at", "cancelled_at"),
        Refund: ("created_at",),
        Ticket: ("created_at", "closed_at"),
        TicketMessage: ("created_at",),
    }.items():
        for column in columns:
            assert model.objects.aggregate(last=Max(column))["last"] < MIDNIGHT, (model, column)


def test_the_rows_agree_with_what_an_import_would_have_counted(seeded):
    figures = ("pk", "order_count", "lifetime_value", "first_order_at", "last_order_at")
    before = list(Customer.objects.order_by("pk").values_list(*figures))
    metrics.refresh(as_of=AS_OF)
    assert list(Customer.objects.order_by("pk").values_list(*figures)) == before
    for order in Order.objects.annotate(goes_back=Sum("refunds__amount")):
        rule = left_out_reason(
            order.financial_status, order.cancelled_at, order.is_test, order.total, order.currency, Shop.current().currency
        )
        assert order.left_out == rule
        assert order.refunded == (order.goes_back or Decimal(0))


def test_every_order_adds_up_and_follows_its_profile(seeded):
    sums = defaultdict(lambda: (Decimal(0), Decimal(0)))
    for line in LineItem.objects.all():
        price, off = sums[line.order_id]
        sums[line.order_id] = (price + line.quantity * line.unit_price - line.discount, off + line.discount)
    for order in Order.objects.select_related("customer"):
        assert sums[order.pk] == (order.total, order.discounts)
        assert order.placed_at >= order.customer.created_at
        assert order.number == f"#{1001 + (int(order.order_id) - 5_400_000_000_000) // 1_021}"


def test_order_numbers_follow_time(seeded):
    numbers = [int(number[1:]) for number in Order.objects.order_by("placed_at", "pk").values_list("number", flat=True)]
    assert numbers == list(range(1001, 1001 + len(numbers)))


def test_tickets_have_their_messages_within_their_time(seeded):
    for ticket in Ticket.objects.prefetch_related("messages"):
        messages = list(ticket.messages.all())
        assert len(messages) == ticket.message_count >= 1
        assert messages[0].created_at == ticket.created_at
        assert not messages[0].from_agent
        assert ticket.closed_at is None or messages[-1].created_at <= ticket.closed_at
        assert "{" not in ticket.subject + "".join(message.body_text for message in messages)
    assert Ticket.objects.values("channel").distinct().count() >= 5
    assert Ticket.objects.values("topic").distinct().count() == 6


def test_a_ticket_is_about_what_an_import_would_have_read_from_it(seeded):
    for ticket in Ticket.objects.all():
        assert ticket.topic == topic_of(ticket.tags, ticket.subject)
    tagged = Ticket.objects.exclude(tags=[])
    assert 0.75 < tagged.count() / seeded.tickets < 0.95


def test_the_regular_is_late_and_the_newcomer_has_not_bought(seeded):
    regular = Customer.objects.matching("Odalys Fernwhistle").get()
    newcomer = Customer.objects.matching("okonmere").get()
    assert (regular.customer_id, newcomer.customer_id) == (showcase.REGULAR_ID, showcase.NEWCOMER_ID)
    assert regular.order_count >= 35
    assert 65 < (AS_OF - regular.last_order_at).days < 75
    assert regular.tickets.filter(closed_at=None).exists()
    assert regular.lifetime_value > 2_000
    assert (AS_OF - newcomer.created_at).days == 2
    assert newcomer.order_count == newcomer.orders.count() == newcomer.tickets.count() == 0


@pytest.mark.parametrize(("customers", "buyers"), [(0, 0), (1, 1), (2, 1), (3, 2)])
def test_the_smallest_shops_work(db, customers, buyers):
    counts = shop.seed(customers, 1, AS_OF)
    assert (counts.customers, counts.buyers) == (customers, buyers)
    assert Customer.objects.count() == customers
    assert shop.remove() == customers


def test_a_database_numbers_on_after_the_demo(seeded):
    assert Customer.objects.create(customer_id="next").pk > 150


def test_the_command_refuses_a_second_demo_unless_told_and_says_counts(db):
    out = StringIO()
    call_command("seed_demo", customers=20, seed=3, as_of="2026-11-01", stdout=out)
    assert re.search(r"customers +20\n", out.getvalue())
    with pytest.raises(CommandError, match="already here; add --replace"):
        call_command("seed_demo", customers=10, as_of="2026-11-01")
    call_command("seed_demo", customers=10, replace=True, as_of="2026-11-01", stdout=out)
    assert Customer.objects.count() == 10


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"customers": -1}, "between 0 and"),
        ({"customers": 3_000_000}, "between 0 and"),
        ({"seed": -1}, "whole number from 0"),
        ({"as_of": "11/23/26"}, "is not a date"),
        ({"as_of": "2999-01-01"}, "still to come"),
    ],
)
def test_what_makes_no_shop_is_refused_in_one_sentence(db, options, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("seed_demo", **options)
    assert not Customer.objects.exists()


def test_a_real_shop_is_never_replaced_nor_removed(db):
    Customer.objects.create(customer_id="real")
    with pytest.raises(CommandError, match="its own customers"):
        call_command("seed_demo", customers=5, replace=True)
    with pytest.raises(shop.DemoRefused, match="not a demo"):
        shop.remove()
    assert Customer.objects.count() == 1


def test_removing_leaves_nothing_of_the_demo_and_everything_else(seeded):
    mine = Customer.objects.create(customer_id="mine", source="generic")
    bought = Customer.objects.filter(source="demo", order_count__gt=0).first()
    placed_at = datetime(2026, 1, 5, tzinfo=UTC)
    Order.objects.create(order_id="mine-1", customer=bought, placed_at=placed_at, currency="USD", total=5, source="generic")
    assert shop.remove() == 149
    assert set(Customer.objects.values_list("pk", flat=True)) == {mine.pk, bought.pk}
    assert list(Order.objects.values_list("order_id", flat=True)) == ["mine-1"]
    for model in (LineItem, Refund, Ticket, TicketMessage, Product):
        assert not model.objects.exists()
    assert not Shop.current().is_demo


def test_removing_everything_gives_the_settings_back(seeded):
    assert shop.remove() == 150
    here = Shop.current()
    assert (here.name, here.time_zone, here.is_demo) == ("Your shop", "UTC", False)


def test_a_demo_that_is_stopped_midway_leaves_nothing_behind(db, monkeypatch):
    monkeypatch.setattr(plan, "_BLOCK", 40)

    class Stopped(Exception):
        pass

    def stop(share, note):
        if share > 0.5:
            assert Customer.objects.exists()
            raise Stopped

    with pytest.raises(Stopped):
        shop.seed(100, 1, AS_OF, stop)
    assert not Customer.objects.exists()
    assert not Product.objects.exists()
    assert not Shop.current().is_demo


def test_an_attempt_that_lost_its_lease_leaves_the_shop_to_the_one_that_has_it(db, monkeypatch):
    monkeypatch.setattr(plan, "_BLOCK", 40)

    def lose(share, note):
        if share > 0.5:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        shop.seed(100, 1, AS_OF, lose)
    assert Customer.objects.exists()
    assert Shop.current().is_demo
