"""What other systems hear of a segmentation (integrations.webhooks). Call these inside the transaction that changes it."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from customers.models import Customer
from integrations.webhooks import emit, emit_changes
from segmentation.models import Archetype, Membership, SegmentationRun

MOVED = "customer.archetype_changed"


def tell_published(run: SegmentationRun, previous_pk: int | None) -> None:
    """Readers now see `run` in place of the run `previous_pk`, None for a shop's first: then nobody has moved.

    Two queries where nobody listens. Else one or two statements over everybody, as fast as the two runs are read.
    """
    emit(
        "segmentation.published",
        lambda: {
            "run_id": run.pk,
            "previous_run_id": previous_pk,
            "as_of": run.as_of.astimezone(UTC),
            "segmented_customers": run.segmented,
            "archetypes": run.archetypes.count(),
        },
    )
    if previous_pk is not None and previous_pk != run.pk:
        emit_changes(MOVED, lambda: _moves(run.pk, previous_pk), _about(run.pk, run.as_of))


def tell_moved(run: SegmentationRun, customer_pk: int, as_of: datetime, *, before: int | None, after: int) -> None:
    """A customer scored alone is in the archetype `after` (keys), was in `before`, None for a newcomer; free if the same."""
    if before != after:
        emit_changes(MOVED, lambda: [_move(customer_pk, before, after)], _about(run.pk, as_of))


def _moves(run_pk: int, previous_pk: int) -> list[dict[str, Any]]:
    """Everybody whose archetype in `run_pk` is another than in `previous_pk`: newcomers from null, who is gone to null."""
    before = Membership.objects.filter(run=previous_pk, customer=OuterRef("customer"))
    stays = before.filter(archetype=OuterRef("archetype"))
    moved = Membership.objects.filter(~Exists(stays), run=run_pk).order_by("customer")
    rows = moved.annotate(before=Subquery(before.values("archetype__archetype_id")[:1])).values_list(
        "customer__customer_id", "before", "archetype__archetype_id"
    )
    gone = Membership.objects.filter(
        ~Exists(Membership.objects.filter(run=run_pk, customer=OuterRef("customer"))), run=previous_pk
    )
    left = gone.order_by("customer").values_list("customer__customer_id", "archetype__archetype_id")
    return [{"customer_id": who, "from": old, "to": new} for who, old, new in rows] + [
        {"customer_id": who, "from": old, "to": None} for who, old in left
    ]


def _move(customer_pk: int, before: int | None, after: int) -> dict[str, Any]:
    names = dict(Archetype.objects.filter(pk__in=[pk for pk in (before, after) if pk]).values_list("pk", "archetype_id"))
    customer_id = Customer.objects.values_list("customer_id", flat=True).get(pk=customer_pk)
    return {"customer_id": customer_id, "from": names.get(before or 0), "to": names[after]}


def _about(run_pk: int, as_of: datetime) -> dict[str, Any]:
    return {"run_id": run_pk, "as_of": as_of.astimezone(UTC)}
