"""The proof of a version: how its models did on the shop's last windows, which they had to predict from what was known then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import Any

from predictions.judged import Judged
from predictions.maths import lapse
from predictions.maths.days import date_of
from predictions.maths.judging import Outcome

KINDS = {
    "ordering": "Ordering alone (MBG/NBD)",
    "rhythm": "Regression on rhythm",
    "blend": "Boosted trees and regression",
}
SHIFTS = {
    "none": "none",
    "latest": "to the level of the latest window",
    "season": "to the latest window and last year's change",
}
Choices = Mapping[int, dict[str, Any]]
"""The models that were chosen as a version stores them, by horizon in days."""


@dataclass(frozen=True)
class HorizonModel:
    """The model of one horizon: which, how corrected, why, and how it did on windows that it had not seen.

    `better_by` is the share by which it was closer to what happened (log loss) than the model of ordering alone; model and
    correction were chosen on the same windows, which flatters them a little. `judged`, `area` and what belongs to it are None
    where no window of the past could be tested. `fell_back` where a larger model was wanted and its fit did not come to rest.
    """

    days: int
    kind: str
    shift: str
    reason: str
    windows: int
    tested: tuple[date, ...]
    judged: Judged | None
    better_by: float | None
    area: float | None
    ordering_area: float | None
    fell_back: bool

    @property
    def kind_words(self) -> str:
        """Which model."""
        return KINDS.get(self.kind, self.kind)

    @property
    def shift_words(self) -> str:
        """How corrected."""
        return SHIFTS.get(self.shift, self.shift)


def model_of(days: int, choice: dict[str, Any]) -> HorizonModel:
    """The model of a horizon."""
    evidence = choice["evidence"]
    judged = Judged.of(Outcome.from_json(evidence["everybody"])) if evidence else None
    better_by = None
    if judged is not None and judged.log_loss is not None and evidence["ordering_loss"]:
        better_by = 1.0 - judged.log_loss / evidence["ordering_loss"]
    return HorizonModel(
        days=days,
        kind=choice["kind"],
        shift=choice["shift"],
        reason=choice["reason"],
        windows=len(choice["windows"]),
        tested=tuple(date_of(day) for day in evidence["days"]) if evidence else (),
        judged=judged,
        better_by=better_by,
        area=evidence["area"] if evidence else None,
        ordering_area=evidence["ordering_area"] if evidence else None,
        fell_back=choice["fell_back"],
    )


def evidence_of(choices: Choices, which: str) -> Judged | None:
    """Lapse risk in the tests: of each horizon the customers whose own it is, together."""
    parts = [
        Outcome.from_json(choice["evidence"][which])
        for days, choice in choices.items()
        if days in lapse.HORIZONS and choice["evidence"]
    ]
    together = reduce(add, parts) if parts else Outcome()
    return Judged.of(together) if together.customers else None


def revenue_errors(came_over_expected: Sequence[float]) -> tuple[float, ...]:
    """What was expected over what came, less one: above zero where too much was promised."""
    return tuple(1.0 / (1.0 + error) - 1.0 for error in came_over_expected)
