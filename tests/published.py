"""A published run made by hand: three segments an axis and one archetype, so that a reader's test needs no clustering."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from customers.models import Customer
from predictions import standings
from segmentation.axes import AXES
from segmentation.maths.clustering import Clusters, Scale
from segmentation.maths.model import FittedAxis, FittedModel
from segmentation.maths.product_levels import ProductLevels
from segmentation.models import ActiveRun, Archetype, ArchetypeSnapshot, Membership, SegmentationRun, SegmentModel

AS_OF = datetime(2026, 11, 19, 3, tzinfo=UTC)
DEFINING_AXES = ["purchase_frequency", "purchase_value", "price_sensitivity"]
SHARES = (0.73, 0.22, 0.05)


def small_model() -> FittedModel:
    """The first three names of every axis, and the "not enough" name behind them where there is one."""
    axes = {}
    for axis in AXES:
        names = [segment.name for segment in axis.segments if segment.name != axis.not_enough][:3]
        n = len(axis.clustered)
        zeros = np.zeros(n)
        axes[axis.name] = FittedAxis(
            names=names,
            scale=Scale(zeros, zeros, zeros, np.ones(n)),
            clusters=Clusters(np.zeros((len(names), n)), 1.0, 0.5, 0.4),
            typical={},
            sizes={},
            fitted_on=300,
            information_bits=0.5,
            notes=[],
        )
    return FittedModel(axes, {}, ProductLevels(), list(DEFINING_AXES), seed=0, fitted_day=20000, customers=300)


@dataclass
class Published:
    """The run and its only archetype so far; `join` puts customers into it."""

    run: SegmentationRun
    model: FittedModel
    archetype: Archetype = field(init=False)

    def __post_init__(self) -> None:
        self.archetype = self.add_archetype("Premium Weekly Deal Hunter", member_count=287, total_ltv="981683.50")

    def add_archetype(self, name: str, *, member_count: int, total_ltv: str, total_orders: int = 6888) -> Archetype:
        """An archetype of the first segments, with a snapshot in the run."""
        segments = {axis: names[0] for axis, names in self.model.segments.items()}
        archetype = Archetype.objects.create(
            archetype_id=f"arch_{Archetype.objects.count() + 0x88099600:08x}",
            signature={axis: segments[axis] for axis in DEFINING_AXES},
            name=name,
            description="High-value, loyal customers.",
        )
        ArchetypeSnapshot.objects.create(
            run=self.run,
            archetype=archetype,
            member_count=member_count,
            exact_count=member_count - 7,
            total_ltv=Decimal(total_ltv),
            avg_ltv=Decimal(total_ltv) / member_count,
            total_orders=total_orders,
            dominant_segments=segments,
            agreement=dict.fromkeys(segments, 0.9),
            strength=dict.fromkeys(segments, 0.7),
        )
        return archetype

    def join(self, customer: Customer, archetype: Archetype | None = None, **fields: Any) -> Membership:
        """A row with `SHARES` on every axis; where an axis has a "not enough" name its share is nothing."""
        shares = [share for names in self.model.segments.values() for share in (*SHARES, 0.0)[: len(names)]]
        membership = Membership.objects.create(
            **{
                "run": self.run,
                "customer": customer,
                "archetype": archetype or self.archetype,
                "segments": "0" * len(AXES),
                "shares": np.array(shares, dtype="<f4").tobytes(),
                "evidence": np.full(len(AXES), 24, dtype="<u2").tobytes(),
                "agrees_on": 2,
                "order_count": customer.order_count,
                "lifetime_value": customer.lifetime_value,
                "scored_at": AS_OF,
                **fields,
            }
        )
        standings.refresh([customer.pk])
        return membership


def publish(segmented: int = 27_333) -> Published:
    """A published run with one archetype."""
    model = small_model()
    stored = SegmentModel.objects.create(as_of=AS_OF, buyers=300, parameters=model.to_json())
    run = SegmentationRun.objects.create(
        model=stored,
        state=SegmentationRun.State.PUBLISHED,
        as_of=AS_OF,
        published_at=AS_OF,
        profiles=40_000,
        segmented=segmented,
    )
    ActiveRun.objects.update_or_create(pk=1, defaults={"run": run})
    return Published(run, model)
