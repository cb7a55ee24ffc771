"""GET /api/mcp/segmentation/runs and /api/mcp/predictions/runs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from segmentation.models import SegmentationRun
from tests.api.reasons import odd_nulls
from tests.api.scored import score_the_shop
from tests.api.test_schema import _check
from tests.factories import make_shop
from tests.published import AS_OF, publish

SEGMENTATION, PREDICTIONS = "/api/mcp/segmentation/runs", "/api/mcp/predictions/runs"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    make_shop()


def runs(client, path, **asked):
    answer = client.get(path, asked)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert odd_nulls(body) == []
    return body


def held_back():
    """A run with everything in its summary, and a gate that it did not pass."""
    gates = [{"gate": "structure", "reason": "The axes separate customers too weakly."}]
    return SegmentationRun.objects.create(
        model=SegmentationRun.objects.get().model,
        state=SegmentationRun.State.REJECTED,
        as_of=AS_OF,
        profiles=500,
        segmented=400,
        error="The new segmentation was held back and the last one stays.",
        summary={
            "axes": {
                "purchase_value": {"k": 3, "silhouette": 0.41, "information_bits": 1.2, "notes": []},
                "return_behavior": {"k": 1, "silhouette": None, "information_bits": 0.0, "notes": ["one segment"]},
            },
            "defining_axes": ["purchase_value"],
            "archetypes": 3,
            "exact_share": 0.93,
            "seconds": {"Score customers": 1.25},
            "buyers": 410,
            "gates": gates,
        },
    )


def test_segmentation_runs_are_told_newest_first_with_gates_and_seconds(api):
    published = publish()
    rejected = held_back()
    newest, oldest = runs(api, SEGMENTATION)["runs"]
    assert (newest["run_id"], newest["state"], newest["is_active"]) == (rejected.pk, "rejected", False)
    assert (newest["profiles"], newest["buyers"], newest["segmented"], newest["archetypes"]) == (500, 410, 400, 3)
    assert newest["gates"] == [{"gate": "structure", "reason": "The axes separate customers too weakly."}]
    assert newest["axes"]["purchase_value"] == {"segments": 3, "silhouette": 0.41, "notes": []}
    assert newest["axes"]["return_behavior"]["silhouette_reason"]
    assert newest["seconds"] == {"Score customers": 1.25}
    assert newest["error"].startswith("The new segmentation was held back")
    assert newest["published_at"] is None
    assert (oldest["run_id"], oldest["state"], oldest["is_active"]) == (published.run.pk, "published", True)
    assert (oldest["published_at"], oldest["error"], oldest["gates"]) == ("2026-11-19T03:00:00Z", "", [])


def test_prediction_runs_are_told_newest_first_with_what_was_missing(api):
    done = score_the_shop(drift={"recency_days": 0.03}, seconds=4.2)
    missing = "Predictions need 50 more customers with an order (150 of 200)."
    score_the_shop(model=None, customers=0, buyers=150, missing=missing)
    newest, oldest = runs(api, PREDICTIONS)["runs"]
    assert (newest["state"], newest["missing"], newest["model_version"]) == ("too_little_data", missing, None)
    assert newest["model_version_reason"] == missing
    assert (oldest["run_id"], oldest["state"], oldest["model_version"]) == (done.pk, "scored", done.model_id)
    assert (oldest["customers"], oldest["buyers"], oldest["history_days"]) == (300, 300, 400)
    assert (oldest["drift"], oldest["seconds"], oldest["as_of"]) == ({"recency_days": 0.03}, 4.2, "2026-11-19T12:00:00Z")


@pytest.mark.parametrize(("path", "make"), [(SEGMENTATION, publish), (PREDICTIONS, score_the_shop)])
def test_pages_go_back_in_time_without_gaps(api, path, make):
    for _ in range(7):
        make()
    every = [run["run_id"] for run in runs(api, path)["runs"]]
    assert every == sorted(every, reverse=True)
    found, asked = [], {"limit": 3}
    while True:
        body = runs(api, path, **asked)
        found += [run["run_id"] for run in body["runs"]]
        if body["next_cursor"] is None:
            break
        asked["cursor"] = body["next_cursor"]
    assert found == every
    assert len(found) == 7


def test_a_cursor_of_the_other_list_or_a_changed_one_is_refused(api):
    publish()
    publish()
    cursor = runs(api, SEGMENTATION, limit=1)["next_cursor"]
    for path, sent in ((PREDICTIONS, cursor), (SEGMENTATION, f"{cursor}x")):
        answer = api.get(path, {"cursor": sent})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "cursor")


@pytest.mark.parametrize("path", [SEGMENTATION, PREDICTIONS])
@pytest.mark.parametrize(
    ("asked", "field"), [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"state": "x"}, "state")]
)
def test_a_wrong_or_unknown_parameter_is_400_and_named(api, path, asked, field):
    assert api.get(path, asked).json()["error"]["field"] == field


@pytest.mark.parametrize("path", [SEGMENTATION, PREDICTIONS])
def test_before_the_first_run_the_list_is_empty(api, path):
    body = runs(api, path)
    assert (body["runs"], body["next_cursor"]) == ([], None)


@pytest.mark.parametrize(("path", "make"), [(SEGMENTATION, publish), (PREDICTIONS, score_the_shop)])
def test_the_number_of_queries_does_not_grow_with_runs(api, path, make):
    make()
    runs(api, path)
    with CaptureQueriesContext(connection) as few:
        runs(api, path)
    for _ in range(12):
        make()
    with CaptureQueriesContext(connection) as many:
        runs(api, path, limit=100)
    assert len(few) == len(many)


def test_the_answers_are_what_the_schema_says(api):
    schema = api.get("/api/schema").json()
    publish()
    held_back()
    score_the_shop(drift={"recency_days": 0.03})
    score_the_shop(model=None, missing="Too little.")
    for path in (SEGMENTATION, PREDICTIONS):
        described = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _check(runs(api, path, limit=1), described, schema, path)
        _check(runs(api, path), described, schema, path)
