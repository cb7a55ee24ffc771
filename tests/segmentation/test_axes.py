import pytest

from segmentation.axes import AXES, AXIS_BY_NAME, segment_label, segment_of

# The axes and example segments of the product reference, "Behavioral Axes (13 Dimensions)" and "Archetypes".
REFERENCE = {
    "purchase_frequency": ["weekly_shopper", "occasional_buyer", "once_a_year"],
    "purchase_value": ["high_value", "mid_tier", "budget_conscious"],
    "category_exploration": ["category_explorer", "variety_seeker", "focused_buyer", "multi_category"],
    "price_sensitivity": ["deal_hunter", "full_price_buyer", "value_focused"],
    "purchase_cadence": ["weekend_buyer", "payday_shopper", "irregular", "routine_buyer"],
    "customer_maturity": ["new_customer", "established", "long_term_loyal"],
    "repurchase_behavior": ["highly_loyal", "moderate_repeater", "one_time_buyer", "loyal"],
    "return_behavior": ["never_returns", "occasional_returner", "frequent_returner", "low_returner"],
    "communication_preference": ["email_preferred", "phone_caller", "self_service"],
    "problem_complexity_profile": ["simple_questions", "complex_issues", "technical_support"],
    "loyalty_trajectory": ["growing_engagement", "stable", "declining"],
    "product_knowledge": ["expert_user", "intermediate", "beginner"],
    "value_sophistication": ["value_aware", "feature_focused", "price_focused"],
}


def test_there_are_thirteen_axes_in_the_order_of_the_reference():
    assert [axis.name for axis in AXES] == list(REFERENCE)
    assert [axis.kind for axis in AXES] == ["purchase"] * 8 + ["support"] * 5


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_an_axis_has_the_examples_of_the_reference_and_names_for_six_clusters(axis):
    names = [segment.name for segment in axis.segments]
    assert set(REFERENCE[axis.name]) <= set(names)
    assert len(set(names)) == len(names)
    assert len({segment.label for segment in axis.segments}) == len(names)
    assert len(axis.names) >= 6
    assert len(axis.segments) <= 9


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_prototypes_have_one_number_for_each_feature_and_differ(axis):
    prototypes = [segment.prototype for segment in axis.names]
    assert {len(prototype) for prototype in prototypes} == {len(axis.clustered)}
    assert len(set(prototypes)) == len(prototypes)
    shares = [at for at, feature in enumerate(axis.clustered) if feature.unit == "share" and not feature.relative]
    assert all(0 <= prototype[at] <= 1 for prototype in prototypes for at in shares)


@pytest.mark.parametrize("axis", AXES, ids=lambda axis: axis.name)
def test_the_segment_for_too_little_evidence_comes_last_and_needs_no_prototype(axis):
    if axis.not_enough is None:
        return
    assert axis.segments[-1].name == axis.not_enough
    assert axis.segments[-1].prototype == ()


def test_labels_are_what_a_marketer_reads():
    assert AXIS_BY_NAME["purchase_frequency"].label == "Purchase frequency"
    assert segment_label("price_sensitivity", "deal_hunter") == "Deal hunter"
    assert segment_of("price_sensitivity", "deal_hunter").meaning == "has bought mostly with a code or on sale"


ONE_IS_ENOUGH = [axis for axis in AXES if axis.kind == "purchase" and axis.least_evidence == 1]


@pytest.mark.parametrize("axis", ONE_IS_ENOUGH, ids=lambda axis: axis.name)
def test_where_one_order_is_enough_no_words_claim_a_habit(axis):
    habits = ("between purchases", "buys about every", "now and then", "again", "comes back", "every third")
    assert [segment.meaning for segment in axis.names for habit in habits if habit in segment.meaning] == []


def test_the_words_for_the_commonest_segments_of_one_time_buyers():
    assert segment_of("purchase_frequency", "rare_buyer").meaning == "averages less than one purchase a year"
    assert segment_of("price_sensitivity", "occasional_saver").meaning == "has had few discounts, if any"
    assert segment_of("category_exploration", "balanced_buyer").meaning == "buys a typical mix of products"


def test_a_name_of_another_release_is_still_readable():
    assert segment_label("price_sensitivity", "coupon_clipper") == "Coupon clipper"
