"""How a score is told: to four places in answers, in whole percent on pages, and never as more than it is."""

from math import ceil, floor, nextafter

from customers import formats
from customers.figures import STEPS, share
from predictions.maths.lapse import LEVELS, level

# A score that is below one of these is told below it: 0.69996 is high, and what is not certain is not 1.
_EDGES = frozenset({1.0, *(edge for _, edge in LEVELS if edge)})
_STEP = 1 / STEPS


def shown_score(score: float) -> float:
    """A probability to four places: 0.1178. Rounding lifts it neither over the edge of its level nor to 0 or 1."""
    told = share(score)
    if told in _EDGES and score < told:
        return share(told - _STEP)
    return _STEP if told == 0 < score else told


def shown_percent(score: float) -> int:
    """A score in whole percent, within its level: 0.697 is high, and 69."""
    told = shown_score(score)
    rounded = round(100 * told)
    return rounded if level(rounded / 100) == level(told) else floor(100 * told)


def percent_words(score: float) -> str:
    """The same as it is written: "74%", "69%", "<1%", ">99%"."""
    told = shown_score(score)
    return formats.percent(told if level(round(told, 2)) == level(told) else shown_percent(told) / 100)


def least_shown_as(least: float) -> float:
    """The least score that is told as `least` or more: 0.77995 for 0.78, but 0.7 for 0.7, the edge of a level."""
    steps = ceil(round(least * STEPS, 6))
    told = steps / STEPS
    if steps <= 1:
        return nextafter(0.0, 1.0) if steps == 1 else 0.0
    if told in _EDGES:
        return told
    score = told - _STEP / 2
    while shown_score(score) < told:
        score = nextafter(score, 1.0)
    while shown_score(before := nextafter(score, 0.0)) >= told:
        score = before
    return score


def beyond_shown_as(most: float) -> float | None:
    """The least score that is told as more than `most`, None where none is."""
    return least_shown_as(floor(round(most * STEPS, 6) + 1) / STEPS) if most < 1 else None
