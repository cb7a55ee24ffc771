"""Orders and refunds -> one row of counts per customer -> the features of the axes that look at them.

Counts are raw and belong to one customer each, so customers can be counted in parts and the parts be put together. Features
are made from counts and frozen priors. Several orders on one day are one *occasion* where rhythm is meant.
"""

import numpy as np
from numpy.typing import NDArray

from segmentation.maths.counting import Column, how_many, largest, total
from segmentation.maths.history import History
from segmentation.maths.priors import DAYS_IN_MONTH, STRENGTH, Counts, Priors, ratio, shrunken_share, variation

YEAR_DAYS, QUARTER_DAYS = 365, 90
# Around the turn of the month and in its middle: wages come on the last or first day, or on the 15th.
PAYDAYS = (1, 2, 3, 15, 16, 28, 29, 30, 31)
PLAIN_SHARES = (
    *("discounted_order_share", "discount_rate", "discounted_spend_share"),
    *("weekend_share", "payday_share", "top_weekday_share"),
    *("repurchase_90d_share", "refunded_order_share", "refunded_value_share", "span_centroid", "spend_centroid"),
)


def purchase_counts(history: History, today: int) -> dict[str, Column]:
    """Count each customer's orders, money, occasions, gaps and refunds.

    Parameters
    ----------
    history : History
        Orders sorted by customer and time.
    today : int
        The shop's local day, as days since 1970-01-01. Orders dated later count as of today.

    Returns
    -------
    dict of float64 arrays of shape (n_customers,)
        About 0.3 s for 1.2 million orders.
    """
    n = len(history)
    customer = np.asarray(history.orders["customer"])
    day = np.minimum(np.asarray(history.orders["local_day"]), today)
    value = _money(np.asarray(history.orders["value"]))
    discount = _discounts(history)

    orders = how_many(customer, n)
    starts = np.searchsorted(customer, np.arange(n))
    first_day, last_day = np.full(n, today, dtype=np.int64), np.full(n, today, dtype=np.int64)
    has_order = orders > 0
    first_day[has_order] = day[starts[has_order]]
    last_day[has_order] = day[(starts + orders.astype(np.int64) - 1)[has_order]]
    tenure = (today - first_day).astype(np.float64)

    discounted = discount > 0
    later = day > first_day[customer]
    offset = (day - first_day[customer]).astype(np.float64)
    spent = total(customer, value, n)
    later_value = total(customer[later], value[later], n)
    later_value_days = total(customer[later], (value * offset)[later], n)
    occasions = _occasions(customer, day, n, today)
    spend_centroid = np.where(later_value > 0, later_value_days / np.maximum(later_value * tenure, 1e-9), 0.5)
    this_year = day > today - YEAR_DAYS
    return {
        "orders": orders,
        "tenure_days": tenure,
        "recency_days": (today - last_day).astype(np.float64),
        "active_span_days": (last_day - first_day).astype(np.float64),
        "account_age_days": np.maximum(today - history.account_day.astype(np.float64), tenure),
        "value": spent,
        "max_value": largest(customer.astype(np.int64), value, n),
        "discount": total(customer, discount, n),
        "value_before_discount": total(customer, value + discount, n),
        "discounted_orders": how_many(customer[discounted], n),
        "discounted_value": total(customer[discounted], value[discounted], n),
        "orders_365d": how_many(customer[this_year], n),
        "spend_365d": total(customer[this_year], value[this_year], n),
        **occasions,
        "later_span": occasions["later_days"] / np.maximum(tenure, 1.0),
        "later_spend_span": spend_centroid * occasions["gaps"],
        **_refunds(history, orders, spent),
    }


def purchase_features(counts: Counts, priors: Priors, strength: float = STRENGTH) -> dict[str, Column]:
    """Features from orders; with `strength` 0 the customer's own plain numbers, NaN where there is nothing to tell.

    A gap that is not over yet counts as one: who bought once, two years ago, is a rare buyer, not an average one.
    """
    gaps, orders = counts["gaps"], counts["orders"]
    shrink = strength / 2  # gaps say more than coin tosses: one pseudo-observation for the two of a share
    own_gap = ratio(counts["gap_days"], gaps)
    months = counts["tenure_days"] / DAYS_IN_MONTH
    value = np.maximum(counts["value"] - counts["refunded_from_orders"], 0.0)
    if strength == 0:
        mean_gap, rate = own_gap, ratio(gaps, months)
        gap_cv, slope = variation(counts), np.where(gaps >= 2, counts["gap_change"], np.nan)
        expected = gaps * np.minimum(QUARTER_DAYS, counts["tenure_days"]) / np.maximum(counts["tenure_days"], 1.0)
        recent = ratio(counts["later_occasions_90d"], expected)
    else:
        open_gap = np.maximum(priors["mean_gap_days"], counts["recency_days"])
        logs = gaps * np.log(np.where(gaps > 0, own_gap, 1.0)) + shrink * np.log(np.maximum(open_gap, 1.0))
        mean_gap = np.exp(logs / (gaps + shrink))
        rate = (gaps + shrink) / (months + shrink / priors["orders_per_month"])
        known = np.where(gaps >= 2, gaps - 1, 0.0)
        square = np.where(gaps >= 2, np.nan_to_num(variation(counts)) ** 2, 0.0)
        gap_cv = np.sqrt((known * square + strength * priors["gap_cv"] ** 2) / (known + strength))
        slope = counts["gap_change"] * gaps / (gaps + strength)
        expected = gaps * np.minimum(QUARTER_DAYS, counts["tenure_days"]) / np.maximum(counts["tenure_days"], 1.0)
        recent = (counts["later_occasions_90d"] + shrink) / (expected + shrink)
    features = {name: shrunken_share(name, counts, priors, strength) for name in PLAIN_SHARES}
    features |= {
        "mean_gap_days": mean_gap,
        "orders_per_month": rate,
        "total_orders": orders,
        "orders_365d": counts["orders_365d"],
        "recency_days": counts["recency_days"],
        "avg_order_value": value / np.maximum(orders, 1.0),
        "max_order_value": counts["max_value"],
        "lifetime_value": value,
        "spend_365d": counts["spend_365d"],
        "gap_cv": gap_cv,
        "tenure_days": counts["tenure_days"],
        "account_age_days": counts["account_age_days"],
        "active_span_days": counts["active_span_days"],
        "repeat_orders": np.maximum(orders - 1, 0.0),
        "refund_count": counts["refunds"],
        "rate_90d_ratio": recent,
        "gap_slope": slope,
    }
    return features


