import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from segmentation.axes import AXES
from segmentation.maths.archetypes import find_archetypes
from segmentation.maths.model import FittedModel, Observations, drift, fit, natural_features, observe, score, warm_refit
from segmentation.maths.product_levels import ProductLevels
from tests.segmentation.maths.invented_shop import AS_OF, invent, later, part_of, small_history

AXIS_NAMES = [axis.name for axis in AXES]
HABIT = [(40, 10.0), (30, 12.0), (20, 11.0), (5, 9.0)]
DAY_BY_DAY = [(at, 10.0 + at) for at in range(1, 200)]


@pytest.fixture(scope="module")
def shop():
    return invent(1_500, seed=11)


@pytest.fixture(scope="module")
def observed(shop):
    return observe(shop[0], AS_OF)


@pytest.fixture(scope="module")
def model(observed):
    return fit(observed, seed=3)


@pytest.fixture(scope="module")
def scores(model, observed):
    return score(model, observed)


def axis_shares(model, scores, axis):
    columns = [at for at, (name, _) in enumerate(model.columns) if name == axis]
    return scores.shares[:, columns]


def segments_of(model, scores, axis):
    return [model.segments[axis][position] for position in scores.segments[:, AXIS_NAMES.index(axis)]]


def test_every_axis_sums_to_one_and_its_largest_share_is_dominant(model, scores):
    assert list(model.segments) == AXIS_NAMES
    for number, axis in enumerate(AXIS_NAMES):
        shares = axis_shares(model, scores, axis)
        assert shares.sum(axis=1) == pytest.approx(np.ones(len(scores)), abs=1e-6)
        assert shares.max(axis=1) == pytest.approx(shares[np.arange(len(scores)), scores.segments[:, number]])
    assert scores.shares.dtype == np.float32
    assert scores.segments.shape == scores.evidence.shape == (len(scores), 13)


def test_known_types_are_found_again(model, scores, shop):
    """Adjusted Rand index of true types and segments where there is evidence: 0 is chance, 1 is perfect."""
    least = {
        **{"purchase_frequency": 0.35, "purchase_value": 0.75, "category_exploration": 0.35, "price_sensitivity": 0.3},
        **{"purchase_cadence": 0.6, "customer_maturity": 0.7, "return_behavior": 0.2, "product_knowledge": 0.25},
        **{"communication_preference": 0.6, "problem_complexity_profile": 0.6, "loyalty_trajectory": 0.2},
    }
    for axis, expected in least.items():
        number = AXIS_NAMES.index(axis)
        known = scores.segments[:, number] < model.axes[axis].k
        found = adjusted_rand_score(shop[1][axis][known], scores.segments[known, number])
        assert found > expected, f"{axis}: {found:.2f}"


def test_segments_are_named_for_what_their_members_do(model, scores, shop):
    """The most frequent segment of each true type is the one that a marketer would expect."""
    expected = {
        "price_sensitivity": {0: "full_price_buyer", 2: "deal_hunter"},
        "purchase_cadence": {1: "weekend_buyer", 2: "payday_shopper", 3: "routine_buyer"},
        "customer_maturity": {0: "new_customer", 2: "long_term_loyal"},
        "purchase_value": {0: "budget_conscious", 2: "high_value"},
        "communication_preference": {0: "email_preferred", 1: "chat_first", 2: "phone_caller"},
        "problem_complexity_profile": {0: "simple_questions", 1: "complex_issues", 2: "technical_support"},
        "purchase_frequency": {0: "weekly_shopper"},
        "product_knowledge": {0: "beginner", 2: "expert_user"},
        "loyalty_trajectory": {1: "growing_engagement", 2: "declining"},
        "return_behavior": {0: "never_returns"},
        "category_exploration": {0: "focused_buyer"},
    }
    for axis, by_type in expected.items():
        segments = np.array(segments_of(model, scores, axis))
        not_enough = next(one.not_enough for one in AXES if one.name == axis)
        for kind, segment in by_type.items():
            of_kind = segments[(shop[1][axis] == kind) & (segments != not_enough)]
            names, sizes = np.unique(of_kind, return_counts=True)
            assert names[sizes.argmax()] == segment, f"{axis} {kind}: {dict(zip(names, sizes, strict=True))}"


