from datetime import timedelta

import pytest

import predictions.tasks  # noqa: F401  (what a worker knows how to do)
from customers.models import Customer
from customers.signals import orders_recorded
from jobs import bell, running
from jobs.models import Job
from predictions import catching_up, runs
from predictions.models import Prediction, ScoringRun
from quimbi.demo import shop
from segmentation.models import SegmentationRun, SegmentModel
from segmentation.publishing import publish
from tests.factories import NOW, make_customer, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("learned_once")]


@pytest.fixture(autouse=True)
def silence(monkeypatch):
    monkeypatch.setattr(bell, "ring", lambda ids: 0)


def asked_for():
    return list(Job.objects.filter(kind__startswith="predict"))


def test_the_job_scores_everybody_and_too_little_data_is_an_answer(db):
    make_order(make_customer("Ann Lee"))
    job = running.run(running.start("predict", "Predictions", {}).pk)
    assert (job.state, job.error) == ("done", "")
    assert job.result["summary"].startswith("Predictions need 199 more customers")
    Customer.objects.all().delete()
    shop.seed(600, 5, NOW)
    job = running.run(running.start("predict", "Predictions", {}).pk)
    assert job.result["summary"] == f"{Prediction.objects.count():,} customers were scored."


def test_a_new_order_asks_for_its_customer_once_somebody_was_scored():
    orders_recorded.send(None, customer_pks=[1], as_of=NOW)
    assert asked_for() == []
    ann = make_customer("Ann Lee", orders=2)
    from tests.admin.test_admin import predict

    predict(ann)
    orders_recorded.send(None, customer_pks=[ann.pk], as_of=NOW)
    orders_recorded.send(None, customer_pks=list(range(501)), as_of=NOW)
    asked = {job.kind: job for job in asked_for()}  # by kind: two jobs of one millisecond have no order
    assert set(asked) == {"predict-customers", "predict"}
    assert asked["predict-customers"].args == {"customers": [ann.pk]}
    assert asked["predict"].only_one_of == "prediction"


def test_the_first_segmentation_asks_for_the_first_predictions(django_capture_on_commit_callbacks):
    run = SegmentationRun.objects.create(
        model=SegmentModel.objects.create(as_of=NOW, buyers=0, parameters={}), as_of=NOW, segmented=0
    )
    with django_capture_on_commit_callbacks(execute=True):
        publish(run)
    assert [job.title for job in asked_for()] == ["First predictions"]
    Job.objects.all().delete()
    ScoringRun.objects.create(as_of=NOW, buyers=300, history_days=400)
    with django_capture_on_commit_callbacks(execute=True):
        publish(run)
    assert asked_for() == []


def test_who_ordered_while_everybody_was_scored_is_scored_once_more(monkeypatch):
    # The database's clock stands still within a test, which is one transaction.
    monkeypatch.setattr(catching_up, "_CLOCKS_DIFFER", timedelta(hours=1))
    shop.seed(600, 5, NOW)
    ann = Customer.objects.filter(order_count__gt=2).order_by("last_order_at").first()
    real = runs.predict_everyone

    def and_an_order_comes_in(*args, **kwargs):
        scored = real(*args, **kwargs)
        make_order(ann, placed_at=NOW)
        running.run(running.start("predict-customers", "Predict a customer", {"customers": [ann.pk]}).pk)
        Prediction.objects.filter(customer=ann).update(overdue_ratio=9.9)  # as the scores of everybody would have it
        return scored

    monkeypatch.setattr(runs, "predict_everyone", and_an_order_comes_in)
    running.run(running.start("predict", "Predictions", {}).pk)
    again = Job.objects.get(title=catching_up.TITLE)
    assert again.args == {"customers": [ann.pk]}
    running.run(again.pk)
    assert Prediction.objects.get(customer=ann).overdue_ratio < 1
