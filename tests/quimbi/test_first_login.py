"""The first key of a laptop's installation: how many customers it may read."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Shop
from quimbi.demo import shop
from quimbi.first_login import first_login
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def start(tmp_path):
    """Begins as `up` does, and brings back the row of the key that it prints."""

    def begin():
        secret = first_login(tmp_path, timezone.now()).api_key
        return ApiKey.objects.get(digest=ApiKey.digest_of(secret))

    return begin


def test_the_key_of_an_invented_shop_may_read_all_of_it(tmp_path, monkeypatch):
    make_shop(is_demo=True)
    monkeypatch.setattr(ApiKey, "CUSTOMERS_A_DAY", 2)
    for number in range(5):
        make_customer(f"Person {number}", customer_id=f"c{number}")
    client = Client(headers={"X-API-Key": first_login(tmp_path, timezone.now()).api_key})
    for _ in range(2):
        answer = client.get("/api/mcp/export/customers")
        assert answer.status_code == 200
        assert len(b"".join(answer.streaming_content).decode().splitlines()) == 1 + 5
    assert ApiKey.objects.get().harvest_stopped_at is None


def test_the_key_of_a_real_shop_may_read_as_many_as_any_other(start):
    make_shop()
    assert start().customers_a_day == ApiKey.CUSTOMERS_A_DAY


def test_what_the_key_may_read_follows_the_shop_from_one_start_to_the_next(start):
    make_shop()
    start()
    Shop.objects.update(is_demo=True)
    assert start().customers_a_day == shop.MOST_CUSTOMERS
    Shop.objects.update(is_demo=False)
    assert start().customers_a_day == ApiKey.CUSTOMERS_A_DAY
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("is_demo", [True, False])
def test_what_somebody_chose_stays(start, is_demo):
    make_shop(is_demo=is_demo)
    start()
    ApiKey.objects.update(customers_a_day=77)
    assert start().customers_a_day == 77


def test_when_the_invented_people_go_the_key_may_read_as_many_as_any_other(start):
    make_shop(is_demo=True)
    key = start()
    other, _ = ApiKey.issue("other", ["read"], customers_a_day=0)
    shop.remove()
    for row, most in ((key, ApiKey.CUSTOMERS_A_DAY), (other, 0)):
        row.refresh_from_db()
        assert row.customers_a_day == most
