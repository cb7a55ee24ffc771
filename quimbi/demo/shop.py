"""The demo shop in the database: `seed` invents it, `remove` takes it away again."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, Max, Min, Model, OuterRef

from accounts.models import ApiKey, Shop
from customers.models import Customer, LineItem, Order, Product, Refund
from jobs.running import LeaseLost
from predictions.models import CustomerMonth, PredictionModel, RiskTally, ScoreSnapshot, ScoringRun
from quimbi.demo import MOST_CUSTOMERS, SOURCE, plan, writing
from quimbi.demo.almanac import TIME_ZONE
from quimbi.demo.rows import CURRENCY, Rows
from quimbi.demo.tables import Ledger
from segmentation.models import ActiveRun, Archetype, ArchetypeMonth, SegmentationRun, SegmentModel
from support.models import Ticket, TicketMessage

NAME = "Heddle & Hem"
_REMOVED_AT_ONCE = 1_000  # customers; a transaction stays short enough for other writers on SQLite

Progress = Callable[[float, str], None]


class DemoRefused(Exception):
    """The demo shop cannot be made or removed here; the message is one sentence for the person who asked."""


@dataclass(frozen=True)
class Counts:
    """What a demo shop holds; `buyers` have at least one order that counts."""

    customers: int
    buyers: int
    orders: int
    lines: int
    refunds: int
    tickets: int
    messages: int


def seed(customers: int, seed: int, as_of: datetime, progress: Progress | None = None, *, replace: bool = False) -> Counts:
    """Invent a shop of `customers` profiles whose history ends at the midnight UTC at or before `as_of`.

    The same three arguments give the same rows. The shop's name, currency and zone become the demo's. Blocks of customers are
    committed one by one; when something fails midway, what was written is removed again before the error goes on (but not when
    the job went to another worker, whose shop it is then).
    Cost on two cores: 5,000 profiles 5 s, 120,979 profiles (1.2 million orders) 2 min, 400 MB.

    Parameters
    ----------
    progress
        Called with the share done (0 to 1) and a note; may raise to stop.
    replace
        Remove an earlier demo shop first. A shop that is not a demo is never replaced.

    Raises
    ------
    DemoRefused
        If the shop holds customers or orders already, or the arguments make no shop.
    """
    if not 0 <= customers <= MOST_CUSTOMERS:
        raise DemoRefused(f"A demo shop has between 0 and {MOST_CUSTOMERS:,} customers; {customers:,} were asked for.")
    if seed < 0:
        raise DemoRefused("The seed of a demo shop is a whole number from 0 on.")
    is_demo = Shop.current().is_demo
    if Customer.objects.exists() or Order.objects.exists():
        if not is_demo:
            raise DemoRefused("This shop holds its own customers, so no demo is put beside them; use an empty database.")
        if not replace:
            raise DemoRefused("The demo shop is already here; add --replace to make it anew.")
    if is_demo:
        remove()
    _hang_out_the_sign()
    try:
        return _fill(customers, seed, as_of, progress or _silently)
    except LeaseLost:  # the rows are those of the attempt that has the job by now
        raise
    except BaseException:
        remove()
        raise


def remove(progress: Progress | None = None) -> int:
    """Delete every row that `seed` wrote, and what was computed from them; returns the number of customers removed.

    Rows from imports stay, and so does a demo customer who has imported orders. When nobody is left, segmentation runs go too
    and the shop's settings return to their defaults. Safe to run again after an interruption.

    Raises
    ------
    DemoRefused
        If this is not a demo shop.
    """
    if not Shop.current().is_demo:
        raise DemoRefused("This is not a demo shop, so nothing was removed.")
    report = progress or _silently
    demo = Customer.objects.filter(source=SOURCE)
    ends = demo.aggregate(first=Min("pk"), last=Max("pk"))
    removed = 0
    if ends["first"] is not None:
        for first in range(ends["first"], ends["last"] + 1, _REMOVED_AT_ONCE):
            removed += _remove_customers(first, min(first + _REMOVED_AT_ONCE - 1, ends["last"]))
            report((first - ends["first"]) / (ends["last"] - ends["first"] + 1), f"{removed:,} customers removed")
    with transaction.atomic():
        unsold = Product.objects.filter(~Exists(LineItem.objects.filter(product=OuterRef("pk"))))
        unsold.delete()
        if not Customer.objects.exists():
            _forget_what_was_made_of_them()
            unnamed = Shop()
            Shop.objects.filter(pk=1).update(**{name: getattr(unnamed, name) for name in _SIGN})
        Shop.objects.filter(pk=1).update(is_demo=False)
        # The first key was allowed all of them (`quimbi.first_login`); whoever comes next is real.
        ApiKey.objects.filter(customers_a_day=MOST_CUSTOMERS).update(customers_a_day=ApiKey.CUSTOMERS_A_DAY)
    return removed


_SIGN = {"name": NAME, "currency": CURRENCY, "time_zone": TIME_ZONE}


def _hang_out_the_sign() -> None:
    """Make the one shop the demo shop."""
    Shop.objects.update_or_create(pk=1, defaults={**_SIGN, "is_demo": True})


def _fill(customers: int, seed: int, as_of: datetime, report: Progress) -> Counts:
    dice = np.random.default_rng(seed)
    report(0.0, "Deciding who shops here")
    shop = plan.plan(customers, as_of, dice)
    rows = Rows(shop, Ledger(writing.next_keys(), writing.stamps, shop.calendar.as_of))
    writing.write([rows.products()])
    written: Counter[type[Model]] = Counter()
    for block in plan.blocks(shop, dice):
        tables = list(rows.of(block))
        writing.write(tables)
        written.update({table.model: len(table) for table in tables})
        report(0.05 + 0.9 * block.last / customers, f"{block.last:,} of {customers:,} customers")
    writing.reset_sequences()
    _learn_the_sizes()
    return Counts(
        customers=written[Customer],
        buyers=int((~shop.fails).sum()),
        orders=written[Order],
        lines=written[LineItem],
        refunds=written[Refund],
        tickets=written[Ticket],
        messages=written[TicketMessage],
    )


def _learn_the_sizes() -> None:
    """Let the database count its tables, so that the first pages are planned for the shop as it now is."""
    tables = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in writing.TABLES)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {tables}" if connection.vendor == "postgresql" else "PRAGMA optimize")


def _remove_customers(first: int, last: int) -> int:
    """Remove the demo's customers with keys from `first` to `last`; children first, by a statement a table."""
    with transaction.atomic():
        between = {"customer_id__gte": first, "customer_id__lte": last, "source": SOURCE}
        orders, tickets = Order.objects.filter(**between), Ticket.objects.filter(**between)
        TicketMessage.objects.filter(ticket__in=tickets.values("pk"))._raw_delete("default")
        tickets._raw_delete("default")
        Refund.objects.filter(**between)._raw_delete("default")
        LineItem.objects.filter(order__in=orders.order_by().values("pk"))._raw_delete("default")
        orders.order_by()._raw_delete("default")
        imported = Order.objects.filter(customer=OuterRef("pk"))
        gone = Customer.objects.filter(~Exists(imported), pk__range=(first, last), source=SOURCE)
        return gone.delete()[1].get("customers.Customer", 0)


def _forget_what_was_made_of_them() -> None:
    """Runs, scores and the record of an invented shop say nothing about the shop that comes next."""
    made: tuple[type[Model], ...] = (
        ActiveRun, ArchetypeMonth, SegmentationRun, SegmentModel, Archetype,
        ScoringRun, RiskTally, ScoreSnapshot, CustomerMonth, PredictionModel,
    )  # fmt: skip
    for model in made:
        model._default_manager.all().delete()


def _silently(share: float, note: str) -> None:
    """Progress for callers who do not watch."""
