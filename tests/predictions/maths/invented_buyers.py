"""A shop of which the truth is known: buyers with a rate of their own who drop out unseen."""

import numpy as np

from predictions.maths.occasions import Occasions

TODAY = 1_500


def invented(customers=2_500, *, seed=0, today=TODAY, more_after=False):
    """Rates gamma (shape 1, mean a purchase in 40 days), a tenth drop out after each purchase; they join over three years."""
    rng = np.random.default_rng(seed)
    joined = rng.integers(0, 1_200, customers)
    rate = rng.gamma(1.0, 1 / 40, customers) + 1e-4
    drop = rng.beta(1.0, 9.0, customers)
    last = today + (200 if more_after else 0)
    customer, day, value = [], [], []
    for n in range(customers):
        at = float(joined[n])
        worth = rng.gamma(4.0, 8.0)
        while at <= last:
            if at <= today or more_after:
                customer.append(n + 1)
                day.append(int(at))
                value.append(round(worth * rng.uniform(0.6, 1.4), 2))
            if rng.random() < drop[n]:
                break
            at += 1 + rng.exponential(1 / rate[n])
    return Occasions.of_orders(np.array(customer), np.array(day), np.array(value))
