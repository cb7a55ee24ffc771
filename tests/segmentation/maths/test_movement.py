"""Movement between archetypes: what is stored of a month, and what it makes of the next ones."""

import numpy as np
import pytest

from segmentation.maths.movement import LEAST_COMPARABLE, PRIOR_MEMBERS, Members, moves, project_members


def members(**of):
    """Members by customer number: `members(a="1 2", b="3")`."""
    names = tuple(of)
    rows = [(int(number), at) for at, numbers in enumerate(of.values()) for number in numbers.split()]
    ids, archetype = (
        (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)) if rows else (np.empty(0), np.empty(0))
    )
    return Members.of(ids, archetype, names)


@pytest.mark.parametrize("stored", [members(arch_1="4 9 1000000", arch_2="2"), members(arch_1=""), members()])
def test_members_survive_being_stored(stored):
    again = Members.from_bytes(stored.to_bytes())
    assert again.names == stored.names
    assert again.customer_ids.tolist() == stored.customer_ids.tolist() == sorted(stored.customer_ids.tolist())
    assert again.archetype.tolist() == stored.archetype.tolist()
    assert again.archetype.dtype == np.int16


def test_a_large_shop_takes_little_room():
    rng = np.random.default_rng(0)
    ids = np.cumsum(rng.integers(1, 3, 94_000))
    stored = Members.of(ids, rng.integers(0, 868, 94_000), [f"arch_{n:08x}" for n in range(868)]).to_bytes()
    assert len(stored) < 200_000


def test_moves_name_who_stayed_who_moved_and_who_is_new():
    before, after = members(a="1 2 3", b="4 5"), members(b="3 4 7", a="1 8", c="2 9")
    assert moves(before, after) == [
        ("", "a", 1),
        ("", "b", 1),
        ("", "c", 1),
        ("a", "a", 1),
        ("a", "b", 1),
        ("a", "c", 1),
        ("b", "b", 1),
    ]


def test_without_anybody_there_are_no_moves():
    assert moves(members(), members()) == []
    assert moves(members(a="1"), members(a="")) == []
    assert moves(members(), members(a="1 2")) == [("", "a", 2)]


def test_an_archetype_of_which_few_were_seen_falls_back_on_all():
    # Of 1,100 seen 900 stayed. b was never seen: its members stay like everybody, and movers go where others went.
    moved = [("a", "a", 900), ("a", "b", 100), ("a", "c", 100)]
    (month,) = project_members({"a": 0, "b": 11_000, "c": 0}, moved, [0]).months
    assert month["b"] == 9_000
    assert month["c"] == 2_000
    # Of a itself so many were seen that its own share rules: (900 + 20 * 900/1100) / 1120.
    (month,) = project_members({"a": 100_000, "b": 0, "c": 0}, moved, [0]).months
    assert month["a"] == round(100_000 * (900 + PRIOR_MEMBERS * 900 / 1_100) / 1_120)


def test_newcomers_enter_where_they_entered():
    moved = [("a", "a", 50), ("b", "b", 50), ("", "a", 3), ("", "b", 1)]
    projected = project_members({"a": 50, "b": 50}, moved, [100, 100])
    assert [dict(month) for month in projected.months] == [{"a": 125, "b": 75}, {"a": 200, "b": 100}]
    assert projected.observed == 100


def test_without_entries_newcomers_enter_by_the_shares_of_now():
    projected = project_members({"a": 300, "b": 100}, [("a", "a", 300), ("b", "b", 100)], [40])
    assert dict(projected.months[0]) == {"a": 330, "b": 110}


def test_without_moves_the_shares_stay_and_grow():
    projected = project_members({"a": 300, "b": 100}, [], [40, 60])
    assert [dict(month) for month in projected.months] == [{"a": 330, "b": 110}, {"a": 375, "b": 125}]
    assert projected.observed == 0


@pytest.mark.parametrize("seed", range(5))
def test_members_add_up_to_those_of_now_and_all_newcomers(seed):
    rng = np.random.default_rng(seed)
    names = [f"arch_{n}" for n in range(40)]
    current = {name: int(rng.integers(0, 50)) for name in names}
    moved = [(a, b, int(rng.integers(1, 9))) for a in ["", *names] for b in names if rng.random() < 0.2]
    newcomers = [int(n) for n in rng.integers(0, 30, 36)]
    total = sum(current.values())
    for came, month in zip(newcomers, project_members(current, moved, newcomers).months, strict=True):
        total += came
        assert sum(month.values()) == total
        assert min(month.values()) >= 0
        assert set(month) == set(names)


def test_archetypes_that_were_found_anew_tell_nothing_of_moves():
    was, now = 100 * LEAST_COMPARABLE + 1, 100 * LEAST_COMPARABLE - 1
    projected = project_members({"a": 60, "b": 40}, [("old", "a", int(was)), ("b", "a", int(now))], [0])
    assert dict(projected.months[0]) == {"a": 60, "b": 40}
    assert projected.observed == 0


def test_nobody_segmented_projects_nobody():
    assert [dict(month) for month in project_members({}, [], [5]).months] == [{}]
    assert [dict(month) for month in project_members({"a": 0}, [("a", "a", 1)], [5]).months] == [{"a": 0}]
