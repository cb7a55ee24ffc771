"""Looks back: what was known on days of the past, and what then happened. Models learn from these and are judged on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictions.maths.buy_till_you_die import Dropout, fit_dropout, probability_of_none
from predictions.maths.churn_features import RAW, Rhythm, features_of, none_within, population_gap, raw, rhythm
from predictions.maths.occasions import Occasions

STEP_DAYS = 30
LEAST_HISTORY_DAYS = 60
LEAST_CUSTOMERS = 100
MOST_FITTED = 25_000
"""Customers that a model of ordering is fitted on: its four parameters do not move beyond that."""


@dataclass(frozen=True, eq=False)
class Window:
    """The customers known on one day, with the model of ordering as it was fitted on what was known then."""

    occasions: Occasions
    known: Rhythm
    dropout: Dropout
    _told: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    _features: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    _log_odds: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.known)

    @property
    def day(self) -> int:
        """The last day that is known."""
        return self.known.day

    @classmethod
    def of_told(cls, told: Mapping[int, NDArray[np.float64]], dropout: Dropout) -> "Window":
        """Of customers of whom only rows of `churn_features.raw` are told, by days ahead; they need not be anybody's.

        It answers what a model asks; of what they bought and of the outcome it knows nothing.
        """
        table = next(iter(told.values()))
        of = dict(zip(RAW, table.T, strict=True))
        known = Rhythm(
            day=0,
            place=np.arange(len(table)),
            repeats=of["repeats"],
            last=of["active_span_days"],
            age=of["recency_days"] + of["active_span_days"],
            spent=of["average_value"] * (of["repeats"] + 1.0),
            gap_days=of["usual_gap_days"],
        )
        nothing = np.empty(0, np.int64)
        return cls(Occasions.of_orders(nothing, nothing, np.empty(0)), known, dropout, told)

    def raw(self, days: int) -> NDArray[np.float64]:
        """Rows of `churn_features.raw`, as told or as read off the occasions; not kept."""
        return self._told[days] if days in self._told else raw(self.occasions, self.known, days)

    def features(self, days: int) -> NDArray[np.float32]:
        """Rows of `churn_features.features`, with the model's own answers as two more columns."""
        if days not in self._features:
            plain = features_of(self.raw(days))
            own = np.stack([self.log_odds_of_none(days), self.log_odds_of_none(STEP_DAYS)], axis=1)
            self._features[days] = np.concatenate([plain, own.astype(np.float32)], axis=1)
        return self._features[days]

    def log_odds_of_none(self, days: int) -> NDArray[np.float64]:
        """What the model of ordering alone says of no purchase in the next `days` days; shape (n,)."""
        if days not in self._log_odds:
            known = self.known
            none = probability_of_none(self.dropout, known.repeats, known.last, known.age, float(days))
            self._log_odds[days] = log_odds(none)
        return self._log_odds[days]

    def outcome(self, days: int) -> NDArray[np.bool_]:
        """Whether each customer bought nothing in the `days` days that followed."""
        return none_within(self.occasions, self.known, days)


class Past:
    """The windows of one shop up to `today`, made when asked for and kept; `occasions` may be those of a sample.

    A window, and what models that learned before it say of it, know nothing of `today`: `looks` keeps the latter by window,
    horizon and models, and both are shared with the same past as it was on an earlier day (`as_of`).
    """

    def __init__(self, occasions: Occasions, today: int, *, seed: int = 0) -> None:
        self.occasions, self.today, self.seed = occasions, today, seed
        self.looks: dict[tuple[int, int, tuple[str, ...]], Any] = {}
        self._windows: dict[int, Window | None] = {}

    def as_of(self, day: int) -> "Past":
        """The same past on an earlier day. The occasions after it are still there, and no window before it looks at them."""
        earlier = Past(self.occasions, day, seed=self.seed)
        earlier.looks, earlier._windows = self.looks, self._windows
        return earlier

    def window(self, day: int) -> Window | None:
        """What was known at the end of `day`; None with too little before it."""
        if day not in self._windows:
            self._windows[day] = self._look(day)
        return self._windows[day]

    def before(self, day: int, days: int, most: int) -> list[Window]:
        """Up to `most` windows whose `days` days had passed by `day`, the newest first, 30 days apart."""
        found: list[Window] = []
        for number in range(most):
            window = self.window(day - days - STEP_DAYS * number)
            if window is None:
                break
            found.append(window)
        return found

    @cached_property
    def present(self) -> Window | None:
        """What is known today."""
        return self.window(self.today)

    def _look(self, day: int) -> Window | None:
        if not len(self.occasions) or day - self.occasions.first_day < LEAST_HISTORY_DAYS:
            return None
        known = rhythm(self.occasions, day, population_gap(self.occasions, day))
        if len(known) < LEAST_CUSTOMERS:
            return None
        return Window(self.occasions, known, fit_on_some(known, self.seed))


def fit_on_some(known: Rhythm, seed: int) -> Dropout:
    """The model of ordering, fitted on at most `MOST_FITTED` of the customers."""
    some = np.arange(len(known))
    if len(known) > MOST_FITTED:
        some = np.sort(np.random.default_rng([seed, known.day]).choice(some, MOST_FITTED, replace=False))
    return fit_dropout(known.repeats[some], known.last[some], known.age[some])


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)), with p kept a millionth from 0 and 1."""
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(clipped) - np.log1p(-clipped)
