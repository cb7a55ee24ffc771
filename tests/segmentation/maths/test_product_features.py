import numpy as np
import pytest

from segmentation.maths.history import History
from segmentation.maths.observing import observe
from segmentation.maths.priors import population_priors
from segmentation.maths.product_features import product_counts, product_features
from segmentation.maths.product_levels import HIGH, LOW, MIDDLE, UNKNOWN, ProductLevels, learn_levels, line_levels
from tests.segmentation.maths.invented_shop import AS_OF, small_history

WITH_CATEGORIES = ProductLevels(has_categories=True)
# One customer, three orders: wool and needles; wool again; a book.
LINES = [
    (0, "wool", "Yarn", "Wool", 5.0),
    (0, "needles", "Tools", "Needles", 9.0),
    (1, "wool", "Yarn", "Wool", 5.0),
    (2, "book", "Books", "A book", 20.0),
]


def shop(lines=LINES) -> History:
    return small_history([[(40, 14.0), (30, 5.0), (20, 20.0)]], lines=lines)


def counted(history, levels=WITH_CATEGORIES):
    return {name: column[0] for name, column in product_counts(history, levels).items()}


def test_lines_categories_and_repeats_are_counted_by_hand():
    counts = counted(shop())
    assert (counts["lines"], counts["units"], counts["categories"]) == (4, 4, 3)
    assert (counts["repeat_lines"], counts["later_lines"], counts["top_product_lines"]) == (1, 2, 2)
    assert (counts["order_categories"], counts["categorised_orders"], counts["top_category_lines"]) == (4, 3, 2)
    # Of 12 ordered pairs of lines 2 are of one category: 5/6 differ, in units of 3 steps.
    assert (counts["line_steps"], counts["varied_lines"]) == pytest.approx((3, 2.5))


def test_a_line_without_category_is_left_out_of_categories_only():
    counts = counted(shop([*LINES[:3], (2, "book", "", "A book", 20.0)]))
    assert (counts["lines"], counts["categorised_lines"], counts["categories"], counts["categorised_orders"]) == (4, 3, 2, 2)


def test_two_lines_of_one_product_in_one_order_are_no_repeat():
    counts = counted(shop([(0, "wool", "Yarn", "Wool", 5.0), (0, "wool", "Yarn", "Wool", 5.0)]))
    assert (counts["repeat_lines"], counts["later_lines"], counts["top_product_lines"]) == (0, 0, 2)


def test_without_categories_the_product_stands_in():
    history = shop([(order, name, "", title, price) for order, name, _, title, price in LINES])
    levels = learn_levels(history)
    assert not levels.has_categories
    assert not levels.price_cuts
    assert counted(history, levels)["categories"] == 3


def test_a_customer_without_lines_has_neutral_features():
    history = small_history([[(40, 14.0)], [(3, 1.0)]])
    counts = observe(history, AS_OF).counts
    features = product_features(counts, population_priors(counts))
    assert all(np.isfinite(column).all() for name, column in features.items() if name != "units_per_order")


def priced(prices, title="A thing", category="Yarn"):
    return small_history([[(9, 1.0)]], lines=[(0, f"p{at}", category, title, float(price)) for at, price in enumerate(prices)])


def test_prices_within_the_category_part_starters_from_professionals():
    history = priced(range(1, 91))
    levels = learn_levels(history)
    assert levels.price_cuts == {"Yarn": (31.0, 61.0)}
    knowledge, value = line_levels(history, levels)
    assert (knowledge == value).all()
    assert [int((knowledge == level).sum()) for level in (LOW, MIDDLE, HIGH)] == [31, 29, 30]


def test_words_go_before_the_price():
    history = priced([*range(1, 91), 2], title="Professional starter")
    history.products.loc[90, "title"] = "Premium wool, pro grade"
    knowledge, value = line_levels(history, learn_levels(history))
    assert (knowledge[90], value[90]) == (HIGH, HIGH)
    assert knowledge[0] == MIDDLE  # both words cancel out
    assert value[0] == LOW


def test_one_price_for_everything_and_no_words_tell_no_level():
    levels = learn_levels(priced([5] * 100))
    assert not levels.price_cuts
    assert not levels.knowledge
    assert not levels.value


def test_a_few_stray_words_are_no_level_system():
    history = priced([5] * 100, category="")
    history.products.loc[:4, "title"] = "Luxury thing"
    levels = learn_levels(history)
    assert not levels.value
    assert (line_levels(history, levels)[1] == UNKNOWN).all()


def test_levels_survive_json():
    levels = learn_levels(priced(range(1, 91)))
    assert ProductLevels.from_json(levels.to_json()) == levels


def test_a_price_that_is_no_number_has_no_level():
    history = priced([*range(1, 91), float("nan"), float("inf"), -3, 0])
    assert (line_levels(history, learn_levels(history))[0][90:] == UNKNOWN).all()
