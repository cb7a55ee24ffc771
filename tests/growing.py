"""A shop whose months of coming and going are known, made by hand: what the nightly predictions leave behind."""

from datetime import date
from typing import Any

from predictions.maths.growth import Month, months_on
from predictions.models import CustomerMonth, RiskTally, ScoringRun
from segmentation.models import ArchetypeMonth
from tests.factories import NOW


def score_everybody(*, active: int = 8_410, lapsed: int = 1_590, **fields: Any) -> ScoringRun:
    """A scoring as of `NOW`, and its tally by lapse risk: the active at low risk, the lapsed at critical."""
    run = ScoringRun.objects.create(**{"as_of": NOW, "buyers": active + lapsed, "history_days": 900, **fields})
    if not run.missing:
        RiskTally.objects.create(measure="lapse", level="low", customers=active, active=active)
        RiskTally.objects.create(measure="lapse", level="critical", customers=lapsed, active=0)
        RiskTally.objects.create(measure="churn", level="critical", customers=active + lapsed, active=active)
    return run


def keep_months(count: int = 13, *, newcomers: int = 520, returns: int = 60, first: date | None = None) -> list[Month]:
    """`count` months up to October 2026, in which every twentieth customer lapses, in every third month a few more."""
    active, lapsed, months = 7_000, 900, []
    for place in range(count):
        at = months_on(first or months_on(date(2026, 11, 1), -count), place)
        month = Month(at, active, newcomers, returns, active // 20 + 90 * (place % 3 == 0), lapsed)
        active, lapsed = month.active_after, month.lapsed_after
        months.append(month)
    CustomerMonth.objects.bulk_create(CustomerMonth(**vars(month)) for month in months)
    return months


def keep_moves(*moves: tuple[str, str, int]) -> None:
    """The archetypes of 1 October and 1 November 2026, and the moves between them."""
    october, november = NOW.replace(month=10, day=1), NOW.replace(day=1)
    ArchetypeMonth.objects.create(month=october.date(), as_of=october, members=b"")
    ArchetypeMonth.objects.create(month=november.date(), as_of=november, members=b"", moves=[list(move) for move in moves])
