"""Where nobody is scored: too little to learn from, somebody else at it, a day that is not over."""

from datetime import datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from customers.models import Customer
from jobs.exclusive import one_at_a_time
from predictions import record, runs
from predictions.maths import gate
from predictions.models import Prediction, RiskTally, ScoringRun
from tests.factories import NOW, make_customer, make_order, make_shop

pytestmark = pytest.mark.django_db


def test_a_shop_without_orders_says_so():
    make_shop()
    make_customer("Noah Awaiting")
    with pytest.raises(CommandError, match=r"Predictions need 200 more customers with an order"):
        call_command("predict")
    assert runs.predict_customer(Customer.objects.get().pk, NOW) is None


def refused(match: str) -> None:
    with pytest.raises(gate.TooLittleData, match=match):
        runs.predict_everyone(NOW)
    assert not Prediction.objects.exists()
    assert not RiskTally.objects.exists()
    assert ScoringRun.objects.first().missing


def test_one_customer_is_too_few():
    make_order(make_customer("Ann Lee"), placed_at=NOW - timedelta(days=900))
    refused(r"199 more customers with an order \(1 of 200\)")


def test_ten_days_are_too_short():
    for n in range(210):
        make_order(make_customer(f"Ann {n}"), placed_at=NOW - timedelta(days=1 + n % 10), refresh_metrics=False)
    refused(r"171 more days of history \(9 of 180\)")


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_refused_with_a_sentence():
    caught = []

    def attempt():  # on a connection of its own, as another process has
        try:
            call_command("predict")
        except CommandError as refusal:
            caught.append(str(refusal))
        finally:
            connection.close()

    with one_at_a_time("prediction"):
        somebody = Thread(target=attempt)
        somebody.start()
        somebody.join()
    assert caught == ["Another prediction is running; wait for its end and start again."]


def test_a_day_is_over_when_it_is_over():
    make_shop(time_zone="America/Chicago")
    chicago = ZoneInfo("America/Chicago")
    evening = datetime(2026, 11, 19, 23, 59, 59, tzinfo=chicago)
    assert record.last_whole_day(evening) == record.local_day(evening)
    assert record.last_whole_day(datetime(2026, 11, 20, 2, 0, tzinfo=chicago)) == record.local_day(evening)
