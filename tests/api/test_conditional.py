"""`ETag`, `If-None-Match` and `Last-Modified`: what somebody has already is not sent again."""

from datetime import timedelta

import pytest
import time_machine

from accounts.models import ApiKey
from customers.models import Customer
from tests.api.scored import make_scored, score_the_shop
from tests.factories import NOW, make_order, make_shop
from tests.published import publish

pytestmark = pytest.mark.django_db
# Without exports, which are streams. The shop has one customer, so that the random one is always the same.
REPEATABLE = [
    "/api/mcp/customer/random",
    "/api/mcp/customer/c1",
    "/api/mcp/customer/c1/orders",
    "/api/mcp/customer/c1/churn-risk",
    "/api/mcp/customer/c1/card",
    "/api/mcp/customers",
    "/api/mcp/churn/aggregate",
    "/api/mcp/growth/projection",
    "/api/mcp/archetypes/top",
    "/api/mcp/archetypes/growth-projection",
    "/api/mcp/archetypes/arch_88099600",
    "/api/mcp/archetypes/arch_88099600/members",
    "/api/mcp/archetypes/arch_88099600/movement",
    "/api/mcp/segmentation/runs",
    "/api/mcp/predictions/trust",
    "/api/mcp/predictions/runs",
    "/api/schema",
]


@pytest.fixture(autouse=True)
def something_to_read():
    make_shop()
    with time_machine.travel(NOW, tick=False):
        publish().join(make_scored("c1"))
        score_the_shop()
        yield


@pytest.mark.parametrize("route", REPEATABLE)
def test_what_has_not_changed_is_304_without_a_body(api, route):
    first = api.get(route)
    assert first["Cache-Control"] == "private, no-cache"
    again = api.get(route, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == "private, no-cache"
    assert "Content-Type" not in again.headers
    assert again["X-Request-Id"]


@pytest.mark.parametrize("route", REPEATABLE)
def test_another_tag_gets_the_whole_answer(api, route):
    for tag in ('"0"', 'W/"0"', "nonsense", ""):
        answer = api.get(route, headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert answer.json()


def test_any_of_several_tags_and_the_star_will_do(api):
    tag = api.get("/api/mcp/archetypes/top")["ETag"]
    for sent in (f'"0", {tag}', f"W/{tag}", "*"):
        assert api.get("/api/mcp/archetypes/top", headers={"If-None-Match": sent}).status_code == 304


def test_a_change_changes_the_tag(api):
    before = api.get("/api/mcp/customer/c1")["ETag"]
    make_order(Customer.objects.get(customer_id="c1"), placed_at=NOW - timedelta(days=1))
    answer = api.get("/api/mcp/customer/c1", headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer["ETag"] != before
    assert answer.json()["business_metrics"]["total_orders"] == 2


def test_a_profile_is_unchanged_while_only_the_clock_goes_on(api):
    before = api.get("/api/mcp/customer/c1")["ETag"]
    assert before.startswith("W/")
    with time_machine.travel(NOW + timedelta(seconds=90), tick=False):
        assert api.get("/api/mcp/customer/c1", headers={"If-None-Match": before}).status_code == 304
    with time_machine.travel(NOW + timedelta(days=1), tick=False):  # another day since the last order
        assert api.get("/api/mcp/customer/c1", headers={"If-None-Match": before}).status_code == 200


def test_the_moment_of_the_figures_is_last_modified(api):
    assert api.get("/api/mcp/archetypes/top")["Last-Modified"] == "Thu, 19 Nov 2026 03:00:00 GMT"
    assert api.get("/api/mcp/customers")["Last-Modified"] == "Thu, 19 Nov 2026 12:00:00 GMT"
    assert "Last-Modified" not in api.get("/api/mcp/customer/c1").headers  # told by the clock
    assert "Last-Modified" not in api.get("/api/mcp/customer/c1/orders").headers


def test_a_date_alone_is_answered_in_full(api):
    """Single customers are scored again between two runs, so that the moment of a run says nothing of them."""
    answer = api.get("/api/mcp/archetypes/top", headers={"If-Modified-Since": "Thu, 19 Nov 2026 03:00:00 GMT"})
    assert answer.status_code == 200


def test_errors_have_no_tag_and_are_not_to_be_kept(api):
    for answer in (api.get("/api/mcp/customer/nobody"), api.get("/api/mcp/customers?limit=0"), api.post("/api/mcp/customers")):
        assert answer.status_code >= 400
        assert "ETag" not in answer.headers
        assert answer["Cache-Control"] == "private, no-store"


def test_a_key_that_was_revoked_is_refused_and_not_told_that_nothing_changed(api):
    tag = api.get("/api/mcp/archetypes/top")["ETag"]
    ApiKey.objects.update(revoked_at=NOW - timedelta(seconds=1))
    assert api.get("/api/mcp/archetypes/top", headers={"If-None-Match": tag}).status_code == 401


def test_head_has_the_headers_of_get_and_no_body(api):
    answer = api.head("/api/mcp/archetypes/top")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["ETag"] == api.get("/api/mcp/archetypes/top")["ETag"]


def test_an_export_is_a_stream_without_a_tag(api):
    answer = api.get("/api/mcp/export/customers", headers={"If-None-Match": "*"})
    assert answer.status_code == 200
    assert "ETag" not in answer.headers
