"""The 13 axes in plain words: what each asks, which features answer it, and the closed list of segment names.

A name is given to a cluster by comparing the cluster with the name's *prototype* (`segmentation.maths.labels`): one number
for each feature that enters the clustering, in that order. Where a name is absolute ("weekly shopper" is about 7 days) the
number is in the feature's own unit; where it is relative ("high value" is high for this shop) it is in standard deviations from
the population's mean. Names, not numbers, are stored and shown, so a name must keep its meaning once it has been released.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Transform = Literal["log", "lin"]
Kind = Literal["purchase", "support"]


@dataclass(frozen=True)
class Feature:
    """One number about a customer on one axis.

    `transform` is "log" (log1p, for heavy tails) or "lin". `clustered` features form the segments, the others are only shown.
    `step` is the difference in transformed units that people would notice; names weigh features by it. `relative`: prototypes
    are given in standard deviations. `unit` is what a page writes after the number; "share" runs 0 to 1, "money" is the shop's.
    """

    name: str
    label: str
    unit: str
    transform: Transform = "lin"
    clustered: bool = True
    step: float = 0.25
    relative: bool = False


@dataclass(frozen=True)
class Segment:
    """A name that a segment may have: for machines, for marketers, and in words ("averages about one purchase a week").

    Where one order is enough to be in it the words claim no habit: they are true of somebody who has bought once. A `reserve`
    name is taken only where it fits clearly better: of three clusters one is mid tier, not upper mid.
    """

    name: str
    label: str
    meaning: str
    prototype: tuple[float, ...] = ()
    reserve: bool = False


@dataclass(frozen=True)
class Axis:
    """One aspect of behaviour.

    A customer with fewer than `least_evidence` of the observations named `evidence` is in the segment `not_enough`, with
    membership 1. Clusters are fitted on customers with at least `fit_from_orders` orders; everybody is scored. Shares want
    four orders: customers with one put point masses at 0 and 1, which win the silhouette. Counts, money and ages want
    everybody: without the rare buyers there is no segment for rare buyers.
    """

    name: str
    label: str
    question: str
    kind: Kind
    features: tuple[Feature, ...]
    segments: tuple[Segment, ...]
    evidence: str = "orders"
    least_evidence: int = 1
    not_enough: str | None = None
    fit_from_orders: int = 4

    @property
    def clustered(self) -> tuple[Feature, ...]:
        """The features that form the segments."""
        return tuple(feature for feature in self.features if feature.clustered)

    @property
    def names(self) -> tuple[Segment, ...]:
        """The segments that a cluster can be: all but the "not enough" one."""
        return tuple(segment for segment in self.segments if segment.name != self.not_enough)


def _share(name: str, label: str, *, step: float = 0.25, clustered: bool = True, relative: bool = False) -> Feature:
    return Feature(name, label, "share", "lin", clustered, step, relative)


def _log(name: str, label: str, unit: str, *, clustered: bool = True, relative: bool = False) -> Feature:
    return Feature(name, label, unit, "log", clustered, 1.0 if relative else 0.7, relative)


AXES: tuple[Axis, ...] = (
    Axis(
        "purchase_frequency",
        "Purchase frequency",
        "How often they shop",
        "purchase",
        (
            _log("mean_gap_days", "Days between purchases", "days"),
            _log("orders_per_month", "Orders a month", "orders"),
            _log("total_orders", "Orders", "orders", clustered=False),
            _log("orders_365d", "Orders in the last year", "orders", clustered=False),
            _log("recency_days", "Days since the last order", "days", clustered=False),
        ),
        (
            Segment("weekly_shopper", "Weekly shopper", "averages about one purchase a week", (7, 4.3)),
            Segment("fortnightly_shopper", "Fortnightly shopper", "averages about one purchase every two weeks", (15, 2.1)),
            Segment("monthly_regular", "Monthly regular", "averages about one purchase a month", (30, 1.0)),
            Segment("every_other_month", "Every other month", "averages about one purchase every two months", (60, 0.5)),
            Segment("occasional_buyer", "Occasional buyer", "averages a few purchases a year", (110, 0.28)),
            Segment("twice_a_year", "Twice a year", "averages about two purchases a year", (180, 0.17)),
            Segment("once_a_year", "Once a year", "averages about one purchase a year", (365, 0.083)),
            Segment("rare_buyer", "Rare buyer", "averages less than one purchase a year", (700, 0.04)),
        ),
        fit_from_orders=1,
    ),
    Axis(
        "purchase_value",
        "Purchase value",
        "How much they spend",
        "purchase",
        (
            _log("avg_order_value", "Average order", "money", relative=True),
            _log("max_order_value", "Largest order", "money", relative=True),
            _log("lifetime_value", "Lifetime value", "money", clustered=False),
            _log("spend_365d", "Spent in the last year", "money", clustered=False),
            _log("units_per_order", "Pieces an order", "pieces", clustered=False),
        ),
        (
            Segment("top_spender", "Top spender", "spends far more an order than others", (2.6, 2.6), reserve=True),
            Segment("high_value", "High value", "spends more an order than most", (1.0, 1.0)),
            Segment("upper_mid", "Upper mid", "spends somewhat more an order than the middle", (0.5, 0.5), reserve=True),
            Segment("mid_tier", "Mid tier", "spends about as much an order as the middle", (0.0, 0.0)),
            Segment("lower_mid", "Lower mid", "spends somewhat less an order than the middle", (-0.5, -0.5), reserve=True),
            Segment("budget_conscious", "Budget-conscious", "spends less an order than most", (-1.0, -1.0)),
            Segment("small_basket", "Small basket", "spends far less an order than others", (-2.6, -2.6), reserve=True),
        ),
        fit_from_orders=1,
    ),
    Axis(
        "category_exploration",
        "Category exploration",
        "How widely they look around in the shop",
        "purchase",
        (
            _share("category_variety", "Chance that two things bought are of different categories", relative=True, step=1.0),
            _share("top_category_share", "Share of the favourite category", relative=True, step=1.0),
            _log("categories_per_order", "Categories an order", "categories", relative=True),
            _log("categories", "Categories bought", "categories", clustered=False),
        ),
        (
            Segment("multi_category", "Multi-category", "fills an order from many categories", (0.7, -0.7, 1.4)),
            Segment("category_explorer", "Category explorer", "buys from far more categories than most", (1.3, -1.3, 0.4)),
            Segment("variety_seeker", "Variety seeker", "buys one category an order, favoring none", (0.6, -0.6, -0.7)),
            Segment("balanced_buyer", "Balanced buyer", "buys a typical mix of products", (0.0, 0.0, 0.0)),
            Segment("category_loyal", "Category-loyal", "has bought mostly from one category", (-0.6, 0.6, -0.3)),
            Segment("focused_buyer", "Focused buyer", "has bought nearly everything from one category", (-1.4, 1.4, -0.8)),
            Segment("pair_buyer", "Pair buyer", "buys from few categories, mostly together", (-0.7, 0.2, 0.8)),
            Segment("products_unknown", "Products unknown", "we do not know what was in the orders"),
        ),
        evidence="categorised_lines",
        not_enough="products_unknown",
    ),
    Axis(
        "price_sensitivity",
        "Price sensitivity",
        "How much they depend on discounts",
        "purchase",
        (
            _share("discounted_order_share", "Orders with a discount"),
            _share("discount_rate", "Discount on everything bought", step=0.1),
            _share("discounted_spend_share", "Spending in orders with a discount"),
        ),
        (
            Segment("full_price_buyer", "Full-price buyer", "has hardly ever had a discount", (0.02, 0.003, 0.02)),
            Segment("occasional_saver", "Occasional saver", "has had few discounts, if any", (0.15, 0.02, 0.15)),
            Segment("value_focused", "Value-focused", "has had a discount on about a third of the orders", (0.35, 0.05, 0.35)),
            Segment("offer_responsive", "Offer-responsive", "has bought with and without a discount alike", (0.55, 0.1, 0.55)),
            Segment("deal_hunter", "Deal hunter", "has bought mostly with a code or on sale", (0.85, 0.2, 0.85)),
            Segment("clearance_shopper", "Clearance shopper", "has bought only what was deeply reduced", (0.95, 0.45, 0.95)),
            Segment("small_code_user", "Small-code user", "has mostly used a code, for a little off", (0.7, 0.05, 0.6)),
        ),
    ),
    Axis(
        "purchase_cadence",
        "Purchase cadence",
        "When they shop, and how regularly",
        "purchase",
        (
            _share("weekend_share", "Purchases on Saturday or Sunday"),
            _share("payday_share", "Purchases around payday"),
            _share("top_weekday_share", "Purchases on the favourite weekday"),
            Feature("gap_cv", "Unevenness of the gaps", "", "log", step=0.25),
        ),
        (
            Segment("weekend_buyer", "Weekend buyer", "buys mostly on Saturday or Sunday", (0.8, 0.28, 0.5, 0.8)),
            Segment("payday_shopper", "Payday shopper", "buys mostly around payday", (0.29, 0.8, 0.35, 0.6)),
            Segment("routine_buyer", "Routine buyer", "buys on a fixed weekday at even intervals", (0.2, 0.28, 0.8, 0.4)),
            Segment("steady_rhythm", "Steady rhythm", "buys at even intervals, on any day", (0.29, 0.28, 0.35, 0.35)),
            Segment("weekday_buyer", "Weekday buyer", "buys from Monday to Friday", (0.05, 0.28, 0.4, 0.8)),
            Segment("irregular", "Irregular", "buys at no fixed time", (0.29, 0.28, 0.35, 1.0)),
            Segment("burst_buyer", "Burst buyer", "buys several times in a row, then pauses long", (0.29, 0.28, 0.35, 2.0)),
            Segment("too_early_to_tell", "Too early to tell", "has not bought often enough to show a rhythm"),
        ),
        evidence="occasions",
        least_evidence=3,
        not_enough="too_early_to_tell",
    ),
    Axis(
        "customer_maturity",
        "Customer maturity",
        "How long they have been customers",
        "purchase",
        (
            _log("tenure_days", "Days since the first order", "days"),
            _log("account_age_days", "Days since the profile was made", "days"),
            _log("active_span_days", "Days from first to last order", "days", clustered=False),
        ),
        (
            Segment("new_customer", "New customer", "bought first within the last weeks", (45, 50)),
            Segment("settling_in", "Settling in", "has been a customer for some months", (160, 175)),
            Segment("established", "Established", "has been a customer for about a year", (380, 400)),
            Segment("seasoned", "Seasoned", "has been a customer for about two years", (730, 750)),
            Segment("long_term_loyal", "Long-term loyal", "has been a customer for three years or more", (1250, 1280)),
            Segment("veteran", "Veteran", "has been a customer for many years", (2600, 2650)),
            Segment("late_starter", "Late starter", "had a profile long before the first order", (90, 700)),
        ),
        fit_from_orders=1,
    ),
    Axis(
        "repurchase_behavior",
        "Repurchase behavior",
        "How much they buy again what they bought before",
        "purchase",
        (
            _share("repeat_line_share", "Lines with something bought before"),
            _share("top_product_share", "Lines with the favourite product"),
            _share("repurchase_90d_share", "Purchases followed by another within 90 days", clustered=False),
            _log("repeat_orders", "Orders after the first", "orders", clustered=False),
        ),
        (
            Segment("highly_loyal", "Highly loyal", "buys mostly the same products again", (0.7, 0.4)),
            Segment("loyal", "Loyal", "buys about half of it again", (0.45, 0.25)),
            Segment("moderate_repeater", "Moderate repeater", "buys some products again", (0.27, 0.17)),
            Segment("occasional_repeater", "Occasional repeater", "now and then buys a product again", (0.12, 0.15)),
            Segment("always_something_new", "Always something new", "comes back, but for other products", (0.02, 0.12)),
            Segment("one_product_fan", "One-product fan", "comes back for one and the same product", (0.8, 0.85)),
            Segment("few_favourites", "Few favourites", "buys few things, one of them most often", (0.25, 0.45)),
            Segment("one_time_buyer", "One-time buyer", "has bought once so far"),
        ),
        evidence="occasions",
        least_evidence=2,
        not_enough="one_time_buyer",
    ),
    Axis(
        "return_behavior",
        "Return behavior",
        "How much goes back",
        "purchase",
        (
            _share("refunded_order_share", "Orders with a refund", step=0.1),
            _share("refunded_value_share", "Money refunded", step=0.1),
            _log("refund_count", "Refunds", "refunds", clustered=False),
        ),
        (
            Segment("never_returns", "Never returns", "has sent back nothing, or next to nothing", (0.0, 0.0)),
            Segment("low_returner", "Low returner", "has sent back very little, if anything", (0.06, 0.04)),
            Segment("occasional_returner", "Occasional returner", "has sent something back, but seldom", (0.15, 0.1)),
            Segment("regular_returner", "Regular returner", "has sent something back more often than most", (0.3, 0.22)),
            Segment("frequent_returner", "Frequent returner", "has sent something back from half of the orders", (0.5, 0.4)),
            Segment("serial_returner", "Serial returner", "has sent back most of what was ordered", (0.8, 0.75)),
            Segment("partial_returner", "Partial returner", "has sent back small parts of orders", (0.4, 0.08)),
        ),
    ),
    Axis(
        "communication_preference",
        "Communication preference",
        "How they contact support",
        "support",
        (
            _log("tickets_per_order", "Questions an order", "tickets", relative=True),
            _share("email_share", "Questions by e-mail"),
            _share("phone_share", "Questions by phone"),
            _share("chat_share", "Questions by chat"),
            _share("help_center_share", "Questions through the help center"),
            _log("tickets", "Questions", "tickets", clustered=False),
        ),
        (
            Segment("email_preferred", "Prefers e-mail", "writes e-mails", (0, 0.95, 0.02, 0.02, 0.01)),
            Segment("phone_caller", "Phone caller", "calls", (0, 0.03, 0.93, 0.02, 0.01)),
            Segment("chat_first", "Chat first", "opens a chat", (0, 0.03, 0.02, 0.93, 0.01)),
            Segment("help_center_user", "Help center user", "asks through the help center", (0, 0.03, 0.02, 0.02, 0.92)),
            Segment("mixed_channels", "Mixed channels", "writes, calls or chats as it comes", (0, 0.4, 0.15, 0.3, 0.1)),
            Segment("frequent_contact", "Frequent contact", "asks far more often than others", (2.0, 0.5, 0.15, 0.2, 0.1)),
            Segment("messenger", "Messenger", "writes text messages or on social media", (0, 0.02, 0.02, 0.02, 0.01)),
            Segment("self_service", "Self-service", "has never needed support"),
        ),
        evidence="tickets",
        not_enough="self_service",
    ),
    Axis(
        "problem_complexity_profile",
        "Problem complexity",
        "What kind of help they need",
        "support",
        (
            _log("messages_per_ticket", "Messages a question", "messages"),
            _log("resolution_hours", "Hours until solved", "hours"),
            _share("reopened_share", "Questions opened again"),
            _share("technical_share", "Technical questions"),
        ),
        (
            Segment("simple_questions", "Simple questions", "asks what is soon answered", (2, 5, 0.02, 0.08)),
            Segment("everyday_questions", "Everyday questions", "asks what takes a few messages", (3.5, 18, 0.05, 0.12)),
            Segment("complex_issues", "Complex issues", "has problems that take long and come back", (8, 70, 0.3, 0.2)),
            Segment("technical_support", "Technical support", "needs technical help", (4.5, 20, 0.08, 0.9)),
            Segment("slow_cases", "Slow cases", "waits long for a solution", (3, 150, 0.05, 0.12)),
            Segment("recurring_problems", "Recurring problems", "has to ask again", (4, 30, 0.8, 0.15)),
            Segment("long_conversations", "Long conversations", "writes back and forth a lot", (9, 14, 0.08, 0.12)),
            Segment("no_questions_yet", "No questions yet", "has not asked support anything"),
        ),
        evidence="tickets",
        not_enough="no_questions_yet",
    ),
    Axis(
        "loyalty_trajectory",
        "Loyalty trajectory",
        "Where the relationship is going",
        "support",
        (
            _share("span_centroid", "Centre of the purchases between first order and today", step=0.12),
            _share("spend_centroid", "Centre of the spending between first order and today", step=0.12),
            Feature("rate_90d_ratio", "Purchases of the last 90 days against the usual number", "times", step=0.7),
            Feature("gap_slope", "Growth of the gaps", "", step=0.5),
        ),
        (
            Segment("growing_engagement", "Growing engagement", "buys more and more", (0.66, 0.66, 1.7, -0.5)),
            Segment("stable", "Stable", "buys as before", (0.5, 0.5, 1.0, 0.0)),
            Segment("spending_more", "Spending more", "buys as often, for more money", (0.53, 0.66, 1.1, 0.0)),
            Segment("cooling_down", "Cooling down", "buys a little less than before", (0.42, 0.42, 0.7, 0.3)),
            Segment("declining", "Declining", "buys clearly less than before", (0.32, 0.32, 0.3, 0.5)),
            Segment("gone_quiet", "Gone quiet", "bought for a while, then no more", (0.17, 0.17, 0.05, 0.1)),
            Segment("back_again", "Back again", "has returned after a long pause", (0.55, 0.55, 1.8, 1.0)),
            Segment("too_early_to_tell", "Too early to tell", "has not bought often enough to show a trend"),
        ),
        evidence="occasions",
        least_evidence=3,
        not_enough="too_early_to_tell",
    ),
    Axis(
        "product_knowledge",
        "Product knowledge",
        "How experienced they are",
        "support",
        (
            _share("pro_line_share", "Lines at professional level"),
            _share("starter_line_share", "Lines at starter level"),
            _share("how_to_share", "Questions about how to use something"),
        ),
        (
            Segment("expert_user", "Expert", "has bought mostly professional products", (0.75, 0.06, 0.05)),
            Segment("skilled_user", "Skilled", "has bought more professional than starter products", (0.5, 0.2, 0.1)),
            Segment("intermediate", "Intermediate", "has bought products of every level", (0.3, 0.33, 0.15)),
            Segment("improver", "Improver", "has bought more starter than professional products", (0.17, 0.5, 0.2)),
            Segment("beginner", "Beginner", "has bought mostly starter products", (0.05, 0.75, 0.12)),
            Segment("curious_learner", "Curious learner", "asks how things are used", (0.15, 0.5, 0.6)),
            Segment("mid_level", "Mid level", "has bought neither starter nor professional products", (0.08, 0.08, 0.12)),
            Segment("level_unknown", "Level unknown", "we do not know the level of the products bought"),
        ),
        evidence="levelled_knowledge_lines",
        not_enough="level_unknown",
    ),
    Axis(
        "value_sophistication",
        "Value sophistication",
        "What they look for in a product",
        "support",
        (
            _share("premium_line_share", "Premium lines"),
            _share("basic_line_share", "Basic lines"),
            _share("price_match_share", "Questions about prices"),
            _log("units_per_line", "Pieces a line", "pieces", relative=True),
        ),
        (
            Segment("feature_focused", "Feature-focused", "has paid for the better product", (0.65, 0.1, 0.05, 0.0)),
            Segment("value_aware", "Value-aware", "has chosen better and cheaper products alike", (0.33, 0.33, 0.08, 0.0)),
            Segment("price_focused", "Price-focused", "has chosen the cheapest that does it", (0.08, 0.7, 0.12, 0.0)),
            Segment("quality_leaning", "Quality-leaning", "has mostly chosen better over cheaper", (0.45, 0.2, 0.05, 0.0)),
            Segment("thrift_leaning", "Thrift-leaning", "has mostly chosen cheaper over better", (0.2, 0.48, 0.08, 0.0)),
            Segment("bulk_buyer", "Bulk buyer", "has taken many of one thing", (0.33, 0.36, 0.08, 1.6)),
            Segment("price_comparer", "Price comparer", "has asked for a better price", (0.25, 0.4, 0.75, 0.0)),
            Segment("middle_of_the_range", "Middle of the range", "has chosen neither dear nor cheap", (0.08, 0.1, 0.07, 0.0)),
            Segment("level_unknown", "Level unknown", "we do not know whether the products were dear or cheap"),
        ),
        evidence="levelled_value_lines",
        not_enough="level_unknown",
    ),
)

AXIS_BY_NAME: Mapping[str, Axis] = {axis.name: axis for axis in AXES}
_SEGMENT_BY_NAME = {(axis.name, segment.name): segment for axis in AXES for segment in axis.segments}


def segment_of(axis: str, name: str) -> Segment:
    """The segment of that name on that axis; `KeyError` if the closed list does not have it."""
    return _SEGMENT_BY_NAME[axis, name]


def segment_label(axis: str, name: str) -> str:
    """What a marketer reads for a segment's name; the name itself, spelled out, where this release does not know it."""
    segment = _SEGMENT_BY_NAME.get((axis, name))
    return segment.label if segment else name.replace("_", " ").capitalize()
