"""GET /api/mcp/customer/lookup: who has this e-mail address or telephone number."""

from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from insights import looking_up
from insights.profiles import customer_profile
from tests.api.reasons import odd_nulls
from tests.api.test_schema import _check
from tests.factories import NOW, make_customer, make_shop
from tests.published import publish

LOOKUP = "/api/mcp/customer/lookup"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def reader(key_client):
    return key_client("read:pii")


@pytest.fixture
def vera():
    vera = make_customer("Vera Quist", orders=1, customer_id="vera", email="Vera@Example.com", phone="+47 123 45 678")
    publish().join(vera)
    return vera


def found(client, **asked):
    answer = client.get(LOOKUP, asked)
    assert answer.status_code == 200, answer.content
    assert odd_nulls(answer.json()) == []
    return answer.json()


@pytest.mark.parametrize(
    "asked",
    [{"email": "vera@example.com"}, {"email": " VERA@EXAMPLE.COM "}, {"phone": "+4712345678"}, {"phone": "47 (123) 45-678"}],
)
def test_a_customer_is_found_by_address_and_by_number_however_it_is_written(reader, vera, asked):
    body = found(reader, **asked)
    assert (body["customer_id"], body["name"]) == ("vera", "Vera Quist")
    assert (body["email"], body["phone"]) == ("Vera@Example.com", "+47 123 45 678")


@pytest.mark.parametrize(
    ("stored", "asked"), [("٠٢٠ ١٢٣", "020123"), ("020 123", "٠٢٠١٢٣"), ("０２０ 123", "020-123"), ("020 123 ²", "020 123")]
)
def test_a_number_is_the_same_in_every_script(reader, stored, asked):
    make_customer("Vera Quist", customer_id="vera", phone=stored)
    assert found(reader, phone=asked)["customer_id"] == "vera"


def test_a_plus_goes_encoded_and_the_documentation_says_so(reader, vera):
    assert reader.get(f"{LOOKUP}?phone=%2B47 123 45 678").status_code == 200
    assert "%2B" in reader.get("/api/schema").json()["paths"][LOOKUP]["get"]["description"]


def test_numbers_that_were_stored_before_are_found_too(reader):
    make_customer("Vera Quist", customer_id="vera", phone="٠٢٠ ١٢٣")
    make_customer("Noah Lind", customer_id="noah", phone="020 124")
    Customer.objects.filter(customer_id="vera").update(phone_key="٠٢٠١٢٣")
    migration = import_module("customers.migrations.0002_phone_keys_in_plain_digits")
    migration.write_keys_anew(apps, None)
    assert [found(reader, phone=number)["customer_id"] for number in ("020123", "020124")] == ["vera", "noah"]


def test_who_is_erased_while_they_are_read_is_left_out(reader, monkeypatch):
    for name in ("vera", "twin"):
        make_customer("Vera Quist", customer_id=name, phone="77")

    def erased(customer_id, as_of):
        Customer.objects.filter(customer_id="vera").delete()
        return customer_profile(customer_id, as_of)

    monkeypatch.setattr(looking_up, "customer_profile", erased)
    assert found(reader, phone="77")["customer_id"] == "twin"
    make_customer("Vera Quist", customer_id="vera", phone="78")
    assert reader.get(LOOKUP, {"phone": "78"}).status_code == 404


def test_the_answer_is_the_profile_and_the_contact_data(reader, vera):
    profile = reader.get("/api/mcp/customer/vera").json()
    assert found(reader, email="vera@example.com") == profile | {
        "name": "Vera Quist",
        "email": "Vera@Example.com",
        "phone": "+47 123 45 678",
    }


def test_several_are_listed_with_a_count(reader):
    for n in range(12):
        make_customer(f"Person {n}", customer_id=f"p{n:02d}", phone="020 7946 0000")
    body = found(reader, phone="02079460000")
    assert (body["count"], body["is_capped"]) == (12, False)
    assert [each["customer_id"] for each in body["customers"]] == [f"p{n:02d}" for n in range(10)]
    assert body["customers"][0]["name"] == "Person 0"


def test_nobody_is_404_in_the_same_words_as_an_unknown_id(reader, vera):
    make_customer("Noah Lind", email="", phone="")
    unknown = reader.get("/api/mcp/customer/nobody").json()["error"]
    for asked in ({"email": "nobody@example.com"}, {"phone": "999"}, {"email": "vera@example"}, {"email": "%"}):
        answer = reader.get(LOOKUP, asked)
        assert answer.status_code == 404, asked
        error = answer.json()["error"]
        assert (error["code"], error["message"]) == (unknown["code"], unknown["message"])


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "email"),
        ({"email": "vera@example.com", "phone": "1"}, "email"),
        ({"email": ""}, "email"),
        ({"email": " "}, "email"),
        ({"phone": ""}, "phone"),
        ({"phone": "+-()"}, "phone"),
        ({"phone": "²"}, "phone"),
        ({"email": "a\0b"}, "email"),
        ({"email": "x" * 255}, "email"),
        ({"name": "Vera"}, "name"),
    ],
)
def test_exactly_one_of_the_two_is_asked_for(reader, vera, asked, field):
    answer = reader.get(LOOKUP, asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_it_confirms_contact_data_and_so_needs_the_scope_for_it(api, key_client, vera):
    for client in (api, key_client("read", "query", "write:campaigns")):
        for email in ("vera@example.com", "nobody@example.com"):
            answer = client.get(LOOKUP, {"email": email})
            assert answer.status_code == 403
            assert "read:pii" in answer.json()["error"]["message"]


def test_a_signed_in_person_may_look_up(person_client, vera):
    assert person_client("agent").get(LOOKUP, {"email": "vera@example.com"}).status_code == 200


def test_the_answer_is_not_to_be_kept(reader, vera):
    assert reader.get(LOOKUP, {"email": "vera@example.com"})["Cache-Control"] == "private, no-store"


def test_the_number_of_queries_does_not_grow_with_customers(reader, vera):
    found(reader, email="vera@example.com")
    with CaptureQueriesContext(connection) as few:
        found(reader, email="vera@example.com")
    for _ in range(30):
        make_customer("Noah Lind", orders=1)
    with CaptureQueriesContext(connection) as many:
        found(reader, email="vera@example.com")
    assert len(few) == len(many)
    assert not [query["sql"] for query in many if "LIKE" in query["sql"]]


def test_both_answers_are_what_the_schema_says(reader, vera):
    schema = reader.get("/api/schema").json()
    described = schema["paths"][LOOKUP]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    _check(found(reader, email="vera@example.com"), described, schema, "one")
    make_customer("Vera Twin", email="vera@example.com")
    _check(found(reader, email="vera@example.com"), described, schema, "two")
