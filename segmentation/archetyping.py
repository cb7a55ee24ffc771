"""Archetypes from the maths to rows: known ones keep their name, new ones get one, each run gets its snapshot."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from customers.money import from_units
from segmentation.maths.archetypes import Archetypes, FoundArchetype
from segmentation.models import Archetype, ArchetypeSnapshot, SegmentationRun
from segmentation.naming import describe, name_for
from segmentation.storing import money


def store_archetypes(
    run: SegmentationRun,
    archetypes: Archetypes,
    rarity: Mapping[str, Mapping[str, float]],
    values: NDArray[np.float64],
    order_counts: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Store the run's archetypes and return their primary keys, in the order of `archetypes.found`.

    Parameters
    ----------
    rarity
        {axis: {segment: share of customers}}, for names that say what sets an archetype apart.
    values, order_counts : arrays of shape (n_customers,)
        Lifetime value and valid orders of each customer, in the order of `archetypes.member_of`.

    Notes
    -----
    Four statements and one transaction, whatever the number of customers.
    """
    n_archetypes = len(archetypes.found)
    total_values = np.bincount(archetypes.member_of, values, minlength=n_archetypes)
    total_orders = np.bincount(archetypes.member_of, order_counts, minlength=n_archetypes)
    with transaction.atomic():
        pks = _keys(archetypes.found, rarity)
        ArchetypeSnapshot.objects.bulk_create(
            (
                ArchetypeSnapshot(
                    run=run,
                    archetype_id=pks[found.archetype_id],
                    member_count=found.member_count,
                    exact_count=found.exact_count,
                    total_ltv=money(total_values[place]),
                    avg_ltv=money(total_values[place] / max(found.member_count, 1)),
                    total_orders=int(total_orders[place]),
                    dominant_segments=found.dominant_segments,
                    agreement={axis: round(share, 4) for axis, share in found.agreement.items()},
                    strength={axis: round(share, 4) for axis, share in found.strength.items()},
                )
                for place, found in enumerate(archetypes.found)
            ),
            batch_size=500,
        )
    return np.array([pks[found.archetype_id] for found in archetypes.found], dtype=np.int64)


def move_member(run: SegmentationRun, *, before: tuple[int, int, int] | None, after: tuple[int, int, int]) -> None:
    """Keep the snapshots' sums right when one customer is scored again; call it inside a transaction.

    `before` and `after` are (archetype pk, orders, lifetime value in ten-thousandths); `before` is None for a newcomer. Mode,
    agreement and strength follow with the next run.
    """
    change: dict[int, np.ndarray] = {}
    for sign, part in ((-1, before), (1, after)):
        if part is not None:
            change[part[0]] = change.get(part[0], np.zeros(3, dtype=np.int64)) + sign * np.array([1, part[1], part[2]])
    changed = {pk: delta for pk, delta in change.items() if delta.any()}
    snapshots = ArchetypeSnapshot.objects.select_for_update().filter(run=run, archetype_id__in=changed).order_by("pk")
    for snapshot in snapshots:
        members, orders, value = (int(part) for part in changed[snapshot.archetype_id])
        snapshot.member_count += members
        snapshot.total_orders += orders
        snapshot.total_ltv += from_units(value)
        snapshot.avg_ltv = snapshot.total_ltv / snapshot.member_count if snapshot.member_count else from_units(0)
        snapshot.save(update_fields=["member_count", "total_orders", "total_ltv", "avg_ltv"])


def _keys(found: Sequence[FoundArchetype], rarity: Mapping[str, Mapping[str, float]]) -> dict[str, int]:
    """Primary keys by archetype id; archetypes that no run has had before are named and stored."""
    ids = [archetype.archetype_id for archetype in found]
    known = set(Archetype.objects.filter(archetype_id__in=ids).values_list("archetype_id", flat=True))
    taken = {name.lower() for name in Archetype.objects.values_list("name", flat=True)}
    new = []
    for archetype in found:
        if archetype.archetype_id in known:
            continue
        shares = {axis: rarity[axis][segment] for axis, segment in archetype.signature.items()}
        name = name_for(archetype.signature, shares, taken)
        taken.add(name.lower())
        new.append(
            Archetype(
                archetype_id=archetype.archetype_id,
                signature=archetype.signature,
                name=name,
                description=describe(archetype.signature, shares),
            )
        )
    Archetype.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)
    return dict(Archetype.objects.filter(archetype_id__in=ids).values_list("archetype_id", "pk"))
