"""How a score is told: to four places, in percent, and never beyond its level."""

from math import nextafter

import pytest

from predictions.maths.lapse import level
from predictions.shown import beyond_shown_as, least_shown_as, percent_words, shown_percent, shown_score

EDGES = (0.3, 0.5, 0.7)


def test_a_score_has_four_places():
    assert [shown_score(each) for each in (0.11784430769510498, 0.5, 0.0, 1.0)] == [0.1178, 0.5, 0.0, 1.0]


def test_rounding_never_lifts_a_score_over_the_edge_of_its_level():
    assert [shown_percent(score) for score in (0.697, 0.7, 0.4999, 0.295, 0.3)] == [69, 70, 49, 29, 30]
    for edge in EDGES:
        for score in (edge - 1e-9, edge - 4e-5, nextafter(edge, 0), edge, nextafter(edge, 1)):
            assert level(shown_score(score)) == level(score)


def test_what_is_not_certain_is_neither_nothing_nor_all():
    assert [shown_score(score) for score in (1e-9, 0.99997)] == [0.0001, 0.9999]
    assert [percent_words(score) for score in (1e-9, 0.99997, 0.0, 1.0)] == ["<1%", ">99%", "0%", "100%"]


def test_percent_are_made_of_the_score_as_it_is_told():
    assert [percent_words(score) for score in (0.744, 0.69996, 0.697, 0.71499)] == ["74%", "69%", "69%", "72%"]


def test_a_told_score_is_told_the_same_again():
    assert all(shown_score(steps / 10_000) == steps / 10_000 for steps in range(10_001))


@pytest.mark.parametrize("told", [0.0001, 0.0002, 0.2999, 0.3, 0.3001, 0.4999, 0.5, 0.6999, 0.7, 0.78, 0.9999, 1.0])
def test_the_ends_of_a_range_of_told_scores_are_found_to_the_last_bit(told):
    least, beyond = least_shown_as(told), beyond_shown_as(told)
    assert shown_score(least) == told
    assert shown_score(nextafter(least, 0)) < told
    if told == 1:
        assert beyond is None
    else:
        assert shown_score(beyond) > told
        assert shown_score(nextafter(beyond, 0)) == told


def test_ends_between_two_told_scores_take_the_nearer_one_within():
    assert shown_score(least_shown_as(0.78301)) == 0.7831
    assert shown_score(nextafter(beyond_shown_as(0.78309), 0)) == 0.783
    assert least_shown_as(0.0) == 0.0
