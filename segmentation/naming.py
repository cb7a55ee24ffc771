"""Archetype names and descriptions by rule: two to four plain words from the segments that set the archetype apart.

A name ends with who that is and begins with up to two of: where the relationship is heading, what an order is worth, how often
("Premium Weekly Deal Hunter"). Who it is comes from the rarest telling segment, because what few share says most. Names are
unique; a twin gets the next telling trait behind it ("…, chat first"), so that the difference between the two can be read.
"""

from collections.abc import Collection, Mapping, Sequence

from segmentation.axes import AXIS_BY_NAME, segment_of

NAME_LENGTH = 60
DESCRIPTION_LENGTH = 300
_TRAITS_IN_A_DESCRIPTION = 4

_WORTH = {
    "top_spender": "Big-Spending",
    "high_value": "Premium",
    "upper_mid": "Generous",
    "lower_mid": "Careful",
    "budget_conscious": "Thrifty",
    "small_basket": "Small-Basket",
}
_HEADING = {
    "growing_engagement": "Growing",
    "spending_more": "Upgrading",
    "cooling_down": "Cooling",
    "declining": "Fading",
    "gone_quiet": "Quiet",
    "back_again": "Won-Back",
}
_HOW_OFTEN = {
    "weekly_shopper": "Weekly",
    "fortnightly_shopper": "Fortnightly",
    "monthly_regular": "Monthly",
    "every_other_month": "Two-Monthly",
    "occasional_buyer": "Occasional",
    "twice_a_year": "Twice-a-Year",
    "once_a_year": "Once-a-Year",
    "rare_buyer": "Rare",
}
_WHO = {
    "category_exploration": {
        "multi_category": "All-Rounder",
        "category_explorer": "Explorer",
        "variety_seeker": "Variety Seeker",
        "category_loyal": "Category Loyalist",
        "focused_buyer": "Specialist",
        "pair_buyer": "Pair Buyer",
    },
    "price_sensitivity": {
        "full_price_buyer": "Full-Price Buyer",
        "value_focused": "Value Shopper",
        "offer_responsive": "Offer Shopper",
        "deal_hunter": "Deal Hunter",
        "clearance_shopper": "Clearance Shopper",
        "small_code_user": "Code User",
    },
    "purchase_cadence": {
        "weekend_buyer": "Weekend Buyer",
        "payday_shopper": "Payday Shopper",
        "routine_buyer": "Routine Buyer",
        "steady_rhythm": "Steady Buyer",
        "weekday_buyer": "Weekday Buyer",
        "burst_buyer": "Burst Buyer",
    },
    "customer_maturity": {
        "new_customer": "Newcomer",
        "seasoned": "Old Hand",
        "long_term_loyal": "Long-Timer",
        "veteran": "Veteran",
        "late_starter": "Late Starter",
    },
    "repurchase_behavior": {
        "highly_loyal": "Loyalist",
        "loyal": "Loyal Repeater",
        "moderate_repeater": "Repeater",
        "always_something_new": "Novelty Seeker",
        "one_product_fan": "One-Product Fan",
        "few_favourites": "Favorites Buyer",
        "one_time_buyer": "One-Time Buyer",
    },
    "return_behavior": {
        "regular_returner": "Returner",
        "frequent_returner": "Frequent Returner",
        "serial_returner": "Serial Returner",
        "partial_returner": "Partial Returner",
    },
    "communication_preference": {
        "phone_caller": "Phone Caller",
        "frequent_contact": "Frequent Asker",
        "messenger": "Messenger",
    },
    "product_knowledge": {
        "expert_user": "Expert",
        "skilled_user": "Skilled Buyer",
        "beginner": "Beginner",
        "curious_learner": "Learner",
    },
    "value_sophistication": {
        "feature_focused": "Quality Seeker",
        "price_focused": "Bargain Seeker",
        "bulk_buyer": "Bulk Buyer",
        "price_comparer": "Price Comparer",
    },
}
_NOBODY_IN_PARTICULAR = "Buyer"
# What we do not know of the products is no trait of the people who bought them.
_NEVER_IN_A_NAME = frozenset({"products_unknown", "level_unknown"})
_BEHIND_A_NAME = {"too_early_to_tell": "few purchases yet"}
_WORDS_BEFORE_WHO = 2


def name_for(signature: Mapping[str, str], rarity: Mapping[str, float], taken: Collection[str]) -> str:
    """A name of at most 60 characters that is not in `taken`.

    Parameters
    ----------
    signature
        {axis: segment} on the defining axes.
    rarity
        {axis: share of customers in that segment}, 0 to 1; smaller is more telling.
    taken
        Names that other archetypes have, in lower case.
    """
    telling = _by_rarity(signature, rarity)
    who_axis, who = next(
        ((axis, _WHO[axis][signature[axis]]) for axis in telling if signature[axis] in _WHO.get(axis, {})),
        ("", _NOBODY_IN_PARTICULAR),
    )
    once = signature.get("repurchase_behavior") == "one_time_buyer"
    words = {
        "loyalty_trajectory": _HEADING.get(signature.get("loyalty_trajectory", ""), ""),
        "purchase_value": _WORTH.get(signature.get("purchase_value", ""), ""),
        "purchase_frequency": "" if once else _HOW_OFTEN.get(signature.get("purchase_frequency", ""), ""),
    }
    said = [axis for axis in telling if words.get(axis)][:_WORDS_BEFORE_WHO]
    name = " ".join([word for axis, word in words.items() if axis in said] + [who])
    said.append(who_axis)
    for axis in (*(a for a in telling if a not in said), *(a for a in telling if a in said)):
        if name.lower() not in taken:
            return name
        segment = signature[axis]
        longer = f"{name}, {_BEHIND_A_NAME.get(segment) or segment_of(axis, segment).label.lower()}"
        if segment in _NEVER_IN_A_NAME or len(longer) > NAME_LENGTH:
            continue
        name = longer
    return _numbered(name, taken)


def describe(signature: Mapping[str, str], rarity: Mapping[str, float]) -> str:
    """One sentence from the meanings of the most telling segments: "Averages about one purchase a week, spends …"."""
    lead = [axis for axis in ("purchase_frequency", "purchase_value") if axis in signature]
    rest = [axis for axis in _by_rarity(signature, rarity) if axis not in lead and not _says_nothing(axis, signature[axis])]
    meanings = [segment_of(axis, signature[axis]).meaning for axis in [*lead, *rest][:_TRAITS_IN_A_DESCRIPTION]]
    if not meanings:
        return ""
    sentence = " and ".join([", ".join(meanings[:-1]), meanings[-1]]) if len(meanings) > 1 else meanings[0]
    return f"{sentence[0].upper()}{sentence[1:]}."[:DESCRIPTION_LENGTH]


def _by_rarity(signature: Mapping[str, str], rarity: Mapping[str, float]) -> Sequence[str]:
    """Defining axes, rarest segment first; "not enough to tell" tells nothing and comes last."""
    return sorted(signature, key=lambda axis: (_says_nothing(axis, signature[axis]), rarity.get(axis, 1.0), axis))


def _says_nothing(axis: str, segment: str) -> bool:
    return segment == AXIS_BY_NAME[axis].not_enough and segment not in {"self_service", "one_time_buyer"}


def _numbered(name: str, taken: Collection[str]) -> str:
    if name.lower() not in taken:
        return name
    number = 2
    while f"{name} {number}".lower() in taken:
        number += 1
    return f"{name[: NAME_LENGTH - 1 - len(str(number))]} {number}"
