"""Scoring one customer the moment an order is there, with the model and among the archetypes of the active run."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial

import numpy as np
from django.db import transaction
from django.db.models import F
from numpy.typing import NDArray

from accounts.models import Shop
from customers.money import to_units
from segmentation.archetyping import move_member
from segmentation.histories import history_of
from segmentation.maths.archetypes import best_fit, signature_positions
from segmentation.maths.model import FittedModel, observe, score
from segmentation.models import ActiveRun, ArchetypeSnapshot, Membership, SegmentationRun
from segmentation.reading import PinnedRun, pin_active_run
from segmentation.signals import archetype_changed
from segmentation.storing import money, scored_customers, store_membership
from segmentation.telling import tell_moved


def segment_customer(customer_pk: int, as_of: datetime) -> bool:
    """Score one customer in the active run; False if there is no run or no valid order.

    Gives what the batch gives, to the last digit stored. Cost: about twice that of reading the customer's own rows.
    """
    while pinned := pin_active_run():
        segmented = _segment(customer_pk, as_of, pinned)
        if segmented is not None:
            return segmented
    return False


def segment_customers(customer_pks: Sequence[int], as_of: datetime) -> int:
    """Score several customers one by one; the number scored."""
    return sum(segment_customer(pk, as_of) for pk in customer_pks)


def _segment(customer_pk: int, as_of: datetime, pinned: PinnedRun) -> bool | None:
    """Whether the customer was scored; None, and nothing written, if `pinned` is no longer the active run."""
    model = pinned.model
    zone = Shop.current().zone
    observations = observe(history_of(customer_pk, as_of, zone), as_of.astimezone(zone), levels=model.levels)
    if len(observations) == 0:
        return False
    scores = score(model, observations)
    pks, signatures = _kept_archetypes(pinned.run.pk, pinned.run.started_at, model)
    defining = [list(model.segments).index(axis) for axis in model.defining_axes]
    agrees = (signatures == scores.segments[:, defining]).sum(axis=1)
    # A customer's own combination, where it was kept, has the greatest product of memberships: a tie must not lead elsewhere.
    exact = agrees == len(defining)
    place = (
        int(exact.argmax()) if exact.any() else int(best_fit(scores.shares, signatures, model.segments, model.defining_axes)[0])
    )
    scored = scored_customers(observations, scores, agrees[[place]].astype(np.int16)).of_archetypes(pks[[place]])
    after = (int(pks[place]), int(scored.order_counts[0]), to_units(money(scored.values[0])))
    with transaction.atomic():
        # Held to the end, so that a run published now comes after this row and finds it, and no two write one newcomer.
        if ActiveRun.objects.select_for_update().filter(pk=1, run=pinned.run).first() is None:
            return None
        stored = (
            Membership.objects.select_for_update()
            .filter(run=pinned.run, customer_id=customer_pk)
            .values_list("pk", "archetype_id", "order_count", "lifetime_value")
            .first()
        )
        before = (stored[1], stored[2], to_units(stored[3])) if stored else None
        store_membership(pinned.run, scored, as_of, in_place_of=stored[0] if stored else None)
        if before != after:
            move_member(pinned.run, before=before, after=after)
        if before is None:
            SegmentationRun.objects.filter(pk=pinned.run.pk).update(segmented=F("segmented") + 1)
        if before is None or before[0] != after[0]:
            transaction.on_commit(partial(archetype_changed.send_robust, Membership, customer_pk=customer_pk))
        tell_moved(pinned.run, customer_pk, as_of, before=before[0] if before else None, after=after[0])
    return True


@lru_cache(maxsize=4)
def _kept_archetypes(run_pk: int, started_at: datetime, model: FittedModel) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Keys and signatures of a published run's archetypes; they never change, so they are read once a process.

    `started_at` is part of the key because a restored database may give a number out again.
    """
    rows = list(
        ArchetypeSnapshot.objects.filter(run=run_pk)
        .order_by("archetype__archetype_id")
        .values_list("archetype_id", "archetype__signature")
    )
    signatures = signature_positions([signature for _, signature in rows], model.segments, model.defining_axes)
    return np.array([pk for pk, _ in rows], dtype=np.int64), signatures
