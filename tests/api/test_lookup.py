"""GET /api/mcp/customer/lookup: who has this e-mail address or telephone number."""

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

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
