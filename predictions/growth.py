"""The shop's months of coming and going, counted once each and kept: a month that has ended does not change."""

from django.db import transaction

from predictions.maths.growth import Month, month_of, observe
from predictions.maths.occasions import Occasions
from predictions.models import CustomerMonth


def store_months(everybody: Occasions, today: int, *, afresh: bool) -> int:
    """Count and keep the whole months before that of `today` that are missing, all of them anew if `afresh`; how many.

    `afresh` is for a history that has changed: old orders imported, orders erased. See `predictions.maths.growth.observe` for
    the cost; nothing to count costs one query.
    """
    known = set() if afresh else set(CustomerMonth.objects.values_list("month", flat=True))
    found = observe(everybody, today, known=known)
    if not found and not afresh:
        return 0
    with transaction.atomic():
        if afresh:
            CustomerMonth.objects.all().delete()
        rows = [CustomerMonth(**{name: getattr(month, name) for name in _FIELDS}) for month in found]
        CustomerMonth.objects.bulk_create(rows, update_conflicts=True, unique_fields=["month"], update_fields=list(_FIELDS[1:]))
    return len(found)


def months_before(today: int) -> tuple[Month, ...]:
    """The months kept that had ended by the month of `today` (days since 1970-01-01), oldest first; one query."""
    kept = CustomerMonth.objects.filter(month__lt=month_of(today)).order_by("month").values_list(*_FIELDS)
    return tuple(Month(*row) for row in kept)


_FIELDS = ("month", "active_before", "newcomers", "returns", "lapses", "lapsed_before")
