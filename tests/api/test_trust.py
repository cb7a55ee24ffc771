"""GET /api/mcp/predictions/trust: the numbers of the trust page."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictions.trust import NO_RUN
from tests.api.conftest import COUNTED
from tests.api.test_schema import _check as check_against
from tests.predictions.told import fitted, happened, make_month, make_run, make_run_below_the_gate

pytestmark = pytest.mark.django_db


def told(client):
    answer = client.get("/api/mcp/predictions/trust")
    assert answer.status_code == 200, answer.content
    return answer.json()


def nulls_without_a_reason(value, where="body"):
    """Every null that has no reason beside it."""
    if isinstance(value, list):
        return [found for inner in value for found in nulls_without_a_reason(inner, f"{where}[]")]
    if not isinstance(value, dict):
        return []
    missing = [f"{where}.{name}" for name, inner in value.items() if inner is None and not value.get(f"{name}_reason")]
    return missing + [found for name, inner in value.items() for found in nulls_without_a_reason(inner, f"{where}.{name}")]


def test_before_the_first_predictions_every_null_says_why(api):
    body = told(api)
    assert body["is_ready"] is False
    assert (body["as_of"], body["as_of_reason"]) == (None, NO_RUN)
    assert body["data_gates"][0] == {
        "name": "Customers with an order",
        "have": None,
        "have_reason": "Counted with the first predictions.",
        "need": 200,
        "is_met": False,
    }
    assert body["tests"]["lapse_risk_reason"] == NO_RUN
    assert nulls_without_a_reason(body) == []


def test_below_a_gate_it_says_what_is_missing(api):
    make_run_below_the_gate()
    body = told(api)
    assert body["is_ready"] is False
    assert (body["data_gates"][0]["have"], body["data_gates"][0]["is_met"]) == (150, False)
    assert body["model_reason"] == "Predictions need 50 more customers with an order (150 of 200)."
    assert body["horizons"] == body["levels"]["lapse_risk"] == body["record"] == []
    assert nulls_without_a_reason(body) == []


def test_all_numbers_of_the_page_are_there(api):
    run = make_run()
    make_month(date(2026, 9, 1), lapse_30=happened(400, 380, 600), churn=happened(1500, 1455, 500))
    make_month(date(2026, 10, 1))
    body = told(api)
    assert (body["is_ready"], body["scored_customers"], body["churn_horizon_days"]) == (True, 1_000, 30)
    assert body["model"] == {
        "version": run.model_id,
        "fitted_at": "2026-11-19T12:00:00Z",
        "as_of": "2026-11-07T12:00:00Z",
        "learned_from_customers": 980,
    }
    assert body["levels"]["lapse_risk"][0] == {"level": "critical", "customers": 500, "customers_share": 0.5}
    assert [horizon["horizon_days"] for horizon in body["horizons"]] == [30, 90, 180]
    assert body["horizons"][0]["reason"] == fitted()["choices"]["30"]["reason"]
    assert body["horizons"][0]["tested_on"][0] == "1974-01-10"
    assert body["drift"][0] == {
        "input": "recency_days",
        "input_words": "Days since the last order",
        "stability_index": 0.02,
        "moved": "little",
    }
    assert body["tests"]["lapse_risk"]["critical_customers"] > 0
    assert len(body["tests"]["revenue_90d_error_rates"]) == 3
    assert nulls_without_a_reason(body) == []


def test_the_record_has_each_month_with_what_was_said_and_what_happened(api):
    make_run()
    make_month(date(2026, 9, 1), lapse_30=happened(400, 380, 600))
    make_month(date(2026, 10, 1))
    body = told(api)
    october, september = body["record"]
    assert body["latest_month"] == september["month"] == "2026-09-01"
    lapse = september["lapse_risk"]
    assert (lapse["critical_customers"], lapse["critical_did_not_order"], lapse["critical_did_not_order_rate"]) == (
        400,
        380,
        0.95,
    )
    assert (lapse["said_rate"], lapse["did_not_order_rate"]) == (pytest.approx(0.42), 0.38)
    assert lapse["calibration_curve"][1] == {"said_rate": pytest.approx(0.9), "did_not_order_rate": 0.95, "customers": 400}
    assert september["lapse_risk_waiting_customers"] == 1_000
    assert (september["no_order"], september["no_order_reason"]) == (None, "Known from 2026-10-26 on.")
    assert (october["lapse_risk"], october["lapse_risk_reason"]) == (None, "Known from 2026-11-25 on.")


def test_where_nobody_was_called_critical_there_is_no_rate_of_them(api):
    make_run()
    make_month(date(2026, 9, 1), churn=happened(0, 0, 50))
    month = told(api)["record"][0]["no_order"]
    assert month["critical_did_not_order_rate"] is None
    assert month["critical_did_not_order_rate_reason"]


def test_models_that_could_not_be_tested_say_so(api):
    choices = {days: choice | {"evidence": None} for days, choice in fitted()["choices"].items()}
    make_run(fitted() | {"choices": choices})
    body = told(api)
    assert body["tests"]["lapse_risk"] is None
    assert body["horizons"][0]["judged"] is body["horizons"][0]["auc"] is None
    assert nulls_without_a_reason(body) == []


def test_a_fallback_is_told(api):
    make_run(fitted() | {"notes": ["The model of ordering did not come to rest; the best parameters that it met are used."]})
    assert told(api)["fallbacks"] == ["The model of ordering did not come to rest; the best parameters that it met are used."]


def test_the_answer_is_what_the_schema_says_in_every_state(api):
    schema = api.get("/api/schema").json()
    path = "/api/mcp/predictions/trust"
    described = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    check_against(told(api), described, schema, "never predicted")
    make_run()
    make_month(date(2026, 9, 1), lapse_30=happened(400, 380, 600), churn=happened(0, 0, 50))
    make_month(date(2026, 10, 1))
    check_against(told(api), described, schema, "ready")
    make_run_below_the_gate()
    check_against(told(api), described, schema, "below a gate")


def test_it_takes_no_parameter(api):
    answer = api.get("/api/mcp/predictions/trust", {"days": 30})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "days"


def test_the_number_of_queries_does_not_grow_with_months(api):
    make_run()
    told(api)
    with CaptureQueriesContext(connection) as few:
        told(api)
    for month in range(1, 11):
        make_month(date(2026, month, 1), churn=happened(100, 90))
    with CaptureQueriesContext(connection) as many:
        told(api)
    assert len(few) == len(many) == 4 + COUNTED  # key, run with its model, levels, months
