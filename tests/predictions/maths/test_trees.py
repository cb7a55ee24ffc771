import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from predictions.maths.trees import Trees


@pytest.fixture(scope="module", params=[2, 16, 31, 64])
def fitted(request):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20_000, 6)).astype(np.float32)
    happened = rng.random(20_000) < 1 / (1 + np.exp(-rows[:, 0] + rows[:, 1] * rows[:, 2]))
    return HistGradientBoostingClassifier(max_iter=25, max_leaf_nodes=request.param, max_depth=9, random_state=0).fit(
        rows, happened
    ), rows


def test_arrays_answer_as_the_ensemble_does(fitted):
    ensemble, rows = fitted
    assert np.allclose(Trees.of(ensemble).log_odds(rows), ensemble.decision_function(rows), atol=1e-12)


def test_stored_trees_are_the_same(fitted):
    ensemble, rows = fitted
    trees = Trees.of(ensemble)
    again = Trees.from_bytes(trees.to_bytes())
    assert np.array_equal(again.log_odds(rows), trees.log_odds(rows))
    assert again.to_bytes() == trees.to_bytes()


def test_on_a_threshold_and_beyond_all_of_them_arrays_answer_as_the_ensemble_does(fitted):
    ensemble, _ = fitted
    trees = Trees.of(ensemble)
    splits = np.flatnonzero(np.isfinite(trees.threshold))
    rows = np.zeros((len(splits) + 2, 6))
    rows[np.arange(len(splits)), trees.feature[splits]] = trees.threshold[splits]
    rows[-2:] = [[np.inf], [-np.inf]]
    assert np.allclose(trees.log_odds(rows), ensemble.decision_function(rows), atol=1e-12)


def test_a_tree_that_never_splits_is_its_value():
    ensemble = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=50).fit(np.zeros((60, 1)), np.arange(60) % 2)
    assert Trees.of(ensemble).log_odds(np.ones((3, 1))) == pytest.approx(ensemble.decision_function(np.ones((3, 1))))


def test_more_leaves_than_bits_are_refused():
    rows = np.arange(2_000.0)[:, np.newaxis]
    settings = {"max_iter": 1, "max_leaf_nodes": 65, "min_samples_leaf": 5}
    ensemble = HistGradientBoostingClassifier(**settings).fit(rows, rows[:, 0] % 100 < 50)
    with pytest.raises(ValueError, match="64"):
        Trees.of(ensemble).log_odds(rows)


def test_one_row_gets_what_many_get(fitted):
    ensemble, rows = fitted
    trees = Trees.of(ensemble)
    assert trees.log_odds(rows[17:18])[0] == trees.log_odds(rows)[17]
