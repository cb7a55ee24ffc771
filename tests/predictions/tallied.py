"""The tallies of risk levels against the scores that they are counted from."""

import pytest

from predictions import tallies
from predictions.maths.lapse import level
from predictions.models import Prediction, RiskTally

FIGURES = ("customers", "active", "value_at_risk", "value_365d", "lapsing_30d", "lapsing_90d")


def counted_from_scratch():
    """The tallies that the stored predictions add up to."""
    found = {}
    for prediction in Prediction.objects.all():
        for measure, score in tallies.SCORES.items():
            row = found.setdefault((measure, level(getattr(prediction, score))), dict.fromkeys(FIGURES, 0))
            row["customers"] += 1
            row["active"] += prediction.is_active
            for name in FIGURES[2:]:
                row[name] += getattr(prediction, name)
    return found


def stored_tallies():
    return {
        (tally.measure, tally.level): {name: getattr(tally, name) for name in FIGURES}
        for tally in RiskTally.objects.all()
        if tally.customers
    }


def assert_tallies_are_exact():
    stored, counted = stored_tallies(), counted_from_scratch()
    assert set(stored) == set(counted)
    for key, figures in counted.items():
        assert {name: float(value) for name, value in stored[key].items()} == pytest.approx(
            {name: float(value) for name, value in figures.items()}, abs=1e-6
        )
