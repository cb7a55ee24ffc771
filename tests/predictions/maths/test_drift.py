from dataclasses import replace

import numpy as np
import pytest

from predictions.maths.churn_features import population_gap, rhythm
from predictions.maths.drift import LITTLE, MUCH, Inputs
from tests.predictions.maths.invented_buyers import TODAY, invented


@pytest.fixture(scope="module")
def known():
    shop = invented()
    return rhythm(shop, TODAY, population_gap(shop, TODAY))


def test_nothing_has_moved_on_the_day_of_the_fit(known):
    assert Inputs.of(known).drift(known) == pytest.approx(
        dict.fromkeys(["recency_days", "usual_gap_days", "repeats", "average_value"], 0.0)
    )


def test_a_shop_that_fell_silent_has_moved_much_in_recency_alone(known):
    later = replace(known, age=known.age + 200)
    moved = Inputs.of(known).drift(later)
    assert moved["recency_days"] > MUCH
    assert moved["repeats"] < LITTLE


def test_the_index_is_that_of_the_formula(known):
    two = replace(known, spent=np.where(np.arange(len(known)) % 2 == 0, 10.0, 20.0) * (known.repeats + 1))
    shifted = replace(two, spent=np.where(np.arange(len(known)) % 4 == 0, 10.0, 20.0) * (known.repeats + 1))
    then, now = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert Inputs.of(two).drift(shifted)["average_value"] == pytest.approx(np.sum((now - then) * np.log(now / then)), abs=0.01)


def test_it_comes_back_from_json_as_it_was(known):
    inputs = Inputs.of(known)
    assert Inputs.from_json(inputs.to_json()).drift(known) == inputs.drift(known)
    assert Inputs.from_json(inputs.to_json()).to_json() == inputs.to_json()
