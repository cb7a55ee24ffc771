"""Histories for the maths, from the readers that the settings name (segmentation must not know support)."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Min
from django.utils.module_loading import import_string

from accounts.models import Shop
from customers.models import Customer
from segmentation.maths.history import History

# Customers read at once: at 13 orders each about 1 GB at the peak, whatever the size of the shop.
CUSTOMERS_AT_ONCE = 200_000


def history_of(customer_pk: int, as_of: datetime, zone: ZoneInfo | None = None) -> History:
    """One customer's history, empty if there is no valid order; seven statements (and one for the shop's zone)."""
    return _read(as_of, zone or Shop.current().zone, customer_pk, customer_pk)


def histories(as_of: datetime, *, at_once: int = CUSTOMERS_AT_ONCE) -> Iterator[History]:
    """Everybody's histories in parts of about `at_once` customers; a part without buyers is left out."""
    ends = Customer.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    parts: list[tuple[int | None, int | None]] = [(None, None)]
    if ends["last"] - ends["first"] >= at_once:
        parts = [(first, first + at_once - 1) for first in range(ends["first"], ends["last"] + 1, at_once)]
    zone = Shop.current().zone
    for first, last in parts:
        history = _read(as_of, zone, first, last)
        if len(history):
            yield history


def _read(as_of: datetime, zone: ZoneInfo, first_pk: int | None, last_pk: int | None) -> History:
    purchases = import_string(settings.SEGMENTATION_HISTORIES["purchases"])(as_of, zone, first_pk=first_pk, last_pk=last_pk)
    tickets = import_string(settings.SEGMENTATION_HISTORIES["tickets"])(
        as_of, purchases.customer_ids, first_pk=first_pk, last_pk=last_pk
    )
    return History(
        customer_ids=purchases.customer_ids,
        account_day=purchases.account_day,
        orders=purchases.orders,
        lines=purchases.lines,
        products=purchases.products,
        refunds=purchases.refunds,
        tickets=tickets,
    )
