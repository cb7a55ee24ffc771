"""Shares, and how little a customer with one order says about his: priors from the population, frozen with the model."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from segmentation.maths.counting import Column

Counts = Mapping[str, Column]
Priors = Mapping[str, float]

# Pseudo-observations at the population's share: 1 of 1 is weaker evidence than 20 of 20.
STRENGTH = 2.0


class Share(NamedTuple):
    """A feature that is one count over another; `neutral` stands where nobody in the shop has the denominator."""

    part: str
    whole: str
    neutral: float


SHARES: dict[str, Share] = {
    "category_variety": Share("varied_lines", "line_steps", 0.5),
    "top_category_share": Share("top_category_lines", "categorised_lines", 0.5),
    "discounted_order_share": Share("discounted_orders", "orders", 0.0),
    "discount_rate": Share("discount", "value_before_discount", 0.0),
    "discounted_spend_share": Share("discounted_value", "value", 0.0),
    "weekend_share": Share("weekend_occasions", "occasions", 2 / 7),
    "payday_share": Share("payday_occasions", "occasions", 0.28),
    "top_weekday_share": Share("top_weekday_occasions", "occasions", 0.4),
    "repeat_line_share": Share("repeat_lines", "later_lines", 0.25),
    "top_product_share": Share("top_product_lines", "lines", 0.2),
    "repurchase_90d_share": Share("short_gaps", "gaps", 0.5),
    "refunded_order_share": Share("refunded_orders", "orders_and_returned", 0.0),
    "refunded_value_share": Share("refunded_value", "value_and_returned", 0.0),
    "span_centroid": Share("later_span", "gaps", 0.5),
    "spend_centroid": Share("later_spend_span", "gaps", 0.5),
    "email_share": Share("email_tickets", "tickets", 0.5),
    "phone_share": Share("phone_tickets", "tickets", 0.1),
    "chat_share": Share("chat_tickets", "tickets", 0.2),
    "help_center_share": Share("help_center_tickets", "tickets", 0.1),
    "reopened_share": Share("reopened_tickets", "tickets", 0.0),
    "technical_share": Share("technical_tickets", "tickets", 0.0),
    "how_to_share": Share("how_to_tickets", "tickets", 0.0),
    "price_match_share": Share("price_match_tickets", "tickets", 0.0),
    "pro_line_share": Share("pro_lines", "levelled_knowledge_lines", 1 / 3),
    "starter_line_share": Share("starter_lines", "levelled_knowledge_lines", 1 / 3),
    "premium_line_share": Share("premium_lines", "levelled_value_lines", 1 / 3),
    "basic_line_share": Share("basic_lines", "levelled_value_lines", 1 / 3),
}
# Wholes that are money, not a number of things: the weight of the evidence is then the number of orders.
_MONEY = {"value_before_discount", "value", "value_and_returned"}


def population_priors(counts: Counts) -> dict[str, float]:
    """What the population as a whole does: each share, the middle gap, the repeat rate and the middle unevenness of gaps."""
    priors = {}
    for name, share in SHARES.items():
        whole = float(counts[share.whole].sum())
        priors[name] = min(max(float(counts[share.part].sum()) / whole, 0.0), 1.0) if whole > 0 else share.neutral

    repeaters = counts["gaps"] > 0
    gaps = counts["gaps"][repeaters]
    priors["mean_gap_days"] = float(np.median(counts["gap_days"][repeaters] / gaps)) if len(gaps) else 90.0
    months = float(counts["tenure_days"].sum()) / DAYS_IN_MONTH
    priors["orders_per_month"] = max(float(counts["gaps"].sum()) / months, 1e-3) if len(gaps) and months > 0 else 0.2
    steady = counts["gaps"] >= 3
    priors["gap_cv"] = float(np.median(variation(counts)[steady])) if steady.any() else 0.8
    solved = counts["solved_tickets"] > 0
    logs = counts["log_resolution_hours"][solved] / counts["solved_tickets"][solved]
    priors["log_resolution_hours"] = float(np.median(logs)) if len(logs) else float(np.log1p(12.0))
    return priors


DAYS_IN_MONTH = 365.25 / 12


def shrunken_share(name: str, counts: Counts, priors: Priors, strength: float = STRENGTH) -> Column:
    """A share, drawn towards the population's by `strength` pseudo-observations.

    With strength 0 it is the customer's own plain share, NaN where he has nothing to share out.
    """
    part, whole, _ = SHARES[name]
    plain = ratio(counts[part], counts[whole])
    if strength == 0:
        return np.clip(plain, 0.0, 1.0)
    weight = counts["orders"] if whole in _MONEY else counts[whole]
    own = np.where(np.isnan(plain), 0.0, np.clip(plain, 0.0, 1.0) * weight)
    shrunken: Column = (own + strength * priors[name]) / (np.where(np.isnan(plain), 0.0, weight) + strength)
    return shrunken


def ratio(part: Column, whole: Column) -> Column:
    """`part / whole`, NaN where `whole` is not above zero."""
    shares: Column = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares


def variation(counts: Counts) -> Column:
    """Standard deviation of the gaps over their mean; NaN below two gaps."""
    gaps = np.where(counts["gaps"] >= 2, counts["gaps"], np.nan)
    mean = counts["gap_days"] / gaps
    variance = np.maximum(counts["gap_days_squared"] / gaps - mean**2, 0.0) * gaps / (gaps - 1)
    unevenness: Column = np.sqrt(variance) / mean
    return unevenness
