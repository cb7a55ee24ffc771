import pytest

from segmentation.axes import AXES
from segmentation.naming import NAME_LENGTH, describe, name_for

DEAL_HUNTER = {"purchase_frequency": "weekly_shopper", "purchase_value": "high_value", "price_sensitivity": "deal_hunter"}
RARITY = {"purchase_frequency": 0.2, "purchase_value": 0.1, "price_sensitivity": 0.05}


def test_a_name_says_worth_rhythm_and_who():
    assert name_for(DEAL_HUNTER, RARITY, set()) == "Premium Weekly Deal Hunter"


def test_who_it_is_comes_from_the_rarest_telling_segment():
    signature = DEAL_HUNTER | {"return_behavior": "serial_returner"}
    assert name_for(signature, RARITY | {"return_behavior": 0.01}, set()) == "Premium Weekly Serial Returner"


def test_a_twin_gets_the_trait_that_tells_them_apart():
    signature = DEAL_HUNTER | {"communication_preference": "chat_first"}
    name = name_for(signature, RARITY | {"communication_preference": 0.3}, {"premium weekly deal hunter"})
    assert name == "Premium Weekly Deal Hunter, chat first"


@pytest.mark.parametrize(
    ("axis", "unknown"), [("category_exploration", "products_unknown"), ("product_knowledge", "level_unknown")]
)
def test_what_we_do_not_know_is_never_part_of_a_name(axis: str, unknown: str):
    signature = {"purchase_value": "mid_tier", "purchase_frequency": "weekly_shopper", axis: unknown}
    taken: set[str] = set()
    for _ in range(5):
        name = name_for(signature, {axis: 0.01}, taken)
        assert "unknown" not in name
        assert name.lower() not in taken
        taken.add(name.lower())


def test_a_twin_without_a_rhythm_yet_is_said_to_have_bought_little():
    signature = DEAL_HUNTER | {"purchase_cadence": "too_early_to_tell"}
    assert name_for(signature, RARITY, {"premium weekly deal hunter"}) == "Premium Weekly Deal Hunter, few purchases yet"


def test_names_stay_unique_and_short_when_nothing_tells_twins_apart():
    taken: set[str] = set()
    for _ in range(12):
        name = name_for(DEAL_HUNTER, RARITY, taken)
        assert name.lower() not in taken
        assert len(name) <= NAME_LENGTH
        taken.add(name.lower())


def test_a_one_time_buyer_has_no_rhythm():
    signature = {"purchase_frequency": "rare_buyer", "purchase_value": "high_value", "repurchase_behavior": "one_time_buyer"}
    assert name_for(signature, {"repurchase_behavior": 0.2}, set()) == "Premium One-Time Buyer"


def test_the_description_is_one_sentence_of_meanings():
    assert describe(DEAL_HUNTER, RARITY) == (
        "Averages about one purchase a week, spends more an order than most and has bought mostly with a code or on sale."
    )


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_every_segment_can_be_part_of_a_name_and_a_description(axis):
    for segment in axis.segments:
        signature = {"purchase_value": "mid_tier", "purchase_frequency": "monthly_regular", axis.name: segment.name}
        assert 0 < len(name_for(signature, {}, set())) <= NAME_LENGTH
        assert describe(signature, {}).endswith(".")


def test_not_enough_to_tell_is_no_trait():
    signature = DEAL_HUNTER | {"purchase_cadence": "too_early_to_tell"}
    assert "often enough" not in describe(signature, RARITY | {"purchase_cadence": 0.01})
