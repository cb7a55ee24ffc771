"""The months to come as they are shown: month by month, by quarter and by year, with what they rest on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby


@dataclass(frozen=True)
class Assumptions:
    """What a month brings.

    `churn_rate` is of the active customers at its beginning, `return_rate` of the lapsed. `acquisition_rate` is newcomers per
    customer active *now*: a constant number (`newcomers_a_month`) that does not grow with the shop. It is 0 where nobody is
    active now. Where the pace follows the season, each is the mean over the months projected.
    """

    churn_rate: float
    acquisition_rate: float
    return_rate: float
    newcomers_a_month: float


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Time to come in whole customers: how many at its end, four of five times between `low` and `high`, and who came and went.

    `growth_rate` is None where there was nobody to grow from.
    """

    customers: int
    low: int
    high: int
    newcomers: int
    returns: int
    lapses: int
    growth_rate: float | None

    @property
    def new_customers(self) -> int:
        """Newcomers and returns."""
        return self.newcomers + self.returns


@dataclass(frozen=True, kw_only=True)
class ProjectedMonth(Stretch):
    """A month: ``customers = previous + newcomers + returns - lapses``, exactly."""

    month: date


@dataclass(frozen=True, kw_only=True)
class Period(Stretch):
    """A quarter or a year as far as it is projected: customers at the end of its last month, and the sums of its `months`."""

    label: str
    months: int


@dataclass(frozen=True)
class PastError:
    """How far off past projections typically (in the median) were, relative to what came: 0.02 is 2 %."""

    one_month: float
    longest: float
    longest_months: int


@dataclass(frozen=True)
class Projection:
    """The months to come, from `active` customers now; the reasons say where the assumptions and the range come from."""

    active: int
    rows: tuple[ProjectedMonth, ...]
    assumptions: Assumptions
    based_on_months: int
    past_error: PastError | None
    reason: str
    range_reason: str

    @property
    def by_quarter(self) -> tuple[Period, ...]:
        """By calendar quarter, "2026-Q4"; the first and the last may be partial."""
        return tuple(self._periods([f"{row.month.year}-Q{(row.month.month + 2) // 3}" for row in self.rows]))

    @property
    def by_year(self) -> tuple[Period, ...]:
        """By calendar year, "2026"; the first and the last may be partial."""
        return tuple(self._periods([f"{row.month.year}" for row in self.rows]))

    def _periods(self, labels: Sequence[str]) -> Iterator[Period]:
        before = self.active
        for label, pairs in groupby(zip(labels, self.rows, strict=True), key=lambda pair: pair[0]):
            rows = [row for _, row in pairs]
            end = rows[-1]
            yield Period(
                label=label,
                months=len(rows),
                customers=end.customers,
                low=end.low,
                high=end.high,
                newcomers=sum(row.newcomers for row in rows),
                returns=sum(row.returns for row in rows),
                lapses=sum(row.lapses for row in rows),
                growth_rate=growth_between(before, end.customers),
            )
            before = end.customers


def growth_between(before: int, after: int) -> float | None:
    """The rate of growth, None from nobody."""
    return after / before - 1 if before else None
