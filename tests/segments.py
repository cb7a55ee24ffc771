"""A published segmentation of some customers, made by hand: the pages only read one, whoever made it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.utils import timezone

from customers.models import Customer
from predictions import standings
from segmentation.axes import AXES, Axis
from segmentation.maths.clustering import Clusters, Scale
from segmentation.maths.fitting import FittedAxis
from segmentation.maths.model import FittedModel
from segmentation.maths.product_levels import ProductLevels
from segmentation.models import ActiveRun, Archetype, ArchetypeSnapshot, Membership, SegmentationRun, SegmentModel
from tests.factories import NOW

DEFINING = ["purchase_frequency", "purchase_value", "price_sensitivity"]
NAMES_AN_AXIS = 3


@dataclass(frozen=True)
class Published:
    """The run, its model, and the archetype that everybody is in."""

    run: SegmentationRun
    model: FittedModel
    archetype: Archetype


def small_model() -> FittedModel:
    """Three names an axis and three defining axes; the centres say nothing."""
    return FittedModel(
        axes={axis.name: _axis(axis) for axis in AXES},
        priors={},
        levels=ProductLevels(),
        defining_axes=DEFINING,
        seed=1,
        fitted_day=20_000,
        customers=10,
    )


def _axis(axis: Axis) -> FittedAxis:
    width = len(axis.clustered)
    zeros, ones = np.zeros(width), np.ones(width)
    names = [segment.name for segment in axis.names[:NAMES_AN_AXIS]]
    clusters = Clusters(np.zeros((NAMES_AN_AXIS, width)), 1.0, 0.5, 0.5)
    return FittedAxis(names, Scale(zeros, ones, zeros, ones), clusters, {}, 10, [])


def publish(
    *customers: Customer,
    name: str = "Premium Power Buyer",
    archetype_id: str = "arch_88099600",
    blended: frozenset[str] = frozenset({"price_sensitivity"}),
    unknown: frozenset[str] = frozenset({"purchase_cadence", "communication_preference"}),
    into: Published | None = None,
    **snapshot: object,
) -> Published:
    """Put `customers` into one archetype of a published run (a new one, unless `into` names another of the same test).

    Each has 73 % in the first segment of an axis, 46 % where it is `blended`, all in the "not enough" one where `unknown`.
    """
    model = into.model if into else small_model()
    run = into.run if into else _new_run(model, len(customers))
    archetype = Archetype.objects.create(
        archetype_id=archetype_id,
        signature={axis: model.segments[axis][0] for axis in DEFINING},
        name=name,
        description="Loyal customers who shop often across several categories.",
    )
    total = sum(customer.lifetime_value for customer in customers)
    ArchetypeSnapshot.objects.create(
        **{
            "run": run,
            "archetype": archetype,
            "member_count": len(customers),
            "exact_count": len(customers),
            "total_ltv": total,
            "avg_ltv": total / len(customers) if customers else 0,
            "total_orders": sum(customer.order_count for customer in customers),
            "dominant_segments": {axis.name: model.segments[axis.name][0] for axis in AXES},
            "agreement": {axis.name: 0.85 for axis in AXES},
            "strength": {axis.name: 0.62 for axis in AXES},
            **snapshot,
        }
    )
    Membership.objects.bulk_create(_membership(customer, run, archetype, model, blended, unknown) for customer in customers)
    standings.refresh()
    return Published(run, model, archetype)


def _new_run(model: FittedModel, segmented: int) -> SegmentationRun:
    stored = SegmentModel.objects.create(as_of=NOW, buyers=segmented, parameters=model.to_json())
    run = SegmentationRun.objects.create(
        model=stored,
        state=SegmentationRun.State.PUBLISHED,
        as_of=NOW,
        published_at=timezone.now(),
        profiles=Customer.objects.count(),
        segmented=segmented,
    )
    ActiveRun.objects.update_or_create(pk=1, defaults={"run": run})
    return run


def _membership(
    customer: Customer,
    run: SegmentationRun,
    archetype: Archetype,
    model: FittedModel,
    blended: frozenset[str],
    unknown: frozenset[str],
) -> Membership:
    shares: list[float] = []
    digits = ""
    evidence = []
    for axis in AXES:
        names = model.segments[axis.name]
        leading = names.index(axis.not_enough) if axis.name in unknown and axis.not_enough else 0
        row = _row(len(names), leading, axis.name in blended, bool(axis.not_enough))
        shares += row
        digits += str(leading)
        evidence.append(0 if leading else customer.order_count)
    return Membership(
        run=run,
        customer=customer,
        archetype=archetype,
        segments=digits,
        shares=np.array(shares, dtype="<f4").tobytes(),
        evidence=np.array(evidence, dtype="<u2").tobytes(),
        agrees_on=len(DEFINING),
        order_count=customer.order_count,
        lifetime_value=customer.lifetime_value,
        scored_at=NOW,
    )


def _row(length: int, leading: int, is_blended: bool, has_not_enough: bool) -> list[float]:
    if leading:
        return [float(position == leading) for position in range(length)]
    known: Mapping[bool, list[float]] = {True: [0.46, 0.38, 0.16], False: [0.73, 0.22, 0.05]}
    return known[is_blended] + ([0.0] if has_not_enough else [])
