"""Buyers by filter and order: whoever is wanted is found, in order, by nothing but the index of the order."""

import random
from decimal import Decimal
from math import inf

import pytest

from customers.models import Customer
from insights.walking import OF_SCORES, Wanted, at_levels, walk
from predictions.maths.lapse import level
from predictions.models import Prediction
from segmentation.models import Membership
from tests.factories import NOW, make_customer, make_prediction
from tests.published import publish

pytestmark = pytest.mark.django_db
ORDERS = (*OF_SCORES, "lifetime_value", "order_count", "last_order_at", "name_key")
FILTERS = [
    {"archetype": True},
    {"tiers": [1]},
    {"tiers": [0, 1]},
    {"tiers": [0, 2]},
    {"tiers": []},
    {"lapse": at_levels(["critical"])},
    {"lapse": at_levels(["critical", "high"])},
    {"lapse": at_levels(["critical", "low"])},
    {"lapse": at_levels([])},
    {"lapse": ((0.45, 0.55),)},
    {"lapse": ((0.35, 0.45),)},
    {"churn": ((0.5, inf),)},
    {"churn": ((0.0, 0.6),)},
    {"value_at_risk_min": 50},
    {"value_at_risk_min": Decimal("49.995")},
    {"value_at_risk_min": 0},
    {"is_active": True},
    {"archetype": True, "tiers": [2, 3], "lapse": at_levels(["medium"]), "value_at_risk_min": 7, "is_active": False},
]


@pytest.fixture
def shop(db):
    """Eighty buyers with scores on and off every edge, many of them the same; most have an archetype, and some no score."""
    dice = random.Random(7)
    published = publish()
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    people = Customer.objects.bulk_create(
        Customer(
            customer_id=f"c{n}",
            name_key=dice.choice(["ada b", "ada c", "zoe d"]),
            order_count=dice.choice([1, 1, 2, 9]),
            lifetime_value=dice.choice([Decimal("10"), Decimal("10.5"), Decimal("900")]),
            last_order_at=NOW.replace(day=dice.randint(1, 4)),
        )
        for n in range(80)
    )
    for n, customer in enumerate(people):
        if n % 9:
            published.join(customer, dice.choice([published.archetype, other]))
        if n % 8:
            make_prediction(
                customer,
                lapse_risk_score=dice.choice([0.0, 0.3, 0.44, 0.45, 0.5, 0.5499, 0.55, 0.7, 1.0]),
                churn_risk_score=dice.choice([0.2, 0.5, 0.6, 0.7, 0.95]),
                value_at_risk=Decimal(dice.choice(["0", "4.99", "5", "7", "49.99", "49.995", "50", "2000000"])),
                tier=dice.randint(0, 3),
                is_active=dice.random() < 0.5,
            )
    make_customer("Noah Lind")
    return published.archetype.pk


def asked_of(asked, archetype):
    return Wanted(**asked | ({"archetype": archetype} if "archetype" in asked else {}))


def is_wanted(customer, wanted):
    """What the filters mean, one customer at a time."""
    scored = Prediction.objects.filter(customer=customer).first()
    member = Membership.objects.filter(customer=customer).first()
    if not scored and any(value is not None for name, value in vars(wanted).items() if name != "archetype"):
        return False
    return all(
        (
            wanted.archetype is None or (member is not None and member.archetype_id == wanted.archetype),
            wanted.tiers is None or scored.tier in wanted.tiers,
            wanted.lapse is None or any(low <= scored.lapse_risk_score < high for low, high in wanted.lapse),
            wanted.churn is None or any(low <= scored.churn_risk_score < high for low, high in wanted.churn),
            wanted.value_at_risk_min is None or scored.value_at_risk >= wanted.value_at_risk_min,
            wanted.is_active is None or scored.is_active == wanted.is_active,
            scored is not None or member is not None,
        )
    )


@pytest.mark.parametrize("asked", FILTERS, ids=str)
def test_whoever_is_wanted_is_found_in_every_order_and_in_its_reverse(shop, asked):
    wanted = asked_of(asked, shop)
    buyers = [each for each in Customer.objects.buyers() if is_wanted(each, wanted)]
    scored = {each.pk: each for each in Prediction.objects.all()}
    for column in ORDERS:
        people = [each for each in buyers if each.pk in scored] if column in OF_SCORES else buyers
        values = {each.pk: getattr(scored[each.pk] if column in OF_SCORES else each, column) for each in people}
        in_order = sorted(set(values.values()), reverse=column != "name_key")
        expected = [key for value in in_order for key in sorted(values) if values[key] == value]
        assert list(walk(wanted, column).values_list("pk", flat=True)) == expected, column
        assert list(walk(wanted, column, backwards=True).values_list("pk", flat=True)) == expected[::-1], column


def test_a_level_is_the_scores_that_its_name_covers():
    for name in ("critical", "high", "medium", "low"):
        ((lowest, below),) = at_levels([name])
        for score in (0.0, 0.2999, 0.3, 0.4999, 0.5, 0.6999, 0.7, 1.0):
            assert (level(score) == name) == (lowest <= score < below)
    assert at_levels(["high", "critical"]) == ((0.5, inf),)
    assert at_levels(["no such"]) == ()


@pytest.mark.parametrize("column", ORDERS)
def test_the_index_of_an_order_holds_all_that_can_be_filtered_by(column):
    model = walk(Wanted(), column).model
    (index,) = [index for index in model._meta.indexes if index.fields[0].lstrip("-") == column]
    assert index.fields[1] == "customer"  # who shares a value stands by key
    scores = set(OF_SCORES) if model is Prediction else {"lapse_level", "churn_level", "value_at_risk_step"}
    assert set(index.fields[2:]) == {"archetype", "tier", "is_active"} | scores - {column}
