"""Who is erased is counted nowhere from that moment on, by whichever way he goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from customers.models import Customer
from insights.churn_summary import churn_summary
from predictions import runs, standings
from predictions.models import Prediction, RiskTally, ScoringRun, Standing
from quimbi.demo import shop
from tests.factories import NOW, make_customer, make_order, make_prediction, make_shop
from tests.predictions.tallied import assert_tallies_are_exact
from tests.standing import standing_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def scored_shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Six hundred invented customers, scored, for all tests of this file."""
    with standing_rows(django_db_blocker, lambda: (shop.seed(600, 5, NOW), runs.predict_everyone(NOW))):
        yield


def scored(level: str = "critical") -> int:
    """How many the answer counts at a level of lapse risk."""
    return churn_summary().lapse[level].customers


def one_at(level: str) -> Customer:
    edge = {"critical": 0.7, "high": 0.5}[level]
    return Customer.objects.filter(prediction__lapse_risk_score__gte=edge).order_by("prediction__lapse_risk_score").first()


def test_one_who_is_erased_leaves_his_level_at_once():
    before, everybody = scored(), churn_summary().scored
    one_at("critical").delete()
    assert scored() == before - 1
    assert churn_summary().scored == everybody - 1
    assert_tallies_are_exact()


@pytest.mark.parametrize(
    "some",
    [
        lambda: Customer.objects.filter(order_count__gte=3),
        lambda: Customer.objects.filter(pk__in=Prediction.objects.filter(tier=0).values("customer")),
        lambda: Customer.objects.order_by("-lifetime_value", "pk").exclude(order_count=1),
        lambda: Customer.objects.awaiting_first_purchase(),
        lambda: Customer.objects.none(),
    ],
    ids=["regulars", "vip", "by value", "awaiting", "nobody"],
)
def test_many_who_are_erased_together_leave_their_levels_together(some):
    some().delete()
    assert_tallies_are_exact()
    assert Prediction.objects.count() == Standing.objects.count() == churn_summary().scored


def test_who_is_erased_twice_is_taken_out_once():
    gone = one_at("high")
    Customer.objects.filter(customer_id=gone.customer_id).delete()
    Customer.objects.filter(customer_id=gone.customer_id).delete()
    assert_tallies_are_exact()


def test_when_everybody_is_erased_all_levels_are_empty():
    Customer.objects.all().delete()
    assert set(RiskTally.objects.values_list("customers", "active")) == {(0, 0)}
    assert_tallies_are_exact()


def test_what_is_taken_back_was_never_taken_out():
    before = scored()
    with transaction.atomic():
        one_at("critical").delete()
        assert scored() == before - 1
        transaction.set_rollback(True)
    assert scored() == before
    assert_tallies_are_exact()


def test_who_stays_when_the_demo_is_removed_stays_counted():
    ann = make_customer("Ann Lee", source="generic")
    make_order(ann, placed_at=NOW)
    runs.predict_customer(ann.pk, NOW)
    shop.remove()
    assert Customer.objects.get() == ann
    assert churn_summary().scored == 1
    assert_tallies_are_exact()


def test_who_is_erased_while_everybody_is_scored_is_not_stored(monkeypatch):
    gone, score = one_at("critical"), runs.score

    def score_and_erase(*args: Any) -> Any:
        scores = score(*args)
        Customer.objects.filter(pk=gone.pk).delete()
        return scores

    monkeypatch.setattr(runs, "score", score_and_erase)
    stored = runs.predict_everyone(NOW)
    assert stored == ScoringRun.objects.first().customers == Prediction.objects.count()
    assert not Prediction.objects.filter(customer=gone.pk).exists()
    assert standings.refresh() == 0
    assert_tallies_are_exact()


def test_without_scores_there_is_nothing_to_count():
    Prediction.objects.all().delete()
    RiskTally.objects.all().delete()
    make_shop()
    ann = make_customer("Ann Lee", orders=1)
    make_prediction(ann)
    ann.delete()
    assert not RiskTally.objects.exists()
