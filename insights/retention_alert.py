"""Whether somebody who opens this customer should be told at once, and the reason, which has to fit the numbers beside it."""

from dataclasses import dataclass

from customers.models import Customer
from insights.churn_risk import ChurnRisk
from predictions.retention import quoted

# A customer of a single order rarely comes back in any shop, and one who has been gone for longer than this will not be
# startled back: neither is news.
_LEAST_ORDERS = 2
_HORIZONS_TO_ACT_IN = 2
_LATE = 1.25


@dataclass(frozen=True)
class RetentionAlert:
    """A heading and the reason, in sentences without markup."""

    title: str
    text: str


def retention_alert(customer: Customer, risk: ChurnRisk, *, open_ticket: str = "") -> RetentionAlert | None:
    """The alert of a customer at critical lapse risk who has come more than once and may still be won; else None."""
    lapse = risk.lapse
    if lapse.level != "critical" or customer.order_count < _LEAST_ORDERS:
        return None
    if risk.recency_days > _HORIZONS_TO_ACT_IN * lapse.horizon_days:
        return None
    sentences = [_reason(risk)]
    if open_ticket:
        sentences.append(f"There is also an open ticket, {quoted(open_ticket)}.")
    return RetentionAlert(f"Retention alert: {customer.name} may not come back", " ".join(sentences))


def _reason(risk: ChurnRisk) -> str:
    lapse = risk.lapse
    if lapse.overdue_ratio >= _LATE:
        return (
            f"Usually buys every {_days(lapse.usual_gap_days)}, last purchase {_days(risk.recency_days)} ago. "
            f"That is {lapse.overdue_ratio:.1f} times the usual gap."
        )
    ago = "today" if risk.recency_days == 0 else f"{_days(risk.recency_days)} ago"
    if risk.engagement_trend == "declining":
        return (
            f"Not late yet (last purchase {ago}, usually every {_days(lapse.usual_gap_days)}), but buys less often than before."
        )
    return (
        f"Not late yet (last purchase {ago}, usually every {_days(lapse.usual_gap_days)}), "
        f"but few customers with such a history order again within {_days(lapse.horizon_days)}."
    )


def _days(count: int) -> str:
    return f"{count:,} day" if count == 1 else f"{count:,} days"
