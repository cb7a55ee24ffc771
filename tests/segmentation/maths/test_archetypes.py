import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.maths.archetypes import (
    archetype_id,
    best_fit,
    choose_defining_axes,
    find_archetypes,
    information,
    signature_positions,
)

SEGMENTS = {"purchase_frequency": ["often", "seldom"], "purchase_value": ["high", "low"], "mood": ["glad", "sad", "unknown"]}
AXES = list(SEGMENTS)


def shares_of(dominant, strength=0.8):
    """Memberships with the given dominant segments; the rest shared out evenly."""
    dominant = np.asarray(dominant)
    columns = []
    for number, names in enumerate(SEGMENTS.values()):
        rest = (1 - strength) / (len(names) - 1)
        columns.append(np.where(np.arange(len(names)) == dominant[:, [number]], strength, rest))
    return np.hstack(columns).astype(np.float32), dominant.astype(np.uint8)


def test_information_of_known_memberships():
    assert information(np.array([[1.0, 0.0], [0.0, 1.0]])) == pytest.approx(1.0)
    assert information(np.full((5, 4), 0.25)) == pytest.approx(0.0)
    # H(0.5) less H(0.9) = 1 - 0.469.
    assert information(np.array([[0.9, 0.1], [0.1, 0.9]])) == pytest.approx(0.531, abs=1e-3)
    assert information(np.zeros((0, 3))) == 0


def test_an_id_is_a_hash_of_axes_and_names_in_any_order():
    signature = {"purchase_value": "high", "purchase_frequency": "often"}
    digest = hashlib.sha256(b"purchase_frequency=often\npurchase_value=high").hexdigest()
    assert archetype_id(signature) == f"arch_{digest[:8]}"
    assert archetype_id(dict(reversed(signature.items()))) == archetype_id(signature)
    assert archetype_id(signature | {"mood": "glad"}) != archetype_id(signature)


def test_the_largest_number_of_axes_that_covers_enough_defines():
    # Eight of each value x frequency; mood splits each into five and three.
    rows = [(f, v, m) for f in (0, 1) for v in (0, 1) for m in [0] * 5 + [1] * 3]
    dominant = np.array(rows, dtype=np.uint8)
    bits = dict.fromkeys(AXES, 0.5)
    assert choose_defining_axes(bits, dominant, AXES, coverage=0.6) == AXES
    assert choose_defining_axes(bits, dominant, AXES, coverage=0.7) == ["purchase_frequency", "purchase_value"]
    assert choose_defining_axes(bits, dominant, AXES, coverage=0.7, least_members=3) == AXES
    assert choose_defining_axes(bits, dominant, AXES, coverage=0.6, most=2) == ["purchase_frequency", "purchase_value"]


def test_the_more_informative_axis_is_kept():
    axes = [*AXES, "noise"]
    dice = np.random.default_rng(0)
    dominant = np.column_stack([dice.integers(0, 2, (300, 3)), dice.integers(0, 7, 300)]).astype(np.uint8)
    bits = {"purchase_frequency": 0.1, "purchase_value": 0.1, "mood": 0.9, "noise": 0.2}
    assert choose_defining_axes(bits, dominant, axes, least_members=20) == AXES


def test_members_modes_and_agreement_by_hand():
    rows = [(0, 0, 0)] * 4 + [(0, 0, 1)] * 2 + [(1, 1, 1)] * 5 + [(1, 0, 1)]
    shares, dominant = shares_of(rows)
    # The last one leans to low value: he joins those, and agrees on frequency alone.
    shares[-1, 2:4] = 0.51, 0.49
    result = find_archetypes(shares, dominant, SEGMENTS, ["purchase_frequency", "purchase_value"])
    first, second = result.found
    assert (first.member_count, first.exact_count) == (6, 6) or (second.member_count, second.exact_count) == (6, 6)
    glad = next(found for found in result.found if found.signature == {"purchase_frequency": "often", "purchase_value": "high"})
    assert glad.dominant_segments == {"purchase_frequency": "often", "purchase_value": "high", "mood": "glad"}
    assert glad.agreement["mood"] == pytest.approx(4 / 6)
    assert glad.strength["mood"] == pytest.approx((4 * 0.8 + 2 * 0.1) / 6)
    sad = next(found for found in result.found if found.signature["purchase_value"] == "low")
    assert (sad.member_count, sad.exact_count) == (6, 5)
    assert sad.agreement["purchase_value"] == pytest.approx(5 / 6)
    assert result.found[result.member_of[-1]] == sad
    assert result.agrees_on.tolist() == [2] * 11 + [1]
    assert result.exact_share == pytest.approx(11 / 12)


