"""The figures of a run that gates judge and names need."""

import numpy as np
from django.db.models import Sum

from customers.models import Customer, Order
from segmentation.axes import AXES
from segmentation.gates import RunFigures
from segmentation.maths.archetypes import Archetypes, column_starts
from segmentation.maths.model import FittedModel, Observations, Scores
from segmentation.models import ArchetypeSnapshot, Membership, SegmentationRun

# Stability is a share: this many customers tell it to half a percent.
CUSTOMERS_COMPARED = 20_000
_SUM_TOLERANCE = 1e-4


def rarity_of(scores: Scores, model: FittedModel) -> dict[str, dict[str, float]]:
    """{axis: {segment: share of customers whose dominant segment it is}}."""
    shares = {}
    for number, axis in enumerate(AXES):
        names = model.segments[axis.name]
        counts = np.bincount(scores.segments[:, number], minlength=len(names)) / max(len(scores), 1)
        shares[axis.name] = dict(zip(names, counts.tolist(), strict=True))
    return shares


def figures_of(
    run: SegmentationRun,
    model: FittedModel,
    scores: Scores,
    archetypes: Archetypes,
    observations: Observations,
    *,
    before: SegmentationRun | None,
) -> RunFigures:
    """Measure a run whose rows are stored; five statements.

    The value of the archetypes is compared with the sum of the orders as the database adds it up: both before refunds, by
    adding to the first what refunds took off.
    """
    counts = observations.counts
    netted = float(counts["value"].sum() - _lifetime_values(observations).sum())
    stored = ArchetypeSnapshot.objects.filter(run=run).aggregate(total=Sum("total_ltv"))["total"] or 0
    ordered = (
        Order.objects.valid().filter(customer__isnull=False, placed_at__lte=run.as_of).aggregate(total=Sum("total"))["total"]
    )
    clustered = [axis.clusters.silhouette for axis in model.axes.values() if axis.clusters.silhouette is not None]
    return RunFigures(
        segmented=len(scores),
        buyers=Customer.objects.buyers().count(),
        largest_archetype=max((found.member_count for found in archetypes.found), default=0),
        archetype_value=float(stored) + netted,
        order_value=float(ordered or 0),
        median_silhouette=float(np.median(clustered)) if clustered else None,
        unusable_shares=_unusable_shares(scores, model),
        previous_segmented=before.segmented if before else None,
        previous_buyers=before.summary.get("buyers") if before else None,
        changed_segment_share=_changed_segment_share(scores, model, before) if before else None,
    )


def _lifetime_values(observations: Observations) -> np.ndarray:
    return np.maximum(observations.counts["value"] - observations.counts["refunded_from_orders"], 0.0)


def _unusable_shares(scores: Scores, model: FittedModel) -> int:
    """Customers with an axis whose memberships are not numbers or do not add up to one."""
    starts = list(column_starts(model.segments).values())
    sums = np.add.reduceat(scores.shares.astype(np.float64), starts, axis=1) if len(scores) else np.ones((0, len(starts)))
    return int((~(np.abs(sums - 1.0) <= _SUM_TOLERANCE)).any(axis=1).sum())


def _changed_segment_share(scores: Scores, model: FittedModel, before: SegmentationRun) -> float | None:
    """Of the dominant segments of customers who are in both runs, the share that has another name now."""
    rows = Membership.objects.filter(run=before).order_by("customer_id").values_list("customer_id", "segments")
    known = list(rows[:CUSTOMERS_COMPARED])
    if not known:
        return None
    old_model = before.model.fitted()
    old_ids = np.array([pk for pk, _ in known])
    here = np.searchsorted(scores.customer_ids, old_ids)
    here[here == len(scores)] = 0
    both = scores.customer_ids[here] == old_ids
    if not both.any():
        return None
    old_segments = np.array([[int(digit) for digit in digits] for _, digits in known])[both]
    changed = [
        np.array(old_model.segments[axis.name])[old_segments[:, number]]
        != np.array(model.segments[axis.name])[scores.segments[here[both], number]]
        for number, axis in enumerate(AXES)
    ]
    return float(np.mean(changed))
