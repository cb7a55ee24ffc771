"""GET /api/mcp/growth/projection and /archetypes/growth-projection."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from segmentation.models import SegmentationRun
from tests.api.conftest import COUNTED
from tests.factories import NOW, make_customer, make_order, make_shop
from tests.growing import keep_months, keep_moves, score_everybody
from tests.published import publish

pytestmark = pytest.mark.django_db
GROWTH, ARCHETYPES = "/api/mcp/growth/projection", "/api/mcp/archetypes/growth-projection"


@pytest.fixture(autouse=True)
def shop_and_clock():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def scored():
    score_everybody()
    return keep_months()


def asked(client, address, **parameters):
    answer = client.get(address, parameters)
    assert answer.status_code == 200, answer.content
    return answer.json()


# --- Growth ------------------------------------------------------------------------------------------------------------


def test_the_projection_has_every_field_of_the_reference(api, scored):
    body = asked(api, GROWTH)
    assert body["current_customers"] == 8_410
    assert body["basis"].startswith("Active customers")
    monthly = body["projections"]["monthly"]
    assert [row["month"] for row in monthly] == ["2026-12", *(f"2027-{month:02}" for month in range(1, 12))]
    assert set(monthly[0]) == {
        "month", "estimated_customers", "growth_rate", "new_customers", "newcomers", "returns", "lapses", "low", "high",
    }  # fmt: skip
    assert [row["quarter"] for row in body["projections"]["quarterly"]] == [
        "2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3", "2027-Q4",
    ]  # fmt: skip
    assert [(row["year"], row["months"]) for row in body["projections"]["yearly"]] == [("2026", 1), ("2027", 11)]
    assert set(body["assumptions"]) >= {
        "monthly_churn_rate",
        "monthly_acquisition_rate",
        "monthly_return_rate",
        "based_on_months",
    }
    assert body["assumptions"]["edited"] is False
    assert body["assumptions"]["newcomers_a_month"] == 520
    assert set(body["past_error"]) == {"one_month_ahead", "longest_ahead", "longest_months"}
    assert body["as_of"] == "2026-11-19T12:00:00Z"


def test_the_figures_add_up(api, scored):
    body = asked(api, GROWTH, months=30)
    before, rates = body["current_customers"], body["assumptions"]
    for row in body["projections"]["monthly"]:
        assert row["estimated_customers"] == before + row["new_customers"] - row["lapses"]
        assert row["new_customers"] == row["newcomers"] + row["returns"]
        assert row["growth_rate"] == round(row["estimated_customers"] / before - 1, 4)
        assert row["estimated_customers"] == pytest.approx(
            before * (1 - rates["monthly_churn_rate"]) + row["new_customers"], abs=2
        )
        assert row["low"] <= row["estimated_customers"] <= row["high"]
        before = row["estimated_customers"]
    for kind in ("quarterly", "yearly"):
        assert body["projections"][kind][-1]["estimated_customers"] == before
        assert sum(row["months"] for row in body["projections"][kind]) == 30


def test_it_says_who_else_is_counted(api, scored):
    make_customer("Noah Lind")
    publish(segmented=9_900)
    assert asked(api, GROWTH)["populations"] == {"profiles": 40_000, "buyers": 10_000, "segmented": 9_900, "lapsed": 1_590}


def test_rates_can_be_given_in_place_of_the_shops_own(api, scored):
    own = asked(api, GROWTH)
    edited = asked(api, GROWTH, monthly_churn_rate="0", monthly_acquisition_rate="0.1", months=2)
    assert edited["assumptions"]["edited"] is True
    assert (edited["assumptions"]["monthly_churn_rate"], edited["assumptions"]["monthly_acquisition_rate"]) == (0.0, 0.1)
    assert [row["newcomers"] for row in edited["projections"]["monthly"]] == [841, 841]
    assert {row["lapses"] for row in edited["projections"]["monthly"]} == {0}
    assert edited["assumptions"]["monthly_return_rate"] == own["assumptions"]["monthly_return_rate"]


def test_where_nobody_is_scored_the_buyers_are_counted_and_the_reason_is_given(api):
    make_customer("Sarah Johnson", orders=2)
    make_customer("Noah Lind")
    body = asked(api, GROWTH)
    assert (body["current_customers"], body["projections"], body["assumptions"], body["past_error"]) == (1, None, None, None)
    assert body["basis"].startswith("Buyers")
    assert "Nobody is scored yet" in body["reason"]
    assert body["populations"] == {"profiles": 2, "buyers": 1, "segmented": 0, "lapsed": None, "lapsed_reason": body["reason"]}


@pytest.mark.parametrize("address", [GROWTH, ARCHETYPES])
def test_before_the_first_scoring_the_clock_is_told_and_changes_nothing(api, address):
    with time_machine.travel(NOW + timedelta(microseconds=123_456), tick=False):
        before = api.get(address)
    assert before.json()["as_of"] == "2026-11-19T12:00:00Z"
    assert "Last-Modified" not in before
    with time_machine.travel(NOW + timedelta(minutes=2), tick=False):
        after = api.get(address, headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 304
    score_everybody()
    publish()
    assert api.get(address, headers={"If-None-Match": before["ETag"]})["Last-Modified"]


def test_the_last_day_of_a_file_of_another_zone_is_told_in_utc(api):
    make_shop(time_zone="America/New_York")
    make_order(make_customer(), placed_at=datetime(2011, 12, 9, 17, 50, tzinfo=UTC))
    for address in (GROWTH, ARCHETYPES):
        assert asked(api, address)["as_of"] == "2011-12-10T04:59:59Z"


def test_what_the_scoring_missed_is_the_reason(api):
    score_everybody(missing="Predictions need 120 more buyers (80 of 200).")
    assert asked(api, GROWTH)["reason"] == "Predictions need 120 more buyers (80 of 200)."


def test_too_few_months_are_the_reason_and_the_active_are_still_given(api):
    score_everybody()
    keep_months(2)
    body = asked(api, GROWTH)
    assert (body["current_customers"], body["projections"]) == (8_410, None)
    assert body["reason"] == "Growth needs 1 more whole month of orders (2 of 3)."
    assert body["populations"]["lapsed"] == 1_590


def test_with_few_months_there_is_no_past_error_and_it_says_so(api):
    score_everybody()
    keep_months(3)
    body = asked(api, GROWTH)
    assert body["past_error"] is None
    assert body["past_error_reason"]
    assert "wide guess" in body["assumptions"]["range_reason"]


def test_nobody_active_has_no_growth_rate_and_says_why(api):
    score_everybody(active=0)
    keep_months()
    first, second, *_ = asked(api, GROWTH)["projections"]["monthly"]
    assert (first["growth_rate"], first["growth_rate_reason"]) == (None, "There was nobody before to grow from.")
    assert second["growth_rate"] > 0
    assert "growth_rate_reason" not in second


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"months": "0"}, "months"),
        ({"months": "61"}, "months"),
        ({"months": "1.5"}, "months"),
        ({"monthly_churn_rate": "1.01"}, "monthly_churn_rate"),
        ({"monthly_churn_rate": "-0.01"}, "monthly_churn_rate"),
        ({"monthly_churn_rate": "nan"}, "monthly_churn_rate"),
        ({"monthly_acquisition_rate": "inf"}, "monthly_acquisition_rate"),
        ({"monthly_acquisition_rate": "8 %"}, "monthly_acquisition_rate"),
        ({"churn": "0.1"}, "churn"),
    ],
)
def test_a_wrong_or_unknown_parameter_is_400_and_named(api, parameters, field):
    answer = api.get(GROWTH, parameters)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize("months", [1, 60])
def test_as_many_months_as_are_asked_for(api, scored, months):
    assert len(asked(api, GROWTH, months=months)["projections"]["monthly"]) == months


def test_the_number_of_queries_does_not_grow(api, scored):
    publish()
    asked(api, GROWTH)
    with CaptureQueriesContext(connection) as queries:
        asked(api, GROWTH, months=60)
    assert len(queries) == 7 + COUNTED  # key, clock, scoring, shop, tally, run, months


def test_strangers_learn_nothing(client):
    assert client.get(GROWTH).status_code == client.get(ARCHETYPES).status_code == 401


# --- Archetypes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def planner_and_hunter(scored):
    """1,000 customers in two archetypes, 600 Hunters and 400 Planners; their ids."""
    published = publish(segmented=1_000)
    published.run.archetypes.all().delete()
    hunter = published.add_archetype("Hunter", member_count=600, total_ltv="600.00")
    planner = published.add_archetype("Planner", member_count=400, total_ltv="400.00")
    return hunter.archetype_id, planner.archetype_id


def test_archetypes_have_every_field_of_the_reference(api, planner_and_hunter):
    hunter, planner = planner_and_hunter
    body = asked(api, ARCHETYPES)
    assert body["current_distribution"] == {
        hunter: {"member_count": 600, "percentage": 60.0},
        planner: {"member_count": 400, "percentage": 40.0},
    }
    assert list(body["projected_distribution"]) == ["2026-12", *(f"2027-{month:02}" for month in range(1, 12))]
    newcomers = [row["newcomers"] for row in asked(api, GROWTH)["projections"]["monthly"]]
    total = 1_000
    for came, month in zip(newcomers, body["projected_distribution"].values(), strict=True):
        total += came
        assert sum(size["member_count"] for size in month.values()) == total
        assert sum(size["percentage"] for size in month.values()) == pytest.approx(100, abs=0.02)
    assert body["as_of"] == "2026-11-19T03:00:00Z"
    assert body["segmented_customers"] == 1_000


def test_without_two_months_shares_stay_and_it_says_so(api, planner_and_hunter):
    body = asked(api, ARCHETYPES)
    assert body["method"].startswith("From shares and growth alone")
    last = body["projected_distribution"]["2027-11"]
    assert [size["percentage"] for size in last.values()] == pytest.approx([60.0, 40.0], abs=0.02)


def test_with_two_months_customers_move_as_they_did(api, planner_and_hunter):
    hunter, planner = planner_and_hunter
    keep_moves((hunter, hunter, 500), (hunter, planner, 100), (planner, planner, 400), ("", planner, 10))
    body = asked(api, ARCHETYPES, months=6)
    assert body["method"] == "From 1,000 customers’ moves between 1 October and 1 November 2026."
    shares = [month[hunter]["percentage"] for month in body["projected_distribution"].values()]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] < 60 * 0.9


def test_archetypes_that_were_found_anew_have_no_moves(api, planner_and_hunter):
    hunter, _ = planner_and_hunter
    keep_moves(("arch_00000000", hunter, 900))
    assert "found anew" in asked(api, ARCHETYPES)["method"]


def test_moves_after_the_published_run_are_not_looked_at(api, planner_and_hunter):
    hunter, planner = planner_and_hunter
    keep_moves((hunter, planner, 600))
    SegmentationRun.objects.update(as_of=NOW - timedelta(days=40))
    assert asked(api, ARCHETYPES)["method"].startswith("From shares and growth alone")


def test_without_a_run_or_without_growth_the_reason_is_given(api):
    body = asked(api, ARCHETYPES)
    assert (body["current_distribution"], body["projected_distribution"], body["method"]) == ({}, None, None)
    assert "No segmentation" in body["reason"]
    publish()
    body = asked(api, ARCHETYPES)
    assert len(body["current_distribution"]) == 1
    assert body["projected_distribution"] is None
    assert "Nobody is scored yet" in body["reason"]
    assert body["method_reason"] == body["reason"]


def test_archetypes_are_projected_for_three_years_at_most(api):
    assert api.get(ARCHETYPES, {"months": "37"}).json()["error"]["field"] == "months"
    assert api.get(ARCHETYPES, {"monthly_churn_rate": "0.1"}).json()["error"]["field"] == "monthly_churn_rate"


def test_the_number_of_queries_does_not_grow_with_archetypes(api, planner_and_hunter):
    hunter, planner = planner_and_hunter
    keep_moves((hunter, planner, 600))
    asked(api, ARCHETYPES)
    with CaptureQueriesContext(connection) as queries:
        assert len(asked(api, ARCHETYPES, months=36)["projected_distribution"]) == 36
    assert len(queries) == 10 + COUNTED  # those of growth, archetypes, moves, the month before