def test_one_customer_scored_alone_equals_the_batch(model, scores, shop):
    for row in range(0, len(scores), 50):
        alone = score(model, observe(part_of(shop[0], np.array([row])), AS_OF, levels=model.levels))
        assert alone.shares[0] == pytest.approx(scores.shares[row], abs=1e-6)
        assert (alone.segments[0] == scores.segments[row]).all()
        assert (alone.evidence[0] == scores.evidence[row]).all()


def test_two_halves_observed_apart_are_the_whole(observed, shop):
    half = len(observed) // 2
    parts = [
        observe(part_of(shop[0], rows), AS_OF, levels=observed.levels)
        for rows in (np.arange(half), np.arange(half, len(observed)))
    ]
    whole = Observations.concat(parts)
    assert (whole.customer_ids == observed.customer_ids).all()
    for name, column in observed.counts.items():
        assert whole.counts[name] == pytest.approx(column, rel=1e-12), name


def test_the_order_of_customers_does_not_matter_and_a_seed_repeats(model, observed, scores):
    order = np.random.default_rng(0).permutation(len(observed))
    again = fit(observed.take(order), seed=3)
    assert again.to_json() == model.to_json()
    assert (score(again, observed.take(order)).shares == scores.shares[order]).all()


def test_a_model_survives_json_without_loss(model, observed, scores):
    stored = json.loads(json.dumps(model.to_json(), allow_nan=False, sort_keys=True))
    restored = FittedModel.from_json(stored)
    assert restored.to_json() == model.to_json()
    assert restored.segments == model.segments
    assert (score(restored, observed).shares == scores.shares).all()


def test_a_model_of_another_format_is_refused(model):
    with pytest.raises(ValueError, match="discover_segments"):
        FittedModel.from_json(model.to_json() | {"format": 99})


def test_archetypes_cover_everybody_and_their_ids_outlive_a_new_discovery(model, observed, scores):
    found = find_archetypes(scores.shares, scores.segments, model.segments, model.defining_axes)
    assert {"purchase_value", "purchase_frequency"} <= set(model.defining_axes)
    assert sum(one.member_count for one in found.found) == len(observed)
    assert all(list(one.dominant_segments) == AXIS_NAMES for one in found.found)
    other = fit(observed, seed=8)
    again = score(other, observed)
    refound = find_archetypes(again.shares, again.segments, other.segments, model.defining_axes)
    before = {one.archetype_id for one in found.found}
    shared = before & {one.archetype_id for one in refound.found}
    assert len(shared) > 0.8 * len(before)


def test_a_month_later_the_model_holds_and_a_warm_refit_keeps_names_and_k(model, shop, scores):
    history = shop[0]
    month_on = observe(history, later(30), levels=model.levels)
    then = score(model, month_on)
    same = (then.segments == scores.segments).all(axis=1).mean()
    assert same > 0.5
    moved = warm_refit(model, month_on)
    assert moved.segments == model.segments
    assert moved.defining_axes == model.defining_axes
    assert moved.fitted_day == model.fitted_day + 30
    assert np.isfinite(score(moved, month_on).shares).all()


def test_drift_is_none_on_the_day_and_calls_for_a_refit_a_year_later(model, observed, scores, shop):
    today = drift(model, observed, scores)
    assert max(today.mix.values()) == pytest.approx(0, abs=1e-9)
    assert all(ratio == pytest.approx(1) for ratio in today.radius.values())
    assert not today.refit
    assert drift(model, observe(shop[0], later(400), levels=model.levels)).refit


def test_too_little_evidence_has_a_name_with_membership_one(model, scores, observed):
    few = observed.counts["occasions"] < 3
    assert few.any()
    assert set(np.array(segments_of(model, scores, "purchase_cadence"))[few]) == {"too_early_to_tell"}
    assert (axis_shares(model, scores, "purchase_cadence")[few, -1] == 1).all()
    without = observed.counts["tickets"] == 0
    assert set(np.array(segments_of(model, scores, "communication_preference"))[without]) == {"self_service"}
    assert set(np.array(segments_of(model, scores, "problem_complexity_profile"))[without]) == {"no_questions_yet"}


def test_one_customers_numbers_are_in_natural_units():
    history = small_history([[(24 * at, 50.0) for at in range(1, 12)]])
    natural = natural_features(observe(history, AS_OF))
    assert list(natural) == AXIS_NAMES
    assert natural["purchase_frequency"]["mean_gap_days"] == 24
    assert natural["purchase_frequency"]["orders_365d"] == 11
    assert natural["purchase_value"]["avg_order_value"] == 50
    assert natural["communication_preference"]["email_share"] is None


