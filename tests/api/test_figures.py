"""Figures have the digits that they mean, and are one number wherever they are told: answers, files, messages and pages."""

import csv
import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from customers.models import Customer
from predictions.models import Prediction
from quimbi.demo import shop as demo
from tests.api.reasons import odd_nulls
from tests.api.scored import make_scored, score_the_shop
from tests.factories import NOW, make_shop
from tests.published import publish

pytestmark = pytest.mark.django_db
EXPORT = "/api/mcp/export/customers"
MONEY = {
    "lifetime_value", "avg_order_value", "avg_ltv", "total_ltv", "avg_lifetime_value", "total_revenue", "value_at_risk",
    "expected", "predicted_value_180", "predicted_value", "expected_value_365_days", "lifetime_value_with_forecast",
}  # fmt: skip
RATIOS = {"avg_orders", "predicted_orders", "newcomers_a_month", "percentage", "seconds"}
KEEP = {"predicted_orders", "predicted_value", "lifetime_value_with_forecast", "seconds", "drift"}
"""Whose keys are no names of figures: days ahead, steps, inputs."""
ENDINGS = ("_ratio", "_days", "_percentage", "_seconds")


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


def too_fine(value, name="", where="body"):
    """Numbers with more places than their kind has: two for money, days and ratios, else four."""
    if isinstance(value, dict):
        return [
            found for key, inner in value.items() for found in too_fine(inner, name if name in KEEP else key, f"{where}.{key}")
        ]
    if isinstance(value, list):
        return [found for inner in value for found in too_fine(inner, name, f"{where}[]")]
    if not isinstance(value, float):
        return []
    places = 2 if name in MONEY | RATIOS or name.endswith(ENDINGS) else 4
    return [] if value == round(value, places) and str(value) != "-0.0" else [f"{where}: {value!r}"]


@pytest.fixture
def somebody():
    """Vera, member of an archetype, whose every figure has more digits than anybody should be told."""
    vera = make_scored(
        "vera",
        "Vera Vance",
        worth="1234.5678",
        churn_risk_score=0.9123456789012345,
        lapse_risk_score=0.6999612345678901,
        usual_gap_days=23.456789,
        orders_30d=0.1234567,
        orders_90d=0.3456789,
        orders_180d=0.5678901,
        orders_365d=1.2345678,
        value_90d=Decimal("10.1234"),
        value_180d=Decimal("154.4949"),
        value_365d=Decimal("301.0151"),
        value_at_risk=Decimal("108.1481"),
        tier=Prediction.Tier.VIP,
    )
    score_the_shop()
    publish().join(vera)
    return vera


