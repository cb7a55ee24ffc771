from dataclasses import replace

import pytest

from segmentation.gates import RunFigures, refusals

HEALTHY = RunFigures(
    segmented=10_000,
    buyers=10_000,
    largest_archetype=900,
    archetype_value=1_000_000.0,
    order_value=1_000_000.0,
    median_silhouette=0.4,
    unusable_shares=0,
    previous_segmented=9_800,
    previous_buyers=9_800,
    changed_segment_share=0.12,
)


def test_a_healthy_run_passes_every_gate():
    assert refusals(HEALTHY) == []


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("memberships", {"unusable_shares": 1}),
        ("value", {"archetype_value": 1_002_000.0}),
        ("one archetype", {"largest_archetype": 9_100}),
        ("structure", {"median_silhouette": 0.14}),
        ("coverage", {"segmented": 9_400, "buyers": 10_000}),
        ("population", {"segmented": 8_700, "buyers": 8_700}),
        ("stability", {"changed_segment_share": 0.36}),
    ],
)
def test_each_gate_holds_a_sick_run_back_and_says_why(gate, change):
    found = refusals(replace(HEALTHY, **change))
    assert [refusal.gate for refusal in found] == [gate]
    assert found[0].reason.endswith(".")


@pytest.mark.parametrize(
    "change",
    [{"archetype_value": 1_000_900.0}, {"largest_archetype": 8_900}, {"changed_segment_share": 0.34}, {"segmented": 9_600}],
)
def test_what_is_within_the_limits_passes(change):
    assert refusals(replace(HEALTHY, **change)) == []


def test_growth_is_what_an_import_does_and_passes():
    assert refusals(replace(HEALTHY, segmented=30_000, buyers=30_000)) == []


def test_a_first_run_is_compared_with_nothing():
    first = replace(HEALTHY, previous_segmented=None, previous_buyers=None, changed_segment_share=None)
    assert refusals(first) == []


def test_in_a_handful_of_customers_shares_say_nothing():
    few = replace(HEALTHY, segmented=12, buyers=12, largest_archetype=12, median_silhouette=None, previous_segmented=40)
    assert refusals(few) == []
