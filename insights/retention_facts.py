"""The facts that the rules of `predictions.retention` look at, as far as a customer's own row and prediction tell them."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import cast

from customers import formats
from customers.models import Consent, Customer
from insights.churn_risk import ChurnRisk
from predictions.retention import Facts, Level, OpenTicket, Tier


def light_facts(customer: Customer, risk: ChurnRisk, *, open_ticket: str = "") -> Facts:
    """What the customer's row and prediction tell; no query. Codes, products and returns are left at nothing."""
    return Facts(
        lapse_level=cast("Level", risk.lapse.level),
        lapse_score=risk.lapse.score,
        horizon_days=risk.lapse.horizon_days,
        recency_days=risk.recency_days,
        usual_gap_days=risk.lapse.usual_gap_days,
        overdue_ratio=risk.lapse.overdue_ratio,
        order_count=customer.order_count,
        tier=cast("Tier", risk.tier),
        trend=risk.trend,
        next_order_days=risk.lapse.in_days,
        open_ticket=OpenTicket(open_ticket) if open_ticket else None,
        has_email_consent=customer.email_consent == Consent.SUBSCRIBED,
        average_order_value=customer.lifetime_value / customer.order_count,
        expected_value_180d=risk.expected[180].value,
    )


def money_in(currency: str) -> Callable[[Decimal], str]:
    """Writes an amount in that currency."""
    return partial(formats.money, currency=currency)
