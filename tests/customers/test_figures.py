"""To how many places figures are told."""

import random
from decimal import Decimal

import pytest

from customers.figures import adding_up, least_told_as, money, percentage, ratio, share, to_cents


def test_shares_have_four_places_and_ratios_two():
    assert [share(each) for each in (0.11784430769510498, 4e-6, 1.0, -0.27272727)] == [0.1178, 0.0, 1.0, -0.2727]
    assert [ratio(each) for each in (48.1749, 2.6170348, 0.004)] == [48.17, 2.62, 0.0]
    assert [percentage(287, 27_333), percentage(1, 3), percentage(0, 0)] == [1.05, 33.33, 0.0]


def test_nothing_is_less_than_nothing():
    assert [str(told) for told in (share(-1e-9), ratio(-0.001))] == ["0.0", "0.0"]


def test_money_has_cents_with_halves_to_even():
    assert [money(Decimal(each)) for each in ("142.52", "171.842", "10.005", "0.0051")] == [142.52, 171.84, 10.0, 0.01]


@pytest.mark.parametrize("amount", ["0.00", "0.01", "9.99", "10", "10.001", "171.84", "171.85"])
def test_the_least_amount_that_is_told_as_much_is_found_to_the_last_place(amount):
    least, step = least_told_as(Decimal(amount)), Decimal("0.0001")
    assert to_cents(least) >= Decimal(amount) > to_cents(least - step)


def test_what_adds_up_still_adds_up_and_each_part_stays_within_a_step():
    assert adding_up([1 / 3, 1 / 3, 1 / 3], 10_000) == [3334, 3333, 3333]
    assert adding_up([0.104, 0.007, 0.007, -0.004], 11, steps=100) == [10, 1, 1, -1]
    assert adding_up([0.5, 0.0, -0.0], 50, steps=100) == [50, 0, 0]
    for seed in range(500):
        rng = random.Random(seed)
        shares = [rng.uniform(-1, 1) for _ in range(rng.randint(1, 7))]
        total = round(10_000 * sum(shares)) + rng.choice((-1, 0, 1)) * (len(shares) > 2)
        told = adding_up(shares, total)
        assert sum(told) == total
        assert all(abs(steps - 10_000 * each) < 1.51 for steps, each in zip(told, shares, strict=True))


def test_the_largest_share_stays_the_largest():
    for seed in range(500):
        rng = random.Random(seed)
        raw = [rng.random() ** 4 for _ in range(5)]
        shares = [each / sum(raw) for each in raw]
        told = adding_up(shares, 10_000)
        assert sum(told) == 10_000
        assert min(told) >= 0
        assert told[shares.index(max(shares))] == max(told)