def test_without_categories_the_axis_says_what_stands_in():
    model = fit(observe(invent(300, seed=2, categories=False)[0], AS_OF))
    assert "stands in" in model.axes["category_exploration"].notes[0]
    assert model.segments["product_knowledge"] == ["level_unknown"]
    assert model.segments["value_sophistication"] == ["level_unknown"]


def test_progress_names_each_axis(observed):
    heard = []
    fit(observed.take(np.arange(40)), progress=lambda share, note: heard.append((share, note)))
    assert heard[0] == (0.0, "Purchase frequency")
    assert heard[-1][0] == 1.0
    assert [share for share, _ in heard] == sorted(share for share, _ in heard)


DEGENERATE = {
    "nobody": small_history([]),
    "one customer, one order": small_history([[(5, 20.0)]]),
    "two customers": small_history([HABIT, [(300, 80.0)]]),
    "all identical": small_history([HABIT] * 40),
    "one feature differs": small_history([[(ago, 10.0 * (1 + at % 3)) for ago, _ in HABIT] for at in range(60)]),
    "everything today": small_history([[(0, 10.0), (0, 11.0)]] * 10),
    "1970": small_history([[(20_000, 10.0), (3, 1.0)], HABIT]),
    "50,000 orders": small_history([[(at % 900, 10.0) for at in range(50_000)], HABIT, HABIT]),
    "extreme outlier": small_history([*[[(ago, value + at) for ago, value in HABIT] for at in range(30)], [(3, 1e12)]]),
    "no numbers": small_history([[(9, float("nan"))], [(8, float("inf"))], [(7, -3.0)], HABIT]),
    "refunds above purchases": small_history([HABIT, HABIT], refunds=[(0, 0, False, 1e6), (1, -1, True, 50.0)]),
    "tickets of one": small_history([HABIT, HABIT], tickets=[(0, "email", "technical", 0, float("nan"))]),
    "daily buyer": small_history([DAY_BY_DAY] * 3),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_shops_are_segmented_without_error_or_nan(name):
    history = DEGENERATE[name]
    seen = observe(history, AS_OF)
    model = fit(seen)
    json.dumps(model.to_json(), allow_nan=False)
    for version in (model, warm_refit(model, seen)):
        scores = score(version, seen)
        assert np.isfinite(scores.shares).all()
        for axis in AXIS_NAMES:
            assert version.segments[axis]
            assert axis_shares(version, scores, axis).sum(axis=1) == pytest.approx(np.ones(len(seen)), abs=1e-6)
        found = find_archetypes(scores.shares, scores.segments, version.segments, version.defining_axes)
        assert sum(one.member_count for one in found.found) == len(seen)
    assert not np.isnan(list(drift(model, seen).radius.values())).any()


def test_identical_customers_are_one_segment_an_axis():
    model = fit(observe(DEGENERATE["all identical"], AS_OF))
    assert {axis.k for axis in model.axes.values()} <= {0, 1}


def test_a_model_of_an_empty_shop_can_score_the_first_customer():
    model = fit(observe(small_history([]), AS_OF))
    scores = score(model, observe(small_history([[(5, 20.0)]]), AS_OF, levels=model.levels))
    assert np.isfinite(scores.shares).all()
    assert segments_of(model, scores, "communication_preference") == ["self_service"]


def test_a_clock_without_zone_and_orders_from_the_future_are_refused():
    with pytest.raises(ValueError, match="time zone"):
        observe(small_history([HABIT]), datetime(2025, 11, 12))
    with pytest.raises(ValueError, match="after as_of"):
        observe(small_history([HABIT]), datetime(2025, 11, 1, tzinfo=UTC))


def test_unsorted_orders_are_refused():
    history = small_history([HABIT, HABIT])
    with pytest.raises(ValueError, match="sorted"):
        observe(replace(history, orders=history.orders[::-1]), AS_OF)


def test_other_product_levels_than_the_models_are_refused(model):
    history = small_history([HABIT])
    with pytest.raises(ValueError, match=r"model\.levels"):
        score(model, observe(history, AS_OF))
    mixed = [observe(history, AS_OF), observe(history, AS_OF, levels=ProductLevels(has_categories=True))]
    with pytest.raises(ValueError, match="same product levels"):
        Observations.concat(mixed)
    with pytest.raises(ValueError, match="nothing"):
        Observations.concat([])
