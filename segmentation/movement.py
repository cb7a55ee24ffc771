"""Who was in which archetype month by month, kept so that movement can be seen: memberships stay for two runs only."""

import logging
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Shop
from customers.columns import Column, read_columns
from segmentation.maths.movement import Members, moves
from segmentation.models import Archetype, ArchetypeMonth, Membership, SegmentationRun

logger = logging.getLogger(__name__)

# Two months that can be compared: about a month apart, since runs are started by hand as well.
NEAREST, FARTHEST = timedelta(days=20), timedelta(days=45)


def remember_month(run: SegmentationRun) -> ArchetypeMonth | None:
    """Keep the members of a published run, if it is the first of its month by the shop's calendar; None if it is not.

    With them the moves since the newest month kept that lies `NEAREST` to `FARTHEST` before. Five statements and a write; for
    94,000 customers in 868 archetypes about half a second on SQLite, a second with the moves.
    """
    month = run.as_of.astimezone(Shop.current().zone).date().replace(day=1)
    if run.state != SegmentationRun.State.PUBLISHED or ArchetypeMonth.objects.filter(month=month).exists():
        return None
    members = members_of(run)
    before = months_before(run.as_of).first()
    row, is_new = ArchetypeMonth.objects.get_or_create(
        month=month,
        defaults={
            "run": run,
            "as_of": run.as_of,
            "members": members.to_bytes(),
            "moves": moves(Members.from_bytes(bytes(before.members)), members) if before else [],
        },
    )
    return row if is_new else None


def remember_month_if_possible(run: SegmentationRun) -> None:
    """`remember_month`, for a run that is published whatever becomes of its month: a failure is logged and no more."""
    try:
        with transaction.atomic():
            remember_month(run)
    except Exception:
        logger.exception("The archetypes of run %s were not kept for its month.", run.pk)


def months_before(moment: datetime) -> QuerySet[ArchetypeMonth]:
    """The months kept that lie about a month before a moment, newest first."""
    return ArchetypeMonth.objects.filter(as_of__range=(moment - FARTHEST, moment - NEAREST)).order_by("-as_of")


def members_of(run: SegmentationRun) -> Members:
    """Everybody who is in an archetype of the run; two statements."""
    read = read_columns(
        {"customer_id": Column("customer_id", "int64"), "archetype_id": Column("archetype_id", "int64")},
        f"{Membership._meta.db_table} WHERE run_id = %s AND archetype_id IS NOT NULL",
        (run.pk,),
    )
    pks, place = np.unique(read["archetype_id"], return_inverse=True)
    names = dict(Archetype.objects.filter(pk__in=pks.tolist()).values_list("pk", "archetype_id"))
    return Members.of(read["customer_id"], place, [names[pk] for pk in pks.tolist()])
