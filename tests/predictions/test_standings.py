"""Standings say what customers, memberships and predictions say, whatever changes them."""

import importlib
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import metrics
from customers.models import Customer, DataImport
from customers.signals import file_stored
from predictions import standings
from predictions.models import Prediction, Standing
from segmentation.models import Membership, SegmentationRun, SegmentModel
from segmentation.publishing import publish as publish_run
from segmentation.publishing import roll_back
from segmentation.signals import archetype_changed
from tests.factories import NOW, make_customer, make_order, make_prediction
from tests.published import AS_OF, publish

pytestmark = pytest.mark.django_db


def standing(customer):
    return Standing.objects.get(customer=customer)


def test_a_standing_says_where_a_buyer_stands():
    published = publish()
    ann = make_customer("Ann Lee", orders=2)
    published.join(ann)
    make_prediction(ann, lapse_risk_score=0.7, churn_risk_score=0.4999, value_at_risk=Decimal("19.99"), tier=1, is_active=False)
    row = standing(ann)
    ann.refresh_from_db()
    assert (row.lifetime_value, row.order_count, row.last_order_at) == (ann.lifetime_value, 2, ann.last_order_at)
    assert (row.archetype, row.tier, row.is_active, row.name_key) == (published.archetype.pk, 1, False, "ann lee")
    assert (row.lapse_level, row.churn_level) == (0, 2)
    assert standings.STEPS[row.value_at_risk_step] == 10
    assert Prediction.objects.get(customer=ann).archetype == published.archetype.pk


@pytest.mark.parametrize(
    ("value", "edge"),
    [("0", 0), ("0.9999", 0), ("1", 1), ("1.9999", 1), ("2", 2), ("5", 5), ("9.99", 5), ("10", 10), ("77183.6", 50_000)],
)
def test_a_step_begins_at_its_edge(value, edge):
    ann = make_customer("Ann Lee", orders=1)
    make_prediction(ann, value_at_risk=Decimal(value))
    assert standings.STEPS[standing(ann).value_at_risk_step] == edge


def test_who_has_neither_an_order_nor_an_archetype_nor_a_score_has_no_standing():
    make_customer("Noah Awaiting")
    make_customer("Ida Berg", orders=1)
    assert standings.refresh() == 0
    assert not Standing.objects.exists()


def test_a_member_without_a_score_and_a_scored_buyer_without_an_archetype_have_one():
    published = publish()
    ida, ann = make_customer("Ida Berg", orders=1), make_customer("Ann Lee", orders=1)
    published.join(ida)
    make_prediction(ann)
    assert (standing(ida).archetype, standing(ida).tier, standing(ida).lapse_level) == (published.archetype.pk, None, None)
    assert (standing(ann).archetype, standing(ann).tier) == (0, 2)


def test_only_what_has_moved_is_written():
    published = publish()
    for n in range(3):
        customer = make_customer(f"Ann {n}", orders=1)
        published.join(customer)
        make_prediction(customer)
    Prediction.objects.filter(customer=customer).update(lapse_risk_score=0.41)  # the same level
    with CaptureQueriesContext(connection) as looked:
        assert standings.refresh() == 0
    assert not [query for query in looked if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    Prediction.objects.filter(customer=customer).update(lapse_risk_score=0.9)
    assert standings.refresh() == 1
    assert standing(customer).lapse_level == 0


def test_publishing_takes_everybody_along_in_its_own_transaction(monkeypatch):
    published = publish()
    ann = make_customer("Ann Lee", orders=1)
    published.join(ann)
    make_prediction(ann)
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    run = SegmentationRun.objects.create(model=SegmentModel.objects.get(), as_of=AS_OF, segmented=1)
    member = Membership.objects.get(customer=ann)
    member.pk, member.run, member.archetype = None, run, other
    member.save()
    publish_run(run)
    assert standing(ann).archetype == Prediction.objects.get(customer=ann).archetype == other.pk
    roll_back()
    assert standing(ann).archetype == Prediction.objects.get(customer=ann).archetype == published.archetype.pk


def test_who_is_segmented_alone_stands_in_his_new_archetype():
    published = publish()
    ann = make_customer("Ann Lee", orders=1)
    published.join(ann)
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    Membership.objects.update(archetype=other)
    archetype_changed.send(Membership, customer_pk=ann.pk)
    assert standing(ann).archetype == other.pk


def test_figures_that_are_counted_anew_are_followed(django_capture_on_commit_callbacks):
    ann = make_customer("Ann Lee", orders=1)
    make_prediction(ann)
    with django_capture_on_commit_callbacks(execute=True):
        make_order(ann, total=Decimal("900.00"))
    ann.refresh_from_db()
    assert (standing(ann).lifetime_value, standing(ann).order_count) == (ann.lifetime_value, 2)
    ann.orders.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        metrics.refresh([ann.pk], as_of=NOW)
    assert not Standing.objects.exists()


def test_a_name_that_was_corrected_by_hand_or_by_an_import_is_followed():
    ann = make_customer("Ann Lee", orders=1)
    make_prediction(ann)
    ann.last_name = "Berg"
    ann.save()
    assert standing(ann).name_key == "ann berg"
    Customer.objects.update(name_key="ann holm")
    file_stored.send_robust(DataImport)
    assert standing(ann).name_key == "ann holm"


def test_who_is_erased_stands_nowhere():
    ann = make_customer("Ann Lee", orders=1)
    make_prediction(ann)
    ann.delete()
    assert not Standing.objects.exists()


def test_a_shop_that_is_updated_gets_its_standings_with_the_update():
    published = publish()
    for n in range(3):
        customer = make_customer(f"Ann {n}", orders=1)
        published.join(customer)
        make_prediction(customer, value_at_risk=Decimal(7) ** n, lapse_risk_score=0.3 * n)
    published.join(make_customer("Ida Berg", orders=1))
    make_customer("Noah Awaiting")
    Standing.objects.all().delete()
    Prediction.objects.update(archetype=0)
    migration = importlib.import_module("predictions.migrations.0003_standings_of_those_known")
    with connection.cursor() as cursor:
        cursor.execute(migration.FILL)
        cursor.execute(migration.ARCHETYPES)
    assert Standing.objects.count() == 4
    assert standings.refresh() == 0
