import numpy as np
import pytest

from segmentation.maths.observing import observe
from segmentation.maths.priors import population_priors
from segmentation.maths.support_features import support_counts, support_features
from tests.segmentation.maths.invented_shop import AS_OF, small_history

TICKETS = [
    (0, "email", "technical", 3, 8.0),
    (0, "email", "how_to", 5, np.nan),
    (0, "phone", "price_match", 1, 2.0),
    (1, "sms", "other", 2, np.nan),
]


def test_tickets_are_counted_by_channel_and_topic():
    counts = support_counts(small_history([[(9, 1.0)], [(8, 1.0)]], tickets=TICKETS))
    assert counts["tickets"].tolist() == [3, 1]
    assert counts["messages"].tolist() == [9, 2]
    assert counts["email_tickets"].tolist() == [2, 0]
    assert counts["phone_tickets"].tolist() == [1, 0]
    assert counts["technical_tickets"].tolist() == [1, 0]
    assert counts["solved_tickets"].tolist() == [2, 0]


def test_names_may_come_as_plain_text_too():
    history = small_history([[(9, 1.0)], [(8, 1.0)]], tickets=TICKETS)
    history.tickets["channel"] = history.tickets["channel"].astype(str)
    assert support_counts(history)["email_tickets"].tolist() == [2, 0]


def test_resolution_is_a_geometric_mean_and_an_open_ticket_says_nothing_about_it():
    counts = observe(small_history([[(9, 1.0)], [(8, 1.0)]], tickets=TICKETS), AS_OF).counts
    priors = population_priors(counts)
    plain = support_features(counts, priors, strength=0)
    assert plain["resolution_hours"][0] == pytest.approx((9 * 3) ** 0.5 - 1)
    assert np.isnan(plain["resolution_hours"][1])
    assert support_features(counts, priors)["resolution_hours"][1] == pytest.approx((9 * 3) ** 0.5 - 1)


def test_no_tickets_at_all_are_neutral_and_finite():
    counts = observe(small_history([[(9, 1.0)]]), AS_OF).counts
    assert all(np.isfinite(column).all() for column in support_features(counts, population_priors(counts)).values())
