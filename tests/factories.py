"""Plain makers of rows, with keyword overrides; each test says only what matters to it."""

import hashlib
import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Shop
from customers.metrics import refresh
from customers.models import Customer, LineItem, Order, Product, Refund
from predictions import standings
from predictions.models import Prediction, PredictionModel
from support.models import Ticket, TicketMessage

NOW = datetime(2026, 11, 19, 12, tzinfo=UTC)
_number = itertools.count(1000)


def make_shop(**fields: Any) -> Shop:
    """The shop, in US dollars and UTC unless told otherwise."""
    shop = Shop.current()
    for name, value in {"name": "Heddle & Hem", "currency": "USD", "time_zone": "UTC", **fields}.items():
        setattr(shop, name, value)
    shop.save()
    return shop


def make_customer(name: str = "Noah Lind", *, orders: int = 0, **fields: Any) -> Customer:
    """A customer with `orders` orders of 50.00, thirty days apart, the last ten days before `NOW`."""
    return make_customers([name], orders=orders, **fields)[0]


def make_customers(names: Iterable[str], *, orders: int = 0, **fields: Any) -> list[Customer]:
    """Customers like those of `make_customer`; their orders are stored and counted together."""
    customers = []
    for name in names:
        first, _, last = name.partition(" ")
        number = next(_number)
        described = {
            "customer_id": str(number),
            "first_name": first,
            "last_name": last,
            "email": f"{first.lower()}.{number}@example.com",
            "created_at": NOW - timedelta(days=400),
        }
        customers.append(Customer.objects.create(**{**described, **fields}))
    if orders and customers:
        _order(customers, orders)
        refresh([customer.pk for customer in customers], as_of=NOW)
        for customer in customers:
            customer.refresh_from_db()
    return customers


def _order(customers: list[Customer], orders: int) -> None:
    """The orders of new customers, in three statements, as `make_order` makes them."""
    product = make_product()
    placed = Order.objects.bulk_create(
        _order_of(customer, placed_at=NOW - timedelta(days=10 + 30 * back)) for customer in customers for back in range(orders)
    )
    LineItem.objects.bulk_create(
        LineItem(order=order, position=1, product=product, quantity=1, unit_price=order.total) for order in placed
    )


def make_product(title: str = "Rose cotton thread", **fields: Any) -> Product:
    """A product, found again by what describes it."""
    described = {"sku": "", "vendor": "Loomworks", "category": "Thread", "product_id": "", **fields}
    fingerprint = hashlib.md5(repr((title, sorted(described.items()))).encode(), usedforsecurity=False).digest()
    identity = described["product_id"] or described["sku"] or title
    return Product.objects.get_or_create(fingerprint=fingerprint, defaults={"title": title, "identity": identity, **described})[
        0
    ]


def make_order(
    customer: Customer | None,
    *,
    lines: list[tuple[Product, int, str]] | None = None,
    refresh_metrics: bool = True,
    **fields: Any,
) -> Order:
    """A paid order of 50.00 ten days before `NOW`, with one line unless `lines` (product, quantity, unit price) says more."""
    order = _order_of(customer, **fields)
    order.save(force_insert=True)
    for position, (product, quantity, price) in enumerate(lines or [(make_product(), 1, str(order.total))], start=1):
        LineItem.objects.create(order=order, position=position, product=product, quantity=quantity, unit_price=Decimal(price))
    if customer and refresh_metrics:
        refresh([customer.pk], as_of=NOW)
        customer.refresh_from_db()
    return order


def _order_of(customer: Customer | None, **fields: Any) -> Order:
    number = str(next(_number))
    described = {
        "order_id": number,
        "number": f"#{number}",
        "customer": customer,
        "placed_at": NOW - timedelta(days=10),
        "currency": "USD",
        "total": Decimal("50.00"),
        "financial_status": "paid",
        "fulfillment_status": "fulfilled",
    }
    return Order(**{**described, **fields})


def make_refund(
    order: Order | None = None, *, customer: Customer | None = None, amount: str = "10.00", **fields: Any
) -> Refund:
    """Money back for an order, or for a customer alone."""
    return Refund.objects.create(
        **{
            "refund_id": str(next(_number)),
            "order": order,
            "customer": customer or (order.customer if order else None),
            "created_at": order.placed_at if order else NOW - timedelta(days=5),
            "amount": Decimal(amount),
            **fields,
        }
    )


def make_ticket(customer: Customer | None, *, messages: int = 2, **fields: Any) -> Ticket:
    """A closed e-mail ticket of twenty days before `NOW`, messages an hour apart."""
    number = str(next(_number))
    opened = fields.get("created_at", NOW - timedelta(days=20))
    ticket = Ticket.objects.create(
        **{
            "ticket_id": number,
            "customer": customer,
            "channel": Ticket.Channel.EMAIL,
            "subject": "Where is my parcel?",
            "status": "closed",
            "created_at": opened,
            "closed_at": opened + timedelta(hours=6),
            **fields,
        }
    )
    TicketMessage.objects.bulk_create(
        TicketMessage(
            message_id=f"{number}-{i}",
            ticket=ticket,
            created_at=opened + timedelta(hours=i),
            from_agent=i % 2 == 1,
            body_text="Hello",
        )
        for i in range(messages)
    )
    return ticket


def make_prediction(customer: Customer, **fields: Any) -> Prediction:
    """A standard customer at medium lapse risk with 20.00 at risk, as of `NOW`; all predictions of a test are of one model."""
    model = PredictionModel.objects.first() or PredictionModel.objects.create(as_of=NOW, buyers=200, parameters={})
    values = {f"value_{days}d{end}": Decimal("50.00") for days in (90, 180, 365) for end in ("", "_low", "_high")}
    prediction = Prediction.objects.create(
        **{
            "customer": customer,
            "model": model,
            "as_of": NOW,
            "churn_risk_score": 0.8,
            "lapse_risk_score": 0.4,
            "lapse_horizon_days": 90,
            "usual_gap_days": 30.0,
            "overdue_ratio": 0.3,
            "next_order_in_days": 5,
            "next_order_in_days_at_most": 40,
            **{f"orders_{days}d": 1.0 for days in (30, 90, 180, 365)},
            **values,
            "value_at_risk": Decimal("20.00"),
            "tier": Prediction.Tier.STANDARD,
            "is_active": True,
            "lapsing_30d": 0.1,
            "lapsing_90d": 0.2,
            **fields,
        }
    )
    standings.refresh([customer.pk])
    return prediction