def read(client, address, asked=None):
    answer = client.get(address, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


def listed_anywhere(client):
    """Vera's row in the list, among the members, and in either file."""
    listed = read(client, "/api/mcp/customers")["customers"]
    members = read(client, f"/api/mcp/archetypes/{listed[0]['archetype_id']}/members")["customers"]
    sent = {kind: b"".join(client.get(EXPORT, {"format": kind})).decode() for kind in ("csv", "ndjson")}
    found = [*listed, *members, *csv.DictReader(StringIO(sent["csv"])), *map(json.loads, sent["ndjson"].splitlines())]
    assert [row["customer_id"] for row in found] == ["vera"] * 4
    return found


def test_one_customers_figures_are_the_same_wherever_they_are_told(api, person_client, somebody):
    profile = read(api, "/api/mcp/customer/vera")
    churn, lapse = profile["churn_risk"], profile["churn_risk"]["lapse_risk"]
    assert (churn["churn_risk_score"], lapse["lapse_risk_score"], lapse["risk_level"]) == (0.9123, 0.6999, "high")
    assert (churn["value_at_risk"], profile["business_metrics"]["lifetime_value"]) == (108.15, 1234.57)
    assert profile["predicted_orders"] == {"30": 0.12, "90": 0.35, "180": 0.57, "365": 1.23}
    assert profile["predicted_value"]["365"]["expected"] == 301.02
    assert profile["lifetime_value_with_forecast"]["365"] == 1535.59

    alone = read(api, "/api/mcp/customer/vera/churn-risk")
    assert {name: value for name, value in alone.items() if name in churn} == churn
    card = read(api, "/api/mcp/customer/vera/card")
    assert (card["lapse_risk_percentage"], card["value_at_risk"], card["lifetime_value"]) == (69.99, 108.15, 1234.57)
    assert read(api, "/api/mcp/customer/vera/orders")["total_spent"] == "1234.57"
    told = {
        "lifetime_value": 1234.57,
        "churn_risk_score": 0.9123,
        "lapse_risk_score": 0.6999,
        "value_at_risk": 108.15,
        "predicted_value_180": profile["predicted_value"]["180"]["expected"],
    }
    for row in listed_anywhere(api):
        assert {name: float(row[name]) for name in told} == told
    page = person_client("agent").get("/customers/vera/").content.decode()
    assert "High</span> 69%" in page
    assert "Critical</span> 91%" in page
    assert "$1,234.57" in page
    assert "High</span> 69%" in person_client("agent").get("/customers/?q=vera").content.decode()


def test_the_archetype_of_a_profile_is_that_of_its_own_endpoint(api, somebody):
    card = read(api, "/api/mcp/customer/vera")["archetype"]
    listed = read(api, "/api/mcp/archetypes/top")["archetypes"][0]
    alone = read(api, f"/api/mcp/archetypes/{card['archetype_id']}")
    assert card["avg_orders"] == 24.0  # 6,888 orders of 287 members
    for name in ("member_count", "population_percentage", "segment_name", "description", "dominant_segments", "key_traits"):
        assert card[name] == listed[name] == alone[name], name
    for name in ("avg_ltv", "avg_orders"):
        assert card[name] == listed[name] == alone["metrics"][name], name


def test_filters_compare_figures_as_they_are_told(api, somebody):
    def found(**asked):
        return [row["customer_id"] for row in read(api, "/api/mcp/customers", asked)["customers"]]

    (row,) = read(api, "/api/mcp/customers")["customers"]
    for risk in ("lapse_risk", "churn_risk"):
        told = row[f"{risk}_score"]
        for sort in ("value_at_risk", "lapse_risk", "churn_risk", "customer_id"):
            assert found(**{f"{risk}_min": told, f"{risk}_max": told}, sort=sort) == ["vera"]
            assert found(**{f"{risk}_min": round(told + 0.0001, 4)}, sort=sort) == []
            assert found(**{f"{risk}_max": round(told - 0.0001, 4)}, sort=sort) == []
    assert found(value_at_risk_min="108.15") == ["vera"]
    assert found(value_at_risk_min="108.16") == []
    everybody = b"".join(api.get(EXPORT, {"lapse_risk_min": 0.6999, "value_at_risk_min": "108.15"})).decode()
    assert len(everybody.splitlines()) == 2


@pytest.mark.slow
def test_no_answer_has_more_digits_than_its_figures_mean(key_client):
    later = NOW + timedelta(hours=1)  # processes know fitted models by their key and moment: not those of the tests above
    with time_machine.travel(later, tick=False):
        demo.seed(400, 7, later)
        for command in ("segment", "predict"):
            call_command(command, stdout=StringIO(), stderr=StringIO())
    api = key_client("read:pii")
    archetype_id = read(api, "/api/mcp/archetypes/top")["archetypes"][0]["archetype_id"]
    buyer = Customer.objects.filter(order_count__gt=3, prediction__isnull=False).order_by("pk").first().customer_id
    nobody = Customer.objects.filter(order_count=0).order_by("pk").first().customer_id
    one = [f"/api/mcp/customer/{who}{what}" for who in (buyer, nobody) for what in ("", "/card", "/churn-risk?explain=true")]
    archetype = [f"/api/mcp/archetypes/{archetype_id}{what}" for what in ("", "/members", "/movement")]
    whole = [
        "/api/mcp/customers?limit=100", "/api/mcp/customers?sort=customer_id", "/api/mcp/archetypes/top?limit=100",
        "/api/mcp/archetypes/growth-projection", "/api/mcp/growth/projection?months=24", "/api/mcp/churn/aggregate",
        "/api/mcp/segmentation/runs", "/api/mcp/predictions/runs", "/api/mcp/predictions/trust",
    ]  # fmt: skip
    wrong = []
    for address in (*one, *archetype, *whole):
        body = read(api, address)
        wrong += [f"{address} {found}" for found in (*too_fine(body), *odd_nulls(body))]
    rows = [json.loads(row) for row in b"".join(api.get(EXPORT, {"format": "ndjson"})).decode().splitlines()]
    assert len(rows) == 400
    wrong += [f"{EXPORT} {found}" for row in rows for found in (*too_fine(row), *odd_nulls(row))]
    assert not wrong, "\n".join(wrong)
    for shares in read(api, f"/api/mcp/customer/{buyer}")["fuzzy_memberships"].values():
        assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
    explanation = read(api, f"/api/mcp/customer/{buyer}/churn-risk?explain=true")["explanation"]
    parts = sum(part["contribution"] for part in explanation["parts"])
    assert explanation["base"] + parts == pytest.approx(explanation["score"], abs=1e-9)
