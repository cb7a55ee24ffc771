"""Whether customers come more or less often than they used to, each against himself."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from predictions.maths.churn_features import YEAR, Rhythm
from predictions.maths.occasions import Occasions

LEAST_PURCHASES = 4
GAPS_COMPARED = 3
SHORTEST_DAYS, LONGEST_DAYS = 60, YEAR
LEAST_DIFFERENCE = 2
# As likely as this by chance alone, in the middle of ties. A word on a page, not a finding: five to one is sure enough.
MOST_CHANCE = 0.2
LATE_AFTER_GAPS = 2


def trend(occasions: Occasions, known: Rhythm) -> NDArray[np.int8]:
    """1 for customers who come more often lately, -1 for less often, 0 where neither is plain.

    The last days, as many as three usual gaps but 60 to 365, are compared with as many before them. If nothing had changed,
    each purchase would fall into either half by the toss of a coin; the mid-p probability of so uneven a split must be at most
    a fifth, and the halves must differ by two purchases. Somebody who has not come in more than two usual gaps is never on the
    rise, and there is no word on fewer than four purchases or on a customer who came first within the two halves.

    Parameters
    ----------
    occasions : Occasions
        Of everybody; what is after `known.day` is not looked at.
    known : Rhythm
        n customers.

    Returns
    -------
    array of shape (n,)
        About 0.02 s for 94,000 customers with 1.2 million occasions.
    """
    trends = np.zeros(len(known), dtype=np.int8)
    length = np.clip(np.rint(GAPS_COMPARED * known.gap_days), SHORTEST_DAYS, LONGEST_DAYS).astype(np.int64)
    judged = np.flatnonzero((known.repeats + 1 >= LEAST_PURCHASES) & (known.age >= 2 * length))
    if not len(judged):
        return trends
    place, length = known.place[judged], length[judged]
    middle = occasions.counts_at(known.day - length, place)
    lately = known.repeats[judged].astype(np.int64) + 1 - middle
    before = middle - occasions.counts_at(known.day - 2 * length, place)

    plain = np.flatnonzero(np.abs(lately - before) >= LEAST_DIFFERENCE)
    fewer = _chance_of_fewer(lately[plain], before[plain])
    waits = known.recency_days[judged][plain] > LATE_AFTER_GAPS * known.gap_days[judged][plain]
    trends[judged[plain[fewer <= MOST_CHANCE]]] = -1
    trends[judged[plain[(fewer >= 1 - MOST_CHANCE) & ~waits]]] = 1
    return trends


def _chance_of_fewer(lately: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability of fewer heads than `lately` among as many tosses as both together; just as many count half."""
    tosses = lately + before
    less = np.where(lately > 0, bdtr(np.maximum(lately - 1, 0), tosses, 0.5), 0.0)
    chance: NDArray[np.float64] = (less + bdtr(lately, tosses, 0.5)) / 2
    return chance
