"""The questions we ask of archetypes."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from segmentation.models import ArchetypeSnapshot  # noqa: F401  (named in the base class)

METRICS = ("total_ltv", "avg_ltv", "member_count")


class ArchetypeSnapshotQuerySet(models.QuerySet["ArchetypeSnapshot"]):
    """Archetypes of a run."""

    def top(self, metric: str) -> Self:
        """Largest first by one of `METRICS`; ties by archetype id, so that pages do not shift. `ValueError` for another."""
        if metric not in METRICS:
            raise ValueError(f"{metric!r} is not one of {', '.join(METRICS)}")
        return self.select_related("archetype").order_by(f"-{metric}", "archetype__archetype_id")