def test_folding_takes_the_greatest_product_of_memberships():
    dice = np.random.default_rng(1)
    shares = np.hstack([dice.dirichlet(np.ones(len(names)), 200) for names in SEGMENTS.values()]).astype(np.float32)
    signatures = np.array([(f, v, m) for f in (0, 1) for v in (0, 1) for m in (0, 1, 2)], dtype=np.uint8)[::2]
    products = np.array([[row[f] * row[2 + v] * row[4 + m] for f, v, m in signatures] for row in shares.astype(float)])
    assert (best_fit(shares, signatures, SEGMENTS, AXES) == products.argmax(axis=1)).all()


def test_a_customer_alone_joins_what_he_joins_among_all():
    dice = np.random.default_rng(2)
    shares, dominant = shares_of(dice.integers(0, 2, (300, 3)))
    result = find_archetypes(shares, dominant, SEGMENTS, AXES, most=5)
    stored = sorted(result.found, key=lambda found: found.archetype_id)  # as they are read back
    positions = signature_positions([found.signature for found in stored], SEGMENTS, AXES)
    alone = [best_fit(shares[[row]], positions, SEGMENTS, AXES)[0] for row in range(300)]
    assert (result.agrees_on == 2).sum() > 50, "they fit two or three archetypes equally well"
    assert [stored[at] for at in alone] == [result.found[at] for at in result.member_of]


def test_a_tie_breaks_by_id_and_not_by_size():
    # Glad, sad or neither; whoever is neither fits both exactly as well.
    ids = {mood: archetype_id({"mood": name}) for mood, name in enumerate(["glad", "sad"])}
    first, second = sorted(ids, key=lambda mood: ids[mood])
    shares, dominant = shares_of([(0, 0, first)] * 5 + [(0, 0, second)] * 9 + [(0, 0, 2)])
    result = find_archetypes(shares, dominant, SEGMENTS, ["mood"])
    assert [found.member_count for found in result.found] == [9, 6]
    assert result.found[result.member_of[-1]].archetype_id == ids[first]


def test_of_equals_the_first_is_taken_whoever_else_is_looked_at():
    # Sums of nine logarithms differ in the last digit by the order in which they are added up.
    dice = np.random.default_rng(1)
    axes = {f"axis {number}": ["a", "b", "c"] for number in range(9)}
    shares = dice.dirichlet(np.ones(3), (200, 9)).astype(np.float32)
    shares[:, :, 1] = shares[:, :, 0]
    shares = shares.reshape(200, 27)
    signatures = dice.permutation([[int(digit) for digit in f"{number:09b}"] for number in range(309)]).astype(np.uint8)
    assert not best_fit(shares, signatures, axes, list(axes)).any()
    assert not any(best_fit(shares[[row]], signatures, axes, list(axes))[0] for row in range(200))


def test_a_tiny_shop_keeps_the_combinations_there_are():
    shares, dominant = shares_of([(0, 0, 0), (1, 1, 1), (0, 0, 0)])
    result = find_archetypes(shares, dominant, SEGMENTS, ["purchase_frequency", "purchase_value"])
    assert [found.member_count for found in result.found] == [2, 1]
    assert result.exact_share == 1


def test_nobody_has_no_archetype():
    shares, dominant = shares_of(np.zeros((0, 3), dtype=int))
    result = find_archetypes(shares, dominant, SEGMENTS, AXES)
    assert result.found == []
    assert len(result.member_of) == 0
    assert choose_defining_axes(dict.fromkeys(AXES, 0.0), dominant, AXES) == ["purchase_frequency", "purchase_value"]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 8))
def test_everybody_has_one_and_the_order_of_customers_does_not_matter(seed, n, most):
    dice = np.random.default_rng(seed)
    shares, dominant = shares_of(dice.integers(0, 2, (n, 3)), strength=0.6)
    order = dice.permutation(n)
    result = find_archetypes(shares, dominant, SEGMENTS, AXES, most=most, least_members=3)
    again = find_archetypes(shares[order], dominant[order], SEGMENTS, AXES, most=most, least_members=3)
    assert sum(found.member_count for found in result.found) == n
    assert len(result.found) <= most
    assert len({found.archetype_id for found in result.found}) == len(result.found)
    ids = [result.found[at].archetype_id for at in result.member_of]
    assert [again.found[at].archetype_id for at in again.member_of] == [ids[at] for at in order]


def test_a_signature_of_another_model_is_refused():
    with pytest.raises(ValueError, match="furious"):
        signature_positions([{"mood": "furious"}], SEGMENTS, ["mood"])
