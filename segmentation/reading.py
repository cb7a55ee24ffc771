"""Reading what a run stored: the active run is pinned once a request, and blobs become named memberships."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from segmentation.axes import AXES
from segmentation.models import ActiveRun, Membership, SegmentationRun, SegmentModel

if TYPE_CHECKING:
    from segmentation.maths.model import FittedModel


@dataclass(frozen=True)
class PinnedRun:
    """The run that one request reads from its first query to its last, with the model that scored it."""

    run: SegmentationRun
    model: "FittedModel"


def pin_active_run() -> PinnedRun | None:
    """The published run, or None before the first one.

    One query, and one more when this process meets a model for the first time: a model is never changed once made, so its
    parameters are parsed once a process and not once a request.
    """
    pointer = (
        ActiveRun.objects.select_related("run__model")
        .defer("run__model__parameters", "run__summary", "run__error")
        .filter(pk=1)
        .first()
    )
    if pointer is None:
        return None
    model = pointer.run.model
    return PinnedRun(pointer.run, fitted_model(model.pk, model.created_at))


@lru_cache(maxsize=4)
def fitted_model(pk: int, created_at: datetime) -> "FittedModel":
    """Parsed parameters; `created_at` is part of the key because a restored database may give a number out again."""
    return SegmentModel.objects.get(pk=pk).fitted()


def memberships_of(membership: Membership, model: "FittedModel") -> dict[str, dict[str, float]]:
    """A stored row as {axis: {segment: share}}, in the order of `AXES` and of the model's segments; no query.

    Shares of an axis add up to one, each exact to 1e-7 as 32 bits hold it.

    Raises
    ------
    ValueError
        If the row has more or fewer shares than the model has segments, that is, if another model wrote it.
    """
    shares = membership.share_array().tolist()
    expected = sum(len(model.segments[axis.name]) for axis in AXES)
    if len(shares) != expected:
        raise ValueError(f"{membership} holds {len(shares)} memberships where its model has {expected} segments")
    named: dict[str, dict[str, float]] = {}
    start = 0
    for axis in AXES:
        names = model.segments[axis.name]
        end = start + len(names)
        named[axis.name] = dict(zip(names, shares[start:end], strict=True))
        start = end
    return named


def evidence_of(membership: Membership) -> dict[str, int]:
    """The observations (orders, lines or tickets) behind each axis; no query."""
    return dict(zip((axis.name for axis in AXES), membership.evidence_array().tolist(), strict=True))


def own_segments_of(membership: Membership, model: "FittedModel") -> dict[str, str]:
    """The customer's own dominant segment on each axis; no query."""
    return {axis.name: model.segments[axis.name][int(digit)] for axis, digit in zip(AXES, membership.segments, strict=True)}
