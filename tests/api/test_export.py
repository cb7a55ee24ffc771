"""GET /api/mcp/export/customers: everybody as one file."""

import csv
import json
import tracemalloc
from io import StringIO
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey
from customers.models import Customer
from insights import directory as directory_module
from insights.exporting import cell
from predictions.models import Prediction
from tests.api.scored import make_many, make_scored, score_the_shop
from tests.factories import make_customer, make_shop
from tests.published import publish

EXPORT = "/api/mcp/export/customers"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    make_shop()


@pytest.fixture
def admin(person_client):
    """Somebody who may read contact data, and as many customers as there are."""
    return person_client("admin")


def sent(client, **asked):
    answer = client.get(EXPORT, asked)
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    return answer


def table(client, **asked):
    text = b"".join(sent(client, **asked).streaming_content).decode()
    return list(csv.DictReader(StringIO(text)))


def test_a_csv_file_has_a_header_and_a_row_for_everybody(api):
    published = publish()
    score_the_shop()
    published.join(make_scored("sarah", tier=Prediction.Tier.VIP))
    make_customer("Noah Lind", customer_id="noah")
    answer = sent(api)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="customers.csv"'
    assert answer["Cache-Control"] == "private, no-store"
    lines = b"".join(answer.streaming_content).decode().split("\r\n")
    assert lines == [
        "customer_id,tier,archetype_id,lifetime_value,total_orders,last_order_at,churn_risk_score,lapse_risk_score,"
        "lapse_horizon_days,value_at_risk,predicted_value_180,is_active",
        f"sarah,vip,{published.archetype.archetype_id},50.0,1,2026-11-09T12:00:00Z,0.8,0.4,90,20.0,50.0,true",
        "noah,,,0.0,0,,,,,,,",
        "",
    ]


def test_ndjson_has_the_rows_of_the_list(api):
    publish().join(make_scored("sarah"))
    score_the_shop()
    make_customer("Noah Lind", customer_id="noah")
    answer = sent(api, format="ndjson")
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"] == 'attachment; filename="customers.ndjson"'
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert (
        sorted(rows, key=lambda row: row["customer_id"]) == api.get("/api/mcp/customers?sort=customer_id").json()["customers"]
    )


def test_filters_are_those_of_the_list(api):
    published = publish()
    score_the_shop()
    published.join(make_scored("vip", tier=Prediction.Tier.VIP))
    make_scored("low", tier=Prediction.Tier.LOW)
    assert [row["customer_id"] for row in table(api, tier="vip")] == ["vip"]
    assert [row["customer_id"] for row in table(api, archetype_id=published.archetype.archetype_id)] == ["vip"]
    assert table(api, lapse_risk_min="0.99") == []


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson", "*/*", "application/json", "text/html"])
def test_any_accept_header_will_do(api, accept):
    assert api.get(EXPORT, headers={"Accept": accept}).status_code == 200


def test_contact_data_needs_the_scope_and_is_asked_for(api, key_client):
    make_customer("Vera Quist", orders=1, email="vera@example.com", phone="+47 123", email_consent="subscribed")
    assert "Vera" not in b"".join(sent(key_client("read:pii")).streaming_content).decode()
    answer = api.get(EXPORT, {"contact": "true"})
    assert answer.status_code == 403
    assert "read:pii" in answer.json()["error"]["message"]
    (row,) = table(key_client("read:pii"), contact="true")
    assert (row["name"], row["email"], row["phone"]) == ("Vera Quist", "vera@example.com", "'+47 123")
    assert (row["email_consent"], row["sms_consent"]) == ("subscribed", "unknown")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", " =", "\n=", "  @", "\u3000="])
def test_what_looks_like_a_formula_gets_an_apostrophe(begin):
    assert cell(f"{begin}SUM(A1)") == f"'{begin}SUM(A1)"


@pytest.mark.parametrize("plain", ["-5.00", "-5", "12", "0.5", "Ann", "a=b", "o'clock", "", "'=1", " Ann"])
def test_numbers_and_plain_words_are_as_they_are(plain):
    assert cell(plain) == plain


@pytest.mark.parametrize("almost", ["-5.00\n", "-", "+5", "-5,00", "-٣", "-1e5"])
def test_what_is_almost_a_number_is_none(almost):
    assert cell(almost) == f"'{almost}"


def test_a_name_that_is_a_formula_cannot_run(admin):
    make_customer('=HYPERLINK("http://evil.example") x', orders=1)
    (row,) = table(admin, contact="true")
    assert row["name"] == '\'=HYPERLINK("http://evil.example") x'


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"sort": "lapse_risk"}, "sort"),
        ({"limit": "5"}, "limit"),
        ({"archetype_id": "arch_00000000"}, "archetype_id"),
        ({"contact": "perhaps"}, "contact"),
        ({"lapse_risk_min": "nan"}, "lapse_risk_min"),
    ],
)
def test_a_wrong_parameter_is_refused_before_the_file_begins(api, asked, field):
    answer = api.get(EXPORT, asked, headers={"Accept": "text/csv"})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["error"]["field"] == field


def test_a_key_that_may_read_fewer_customers_a_day_gets_none_of_the_file():
    make_many(5)
    row, secret = ApiKey.issue("small", ["read"])
    client = Client(headers={"X-API-Key": secret})
    ApiKey.objects.filter(pk=row.pk).update(customers_a_day=4)
    answer = client.get(EXPORT)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "harvest_limit"
    ApiKey.objects.filter(pk=row.pk).update(customers_a_day=5)
    assert len(table(client)) == 5
    ApiKey.objects.filter(pk=row.pk).update(customers_a_day=0)
    make_many(5)
    assert len(table(client)) == 10


def test_memory_stays_flat_and_queries_grow_by_the_batch(admin):
    """5,000 rows: read in three batches, each only when the one before has been sent."""
    published = publish()
    score_the_shop()
    for customer in make_many(5_000)[:5]:
        published.join(customer)
    with CaptureQueriesContext(connection) as queries:
        answer = sent(admin)
        chunks, before = [], [len(queries)]
        for chunk in answer.streaming_content:
            chunks.append(chunk.count(b"\r\n"))
            before.append(len(queries))
    assert chunks == [1, 2_000, 2_000, 1_000]
    assert [later - earlier for earlier, later in pairwise(before)] == [0, 3, 3, 3]


def test_the_peak_of_memory_is_that_of_one_batch(admin, monkeypatch):
    monkeypatch.setattr(directory_module, "EXPORTED_AT_ONCE", 100)
    score_the_shop()

    def peak():
        tracemalloc.start()
        for _ in sent(admin).streaming_content:
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    make_many(200)
    peak()
    small = peak()
    make_many(1_800)
    assert peak() < 1.5 * small


def test_a_customer_who_comes_while_the_file_is_sent_is_in_it_once_or_not_at_all(admin, monkeypatch):
    monkeypatch.setattr(directory_module, "EXPORTED_AT_ONCE", 2)
    make_many(3)
    chunks = sent(admin).streaming_content
    next(chunks)
    next(chunks)
    make_many(2)
    Customer.objects.filter(customer_id="m00000").delete()
    rest = b"".join(chunks).decode().splitlines()
    assert [line.split(",")[0] for line in rest] == ["m00002", "m00003", "m00004"]
