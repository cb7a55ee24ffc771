"""Which run is read: one pointer, swapped in one transaction, and swapped back by one command."""

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Max, Min, Q
from django.db.models.functions import Now

from jobs.exclusive import one_at_a_time
from segmentation.models import ActiveRun, Membership, SegmentationRun
from segmentation.signals import pointer_moved, run_published
from segmentation.telling import tell_published

if TYPE_CHECKING:
    from accounts.models import User

NO_RUN = "No segmentation has been published yet; run `segment` first."
"""What a list says in place of a run before the first."""
_CUSTOMERS_AT_ONCE = 25_000


def publish(run: SegmentationRun, by: "User | None" = None) -> None:
    """Point readers at `run`; the run before stays for `roll_back`. Publishing is dated by the database's clock."""
    with transaction.atomic():
        pointer = ActiveRun.objects.select_for_update().filter(pk=1).first()
        tell_published(run, pointer.run_id if pointer else None)
        SegmentationRun.objects.filter(pk=run.pk).update(
            state=SegmentationRun.State.PUBLISHED, published_at=Now(), published_by=by, error=""
        )
        if pointer is None:
            ActiveRun.objects.create(pk=1, run=run)
        elif pointer.run_id != run.pk:
            pointer.previous_id, pointer.run, pointer.changed_at = pointer.run_id, run, Now()
            pointer.save()
        pointer_moved.send(SegmentationRun)
        transaction.on_commit(partial(run_published.send_robust, SegmentationRun, run=run))
    run.refresh_from_db()


def roll_back() -> SegmentationRun:
    """Point readers at the run before and return it. `LookupError` if there is none."""
    with transaction.atomic():
        pointer = ActiveRun.objects.select_for_update().filter(pk=1).first()
        if pointer is None or pointer.previous is None:
            raise LookupError("There is no earlier run to go back to.")
        tell_published(pointer.previous, pointer.run_id)
        pointer.run, pointer.previous, pointer.changed_at = pointer.previous, pointer.run, Now()
        pointer.save()
        pointer_moved.send(SegmentationRun)
        transaction.on_commit(partial(run_published.send_robust, SegmentationRun, run=pointer.run))
        return pointer.run


def keeps_memberships(run_pk: int) -> bool:
    """Whether `collect_old_runs` leaves this run's memberships alone: it is published, or the one to go back to. One query.

    Who reads long asks behind each piece: as long as it is so, all that was read before was there.
    """
    return ActiveRun.objects.filter(Q(run=run_pk) | Q(previous=run_pk), pk=1).exists()


def collect_old_runs() -> int:
    """Delete memberships that nobody can reach any more; the number of rows deleted.

    They stay for the published run, the one to go back to and the last one held back; archetype snapshots stay for ever.
    By ranges of customers, each a short transaction that an index serves.
    """
    pointer = ActiveRun.objects.filter(pk=1).first()
    building = SegmentationRun.objects.filter(state=SegmentationRun.State.BUILDING).values_list("pk", flat=True)
    held_back = (
        SegmentationRun.objects.filter(state=SegmentationRun.State.REJECTED).order_by("-pk").values_list("pk", flat=True)
    )
    kept = {*building, *held_back[:1], *((pointer.run_id, pointer.previous_id) if pointer else ())}
    deleted = 0
    for run_pk in SegmentationRun.objects.exclude(pk__in=kept - {None}).values_list("pk", flat=True):
        memberships = Membership.objects.filter(run=run_pk)
        ends = memberships.aggregate(first=Min("customer_id"), last=Max("customer_id"))
        if ends["first"] is not None:
            for first in range(ends["first"], ends["last"] + 1, _CUSTOMERS_AT_ONCE):
                deleted += memberships.filter(customer__gte=first, customer__lt=first + _CUSTOMERS_AT_ONCE).delete()[0]
    return deleted


def abandon_unfinished_runs() -> int:
    """Mark runs that a killed worker left behind as failed; the number marked. Only one run is built at a time."""
    return SegmentationRun.objects.filter(state=SegmentationRun.State.BUILDING).update(
        state=SegmentationRun.State.FAILED, error="The run was cut off before it ended; the next run starts afresh."
    )


def publish_in_spite_of_gates(run: SegmentationRun, by: "User") -> None:
    """Publish a run that a gate held back; who did it and which gates said no stay in its summary.

    Raises
    ------
    LookupError
        If its memberships are not there in full: `collect_old_runs` keeps those of the last run held back.
    jobs.exclusive.Busy
        While another run is on, which may clear them away.
    """
    with one_at_a_time("segmentation"):
        if run.memberships.count() != run.segmented:
            raise LookupError(f"The memberships of run {run.pk} have been cleared away; segment again instead.")
        answer = {"published_in_spite_of": run.summary.get("gates", []), "answered_for_by": by.get_username()}
        run.summary = run.summary | answer
        run.save(update_fields=["summary"])
        publish(run, by)
