"""GET /api/mcp/archetypes/{id}/members and /movement."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.reasons import odd_nulls
from tests.api.scored import make_many, make_scored, score_the_shop
from tests.api.test_customers import walk
from tests.factories import NOW, make_customer, make_shop
from tests.growing import keep_moves
from tests.published import publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    make_shop()


@pytest.fixture
def published():
    run = publish()
    run.run.as_of = NOW
    run.run.save()
    return run


def address(archetype, what):
    return f"/api/mcp/archetypes/{archetype.archetype_id}/{what}"


def read(client, path, **asked):
    answer = client.get(path, asked)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert odd_nulls(body) == []
    return body


def test_members_are_listed_by_what_they_are_worth_with_or_without_a_score(api, published):
    score_the_shop()
    published.join(make_scored("little", worth="10", value_at_risk=90))
    published.join(make_scored("much", worth="700", value_at_risk=1))
    published.join(make_customer("Ida Berg", orders=2, customer_id="unscored"))
    make_scored("elsewhere")
    body = read(api, address(published.archetype, "members"))
    assert (body["archetype_id"], body["member_count"]) == (published.archetype.archetype_id, 287)
    assert [row["customer_id"] for row in body["customers"]] == ["much", "unscored", "little"]
    body = read(api, address(published.archetype, "members"), sort="value_at_risk")
    assert [row["customer_id"] for row in body["customers"]] == ["little", "much"]


def test_members_are_paged_without_gaps(api, published):
    score_the_shop()
    for customer in make_many(11):
        published.join(customer)
    found, pages = walk(api, address(published.archetype, "members"), limit=4)
    assert (found, pages) == ([f"m{n:05d}" for n in range(11)], 3)


def test_a_cursor_of_one_archetype_is_refused_by_another(api, published):
    other = published.add_archetype("Other", member_count=1, total_ltv="10")
    for customer in make_many(3):
        published.join(customer)
    cursor = read(api, address(published.archetype, "members"), limit=1)["next_cursor"]
    answer = api.get(address(other, "members"), {"limit": 1, "cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "cursor")


@pytest.mark.parametrize("what", ["members", "movement"])
def test_an_unknown_archetype_is_404_in_the_same_words_as_its_page(api, published, what):
    told = {}
    for unknown in ("arch_00000000", "%00", "a" * 300):
        answers = [api.get(f"/api/mcp/archetypes/{unknown}{end}") for end in ("", f"/{what}")]
        assert [answer.status_code for answer in answers] == [404, 404]
        told |= {answer.json()["error"]["message"]: None for answer in answers}
    assert list(told) == ["There is no archetype with this id in the published run."]


def test_the_number_of_queries_does_not_grow_with_members(person_client, published):
    agent = person_client("agent")  # whose customers of the day nobody counts
    for customer in make_many(3):
        published.join(customer)
    read(agent, address(published.archetype, "members"))
    with CaptureQueriesContext(connection) as few:
        read(agent, address(published.archetype, "members"))
    for customer in make_many(40):
        published.join(customer)
    with CaptureQueriesContext(connection) as many:
        read(agent, address(published.archetype, "members"))
    assert len(few) == len(many)


def test_movement_tells_who_came_and_who_went(api, published):
    own = published.archetype.archetype_id
    other = published.add_archetype("Other", member_count=1, total_ltv="10").archetype_id
    keep_moves((own, own, 200), (own, other, 12), (other, own, 5), ("", own, 30), ("arch_gone", own, 7), ("", other, 9))
    assert read(api, address(published.archetype, "movement")) == {
        "archetype_id": own,
        "from": "2026-10-01T12:00:00Z",
        "to": "2026-11-01T12:00:00Z",
        "stayed": 200,
        "newcomers": 30,
        "came_from": [
            {"archetype_id": "arch_gone", "segment_name": "", "customers": 7},
            {"archetype_id": other, "segment_name": "Other", "customers": 5},
        ],
        "went_to": [{"archetype_id": other, "segment_name": "Other", "customers": 12}],
    }


def test_movement_without_two_months_is_null_with_a_reason(api, published):
    body = read(api, address(published.archetype, "movement"))
    assert body["stayed"] is body["came_from"] is body["went_to"] is None
    assert "two months" in body["came_from_reason"]


def test_movement_of_an_archetype_that_was_not_there_says_so(api, published):
    keep_moves(("arch_a", "arch_b", 3))
    body = read(api, address(published.archetype, "movement"))
    assert (body["stayed"], body["came_from"], body["went_to"]) == (0, [], [])
    assert "Nobody was in this archetype" in body["reason"]


@pytest.mark.parametrize(("what", "asked"), [("members", {"tier": "vip"}), ("movement", {"months": 2})])
def test_an_unknown_parameter_is_400_and_named(api, published, what, asked):
    answer = api.get(address(published.archetype, what), asked)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, *asked)
