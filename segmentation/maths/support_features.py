"""Tickets -> one row of counts per customer -> the features of the support axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmentation.maths.counting import Column, how_many, total
from segmentation.maths.history import History
from segmentation.maths.priors import STRENGTH, Counts, Priors, ratio, shrunken_share

CHANNELS = ("email", "phone", "chat", "help_center")
TOPICS = ("technical", "how_to", "price_match")
TICKET_SHARES = (
    *("email_share", "phone_share", "chat_share", "help_center_share"),
    *("reopened_share", "technical_share", "how_to_share", "price_match_share"),
)


def support_counts(history: History) -> dict[str, Column]:
    """Count each customer's tickets by channel and topic, their messages and the hours until they were solved.

    Returns
    -------
    dict of float64 arrays of shape (n_customers,)
        An open ticket has no resolution time and counts for everything else.
    """
    n, tickets = len(history), history.tickets
    customer = np.asarray(tickets["customer"], dtype=np.int64)
    hours = np.asarray(tickets["resolution_hours"], dtype=np.float64)
    solved = np.isfinite(hours)

    def tickets_where(mask: NDArray[np.bool_]) -> Column:
        return how_many(customer[mask], n)

    counts: dict[str, Column] = {
        "tickets": how_many(customer, n),
        "messages": total(customer, np.maximum(np.asarray(tickets["messages"], dtype=np.float64), 0.0), n),
        "solved_tickets": tickets_where(solved),
        "log_resolution_hours": total(customer[solved], np.log1p(np.maximum(hours[solved], 0.0)), n),
        "reopened_tickets": tickets_where(np.asarray(tickets["reopened"], dtype=bool)),
    }
    for column, wanted in (("channel", CHANNELS), ("topic", TOPICS)):
        names = np.asarray(tickets[column])
        for name in wanted:
            counts[f"{name}_tickets"] = tickets_where(names == name)
    return counts


def support_features(counts: Counts, priors: Priors, strength: float = STRENGTH) -> dict[str, Column]:
    """Features from tickets; with `strength` 0 the customer's own plain numbers, NaN where there is nothing to tell.

    Resolution time is a geometric mean: one ticket that was forgotten over Christmas says little about the customer.
    """
    per_ticket = ratio(counts["messages"], counts["tickets"])
    log_hours = ratio(counts["log_resolution_hours"], counts["solved_tickets"])
    if strength > 0:
        per_ticket = np.nan_to_num(per_ticket, nan=0.0)
        log_hours = np.nan_to_num(log_hours, nan=priors["log_resolution_hours"])
    features = {name: shrunken_share(name, counts, priors, strength) for name in TICKET_SHARES}
    features |= {
        "tickets": counts["tickets"],
        "tickets_per_order": counts["tickets"] / np.maximum(counts["orders"], 1.0),
        "messages_per_ticket": per_ticket,
        "resolution_hours": np.expm1(log_hours),
    }
    return features
