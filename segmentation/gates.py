"""What may not be published: a run that is sick by one of these measures is kept, shown and held back.

The limits are starting values. A gate that compares needs a published run to compare with; those on shares of people need
enough people, because in a shop of thirty one customer is three percent.
"""

from dataclasses import dataclass
from typing import Any

FEW_CUSTOMERS = 200

LARGEST_ARCHETYPE_SHARE = 0.90
COVERAGE_LOSS = 0.05
VALUE_GAP = 0.001
MEDIAN_SILHOUETTE = 0.15
CHANGED_SEGMENT_SHARE = 0.35
POPULATION_LOSS = 0.10


@dataclass(frozen=True)
class RunFigures:
    """What the gates look at. Shares run 0 to 1; None where it cannot be told (first run, no clustered axis)."""

    segmented: int
    buyers: int
    largest_archetype: int
    archetype_value: float
    order_value: float
    median_silhouette: float | None
    unusable_shares: int
    previous_segmented: int | None = None
    previous_buyers: int | None = None
    changed_segment_share: float | None = None


@dataclass(frozen=True)
class Refusal:
    """One gate that a run did not pass: its name and a sentence with the figures."""

    gate: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        """For the run's summary."""
        return {"gate": self.gate, "reason": self.reason}


def refusals(run: RunFigures) -> list[Refusal]:
    """Every gate that `run` does not pass; empty means that it may be published."""
    found = [
        Refusal(gate, reason)
        for gate, fails, reason in (
            (
                "memberships",
                run.unusable_shares > 0,
                f"{run.unusable_shares:,} customers have memberships that do not add up to one.",
            ),
            (
                "value",
                abs(run.archetype_value - run.order_value) > VALUE_GAP * max(abs(run.order_value), 1.0),
                f"The archetypes' lifetime value is {run.archetype_value:,.2f}, the orders say {run.order_value:,.2f}.",
            ),
            *_gates_on_structure(run),
            *_gates_on_change(run),
        )
        if fails
    ]
    return found


def _gates_on_structure(run: RunFigures) -> list[tuple[str, bool, str]]:
    if run.segmented < FEW_CUSTOMERS:
        return []
    largest = run.largest_archetype / run.segmented
    silhouette = run.median_silhouette
    return [
        (
            "one archetype",
            largest > LARGEST_ARCHETYPE_SHARE,
            f"{largest:.0%} of customers fell into one archetype; more than {LARGEST_ARCHETYPE_SHARE:.0%} says nothing.",
        ),
        (
            "structure",
            silhouette is not None and silhouette < MEDIAN_SILHOUETTE,
            f"The axes separate customers too weakly (median silhouette {silhouette or 0:.2f}, needed {MEDIAN_SILHOUETTE}).",
        ),
    ]


def _gates_on_change(run: RunFigures) -> list[tuple[str, bool, str]]:
    if run.previous_segmented is None or run.previous_segmented < FEW_CUSTOMERS:
        return []
    coverage = run.segmented / max(run.buyers, 1)
    coverage_before = run.previous_segmented / max(run.previous_buyers or run.previous_segmented, 1)
    change = run.segmented / run.previous_segmented - 1
    changed = run.changed_segment_share
    return [
        (
            "coverage",
            coverage < coverage_before - COVERAGE_LOSS,
            f"Only {coverage:.1%} of buyers were segmented, {coverage_before:.1%} in the run before.",
        ),
        (
            # Growth is what an import does; people who vanish are what a broken one does.
            "population",
            change < -POPULATION_LOSS,
            f"{-change:.0%} fewer customers than in the run before ({run.segmented:,} against {run.previous_segmented:,}).",
        ),
        (
            "stability",
            changed is not None and changed > CHANGED_SEGMENT_SHARE,
            f"{changed or 0:.0%} of the customers' dominant segments changed since the run before "
            f"(at most {CHANGED_SEGMENT_SHARE:.0%} is usual).",
        ),
    ]
