"""GET /health, /livez and /readyz."""

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils.dateparse import parse_datetime

from customers.models import Customer
from quimbi import health
from tests.factories import make_customer
from tests.published import publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_counted_before(monkeypatch):
    """A count that a busy machine made slow in another test is not kept for this one."""
    monkeypatch.setattr(health, "profiles", health.ProfileCount())


def test_health_has_every_field_of_the_reference():
    published = publish()
    published.add_archetype("Another", member_count=5, total_ltv="10.00")
    make_customer("Sarah Johnson")
    make_customer("Noah Lind")
    body = Client().get("/health").json()
    assert body["status"] == "healthy"
    assert parse_datetime(body["timestamp"]).tzinfo is not None
    assert body["data_status"] == {"customers_loaded": 2, "archetypes_available": 2}


def test_only_the_published_runs_archetypes_are_available():
    publish()
    publish()
    assert Client().get("/health").json()["data_status"]["archetypes_available"] == 1


def test_an_empty_product_is_healthy():
    assert Client().get("/health").json()["data_status"] == {"customers_loaded": 0, "archetypes_available": 0}


def test_a_load_balancers_own_parameters_do_no_harm():
    assert Client().get("/health?probe=1").status_code == 200


def test_without_a_database_health_is_503_and_livez_lives(monkeypatch):
    def fails(*args, **kwargs):
        raise OperationalError("no route to host")

    monkeypatch.setattr(Customer.objects, "count", fails)
    monkeypatch.setattr(health.MigrationExecutor, "__init__", fails)
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert Client().get("/livez").json() == {"status": "alive"}
    ready = Client().get("/readyz")
    assert ready.status_code == 503
    assert "DATABASE_URL" in ready.json()["reasons"][0]


def test_livez_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/livez").status_code == 200


def test_readyz_is_ready_with_everything_migrated():
    body = Client().get("/readyz").json()
    assert (body["status"], body["reasons"]) == ("ready", [])


def test_a_lost_broker_is_degraded_and_not_unready(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["degraded"]) == (200, ["broker"])


def test_production_with_the_laptops_secret_is_unready(settings):
    settings.PRODUCTION = True
    settings.SECRET_KEY = settings.LAPTOP_SECRET_KEY
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "SECRET_KEY" in answer.json()["reasons"][0]


def test_a_slow_count_is_kept_for_twenty_times_as_long_as_it_took(monkeypatch):
    moments = iter([100.0, 101.0, 110.0, 122.0, 122.0])  # the first count takes a second
    monkeypatch.setattr(health.time, "monotonic", lambda: next(moments))
    make_customer("Sarah Johnson")
    counted = health.ProfileCount()
    assert counted.count() == 1
    make_customer("Noah Lind")
    assert counted.count() == 1  # nine seconds later
    assert counted.count() == 2  # after twenty-one
