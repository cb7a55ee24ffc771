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

from accounts import counting
from accounts.models import ApiKey
from customers.models import Customer
from insights.directory import everybody as directory_export
from insights.exporting import cell
from predictions.models import Prediction
from segmentation import publishing
from segmentation.models import SegmentationRun
from tests.api.scored import make_many, make_scored, score_the_shop
from tests.factories import make_customer, make_shop
from tests.published import AS_OF, publish

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


def small_key(customers_a_day):
    row, secret = ApiKey.issue("small", ["read"], customers_a_day=customers_a_day)
    return row, Client(headers={"X-API-Key": secret})


def test_a_file_that_never_fits_is_refused_and_nobody_is_counted():
    make_many(5)
    _, client = small_key(4)
    assert client.get(EXPORT).status_code == 429
    assert {client.get(f"/api/mcp/customer/m0000{n}").status_code for n in range(4)} == {200}


def test_a_file_that_does_not_fit_today_is_refused_before_its_first_byte_and_nobody_is_counted():
    make_many(2)
    make_many(4, tier=Prediction.Tier.VIP)
    _, client = small_key(5)
    read = [f"/api/mcp/customer/m0000{n}" for n in range(6)]
    assert [client.get(address).status_code for address in read[:2]] == [200, 200]
    assert client.get(EXPORT, {"tier": "vip"}).json()["error"]["code"] == "harvest_limit"
    assert [client.get(address).status_code for address in read[2:]] == [200, 200, 200, 429]


@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_of_a_large_file_that_does_not_fit_nobody_is_counted_either(store, monkeypatch, settings):
    """However many steps counting takes: here it would have broken off in the third of four."""
    if store == "rows":
        settings.REDIS_URL = ""
    monkeypatch.setattr(counting, "AT_ONCE", 3)
    make_many(2)
    make_many(10, tier=Prediction.Tier.VIP)
    row, client = small_key(10)
    read = [f"/api/mcp/customer/m{n:05d}" for n in range(12)]
    assert [client.get(address).status_code for address in read[:2]] == [200, 200]
    assert client.get(EXPORT, {"tier": "vip"}).json()["error"]["code"] == "harvest_limit"
    assert [client.get(address).status_code for address in read[2:]] == [200] * 8 + [429] * 2
    ApiKey.objects.filter(pk=row.pk).update(customers_a_day=12)
    assert len(table(client)) == 12
    make_many(1)
    assert client.get(EXPORT).status_code == 429


def test_a_file_that_few_pass_costs_the_same_in_a_large_shop(admin, monkeypatch):
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 5)
    published = publish()
    score_the_shop()
    for name in ("first", "second"):
        published.join(make_scored(name, tier=Prediction.Tier.VIP, lapse_risk_score=0.95))
    archetype_id = published.archetype.archetype_id
    questions = [{"tier": "vip"}, {"lapse_risk_min": "0.9"}, {"archetype_id": archetype_id, "active": "true"}]

    def cost(asked):
        with CaptureQueriesContext(connection) as queries:
            assert [row["customer_id"] for row in table(admin, **asked)] == ["first", "second"]
        return len(queries)

    few = [cost(asked) for asked in questions]
    make_many(60)
    assert [cost(asked) for asked in questions] == few


@pytest.mark.parametrize("narrowed_at_most", [3, 1_000])
def test_whichever_way_they_are_found_the_same_customers_are_in_the_file(admin, monkeypatch, narrowed_at_most):
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 4)
    monkeypatch.setattr(directory_export, "PASSED_AT_ONCE", 7)
    monkeypatch.setattr(directory_export, "NARROWED_AT_MOST", narrowed_at_most)
    published = publish()
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    score_the_shop()
    made = [*make_many(15, tier=Prediction.Tier.LOW), *make_many(9, tier=Prediction.Tier.VIP, is_active=False)]
    for n, customer in enumerate(made):
        published.join(customer, other if n % 3 else None)
    make_customer("Noah Lind", customer_id="noah")
    axis, segment = "purchase_value", published.model.segments["purchase_value"][0]
    vips, others = set(range(15, 24)), {n for n in range(24) if n % 3}
    expected = [
        ({"tier": "vip"}, vips),
        ({"active": "true"}, set(range(15))),
        ({"tier": "vip", "lapse_risk_max": "0.1"}, set()),
        ({"archetype_id": other.archetype_id}, others),
        ({"archetype_id": other.archetype_id, "tier": "vip"}, others & vips),
        ({"axis": axis, "segment": segment, "membership_min": "0.4"}, set(range(24))),
        ({"axis": axis, "segment": segment, "archetype_id": other.archetype_id, "active": "false"}, others & vips),
        ({"axis": axis, "segment": segment, "membership_min": "0.8"}, set()),
    ]
    for asked, who in expected:
        found = [row["customer_id"] for row in table(admin, **asked)]
        assert found == [f"m{n:05d}" for n in sorted(who)], asked


def test_where_nobody_passes_whole_stretches_are_passed_at_once(admin, monkeypatch):
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 2)
    monkeypatch.setattr(directory_export, "PASSED_AT_ONCE", 30)
    monkeypatch.setattr(directory_export, "NARROWED_AT_MOST", 1)
    score_the_shop()
    make_many(60)
    with CaptureQueriesContext(connection) as queries:
        assert table(admin, lapse_risk_min="0.3", churn_risk_max="0.1") == []
    assert len(queries) <= 12  # session, person, run, scoring, two filters' own indexes, and two a stretch


def test_a_file_whose_segmentation_is_cleared_away_breaks_off(admin, monkeypatch):
    """A shorter file that ends well would be taken for a whole one."""
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 2)
    published = publish()
    for customer in make_many(7):
        published.join(customer)

    def segment_again():
        run = SegmentationRun.objects.create(model=published.run.model, as_of=AS_OF)
        publishing.publish(run)
        publishing.collect_old_runs()

    chunks = sent(admin, archetype_id=published.archetype.archetype_id).streaming_content
    assert [next(chunks).count(b"\r\n") for _ in range(2)] == [1, 2]
    segment_again()
    assert next(chunks).count(b"\r\n") == 2
    segment_again()
    with pytest.raises(directory_export.RunIsGone):
        list(chunks)


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
    assert [later - earlier for earlier, later in pairwise(before)] == [0, 4, 4, 4]


def test_the_peak_of_memory_is_that_of_one_batch(admin, monkeypatch):
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 100)
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
    monkeypatch.setattr(directory_export, "EXPORTED_AT_ONCE", 2)
    make_many(3)
    chunks = sent(admin).streaming_content
    next(chunks)
    next(chunks)
    make_many(2)
    Customer.objects.filter(customer_id="m00000").delete()
    rest = b"".join(chunks).decode().splitlines()
    assert [line.split(",")[0] for line in rest] == ["m00002", "m00003", "m00004"]
