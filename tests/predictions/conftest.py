"""Learning once for many tests."""

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from predictions.maths import scoring
from predictions.maths.occasions import Occasions
from predictions.maths.scoring import FittedPredictions


@pytest.fixture(scope="module")
def learned_once() -> Iterator[None]:
    """What the tests of a file learn is kept: the same past gives the same model (`maths/test_scoring.py`)."""
    learn, learned = scoring.fit, dict[bytes, FittedPredictions]()

    def fit(occasions: Occasions, today: int, **asked: Any) -> FittedPredictions:
        rows = (occasions.customer_ids, occasions.starts, occasions.day, occasions.value)
        question = pickle.dumps((rows, today, asked))
        if question not in learned:
            learned[question] = learn(occasions, today, **asked)
        return learned[question]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scoring, "fit", fit)
        yield