def _occasions(customer: NDArray[np.integer], day: NDArray[np.integer], n: int, today: int) -> dict[str, Column]:
    """Days with an order, the gaps between them, and how the gaps change from the first to the last."""
    is_first = np.ones(len(customer), dtype=bool)
    is_first[1:] = customer[1:] != customer[:-1]
    is_new_day = is_first.copy()
    is_new_day[1:] |= day[1:] != day[:-1]
    who, when, is_first = customer[is_new_day], day[is_new_day].astype(np.int64), is_first[is_new_day]

    occasions = how_many(who, n)
    weekday = (when + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    by_weekday = np.bincount(who.astype(np.int64) * 7 + weekday, minlength=7 * n).reshape(n, 7)
    dates = when.astype("datetime64[D]")
    month_day = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    on_payday = np.isin(np.arange(32), PAYDAYS)[month_day]

    follows = ~is_first
    after = who[follows]
    gap = (when[1:] - when[:-1])[follows[1:]].astype(np.float64)
    gaps = np.maximum(occasions - 1, 0.0)
    # The slope of log gap over its number, times the number of steps: how much the gaps changed from first to last.
    number = np.arange(len(after)) - (np.cumsum(gaps) - gaps)[after]
    tilt = total(after, (number - (gaps[after] - 1) / 2) * np.log1p(gap), n)
    spread = gaps * (gaps**2 - 1) / 12
    first = np.zeros(n, dtype=np.int64)
    first[who[is_first]] = when[is_first]
    return {
        "occasions": occasions,
        "weekend_occasions": by_weekday[:, 5:].sum(axis=1).astype(np.float64),
        "top_weekday_occasions": by_weekday.max(axis=1).astype(np.float64),
        "payday_occasions": total(who, on_payday, n),
        "gaps": gaps,
        "gap_days": total(after, gap, n),
        "gap_days_squared": total(after, gap**2, n),
        "short_gaps": how_many(after[gap <= QUARTER_DAYS], n),
        "gap_change": tilt * np.maximum(gaps - 1, 0.0) / np.maximum(spread, 0.5),
        "later_days": total(after, when[follows] - first[after], n),
        "later_occasions_90d": how_many(after[when[follows] > today - QUARTER_DAYS], n),
    }


def _refunds(history: History, orders: Column, value: Column) -> dict[str, Column]:
    """Refunds of parts of orders, and of whole orders (which are not among the orders any more)."""
    n = len(history)
    who = np.asarray(history.refunds["customer"])
    order = np.asarray(history.refunds["order"])
    whole = np.asarray(history.refunds["whole_order"], dtype=bool)
    money = _money(np.asarray(history.refunds["value"]))
    is_in_part = np.zeros(len(history.orders), dtype=bool)
    is_in_part[order[~whole & (order >= 0)]] = True
    in_part = how_many(np.asarray(history.orders["customer"])[is_in_part], n)
    # A source may tell who returned something but not from which order: each such return counts as one order's, at most all.
    in_part = np.minimum(in_part + how_many(who[~whole & (order < 0)], n), orders)
    returned = how_many(who[whole], n)
    refunded_from_orders = total(who[~whole], money[~whole], n)
    return {
        "refunds": how_many(who, n),
        "refunded_orders": in_part + returned,
        "orders_and_returned": orders + returned,
        "refunded_from_orders": refunded_from_orders,
        "refunded_value": np.minimum(refunded_from_orders, value) + total(who[whole], money[whole], n),
        "value_and_returned": value + total(who[whole], money[whole], n),
    }


def _discounts(history: History) -> Column:
    """Each order's discount: its own, or that of its lines where they know of more."""
    own = _money(np.asarray(history.orders["discount"]))
    if len(history.lines) == 0:
        return own
    of_lines = _money(np.asarray(history.lines["discount"]))
    return np.maximum(own, np.bincount(np.asarray(history.lines["order"]), of_lines, minlength=len(own)))


def _money(amounts: NDArray[np.generic]) -> Column:
    """Amounts as float64; what is not a number, or below zero, is nothing."""
    plain = amounts.astype(np.float64)
    return np.where(np.isfinite(plain) & (plain > 0), plain, 0.0)
