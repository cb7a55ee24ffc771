"""Who is wanted in the list, as a search of an index and as a test of rows."""

from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any, TypeVar

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from customers.figures import least_told_as
from insights.walking import Range, Wanted
from predictions.models import Prediction
from predictions.shown import beyond_shown_as, least_shown_as

Rows = TypeVar("Rows", bound=QuerySet[Any])


@dataclass(frozen=True)
class Filters:
    """Who is wanted; what is empty or None asks for nothing. Both ends of a range belong to it.

    All figures are compared as they are told: who is shown with a score of 0.7833 has one of at least 0.7833. `axis` and
    `segment` go together and want a membership of at least `membership_min`.
    """

    archetype_id: str = ""
    axis: str = ""
    segment: str = ""
    membership_min: float = 0.5
    tier: str = ""
    churn_risk_min: float | None = None
    churn_risk_max: float | None = None
    lapse_risk_min: float | None = None
    lapse_risk_max: float | None = None
    value_at_risk_min: Decimal | None = None
    active: bool | None = None

    @property
    def by_column(self) -> dict[str, dict[str, Any]]:
        """{column of `Prediction`: {lookup: value}} of the filters that look at predictions."""
        asked: dict[str, dict[str, Any]] = {
            "value_at_risk": {"gte": None if self.value_at_risk_min is None else least_told_as(self.value_at_risk_min)},
            "lapse_risk_score": _score_range(self.lapse_risk_min, self.lapse_risk_max),
            "churn_risk_score": _score_range(self.churn_risk_min, self.churn_risk_max),
            "tier": {"exact": Prediction.Tier[self.tier.upper()] if self.tier else None},
            "is_active": {"exact": self.active},
        }
        given = {column: {name: value for name, value in each.items() if value is not None} for column, each in asked.items()}
        return {column: lookups for column, lookups in given.items() if lookups}

    @property
    def by_membership(self) -> bool:
        """Whether a filter looks at the published run."""
        return bool(self.archetype_id or self.axis)

    def wanted(self, archetype: int | None = None) -> Wanted:
        """What `walk` can look for of it: the filters by score, and the archetype with this key."""
        asked = self.by_column
        return Wanted(
            archetype=archetype,
            tiers=asked["tier"].values() if "tier" in asked else None,
            lapse=_range(asked.get("lapse_risk_score")),
            churn=_range(asked.get("churn_risk_score")),
            value_at_risk_min=asked["value_at_risk"]["gte"] if "value_at_risk" in asked else None,
            is_active=self.active,
        )


def _score_range(least: float | None, most: float | None) -> dict[str, float | None]:
    """Lookups that leave the scores told from `least` to `most`."""
    return {
        "gte": None if least is None else least_shown_as(least),
        "lt": None if most is None else beyond_shown_as(most),
    }


def _range(lookups: dict[str, float] | None) -> tuple[Range] | None:
    return None if lookups is None else ((lookups.get("gte", 0.0), lookups.get("lt", inf)),)


def with_scores(rows: Rows, filters: Filters, path: str = "") -> Rows:
    """Those of `rows` whom the filters by score leave; predictions are at the end of `path`.

    Keys find rows, and nothing else shall: to a database without fresh statistics an index on a filter looks better, and takes
    it through half of the shop. `unindexed` leaves it no such choice.
    """
    for column, lookups in filters.by_column.items():
        rows = rows.alias(**{f"own_{column}": unindexed(f"{path}{column}")}).filter(**_lookups(f"own_{column}", lookups))
    return rows


def unindexed(column: str) -> Coalesce:
    """The column as no index has it."""
    return Coalesce(F(column), F(column))


def _lookups(column: str, lookups: dict[str, Any]) -> dict[str, Any]:
    return {f"{column}__{name}": value for name, value in lookups.items()}
