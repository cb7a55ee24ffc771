"""Which pages of other sites may call the API, with which key, and what a browser is told."""

import pytest
from django.test import Client

from accounts.models import ApiKey
from tests.factories import make_shop

pytestmark = pytest.mark.django_db
TOP = "/api/mcp/archetypes/top"
SHOP, FOREIGN = "https://shop.example", "https://evil.example"


@pytest.fixture(autouse=True)
def shop():
    make_shop()


def preflight(origin, path=TOP, method="GET"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}
    return Client().options(path, headers=asked)


def send(secret, origin, path=TOP):
    return Client(headers={"X-API-Key": secret, "Origin": origin}).get(path)


def allowed(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


def test_a_preflight_from_a_known_page_is_answered_without_a_key(settings):
    settings.CORS_ORIGINS = [SHOP]
    for path in (TOP, "/api/mcp/customer/1", "/api/no/such/path"):
        answer = preflight(SHOP, path, "POST")
        assert (answer.status_code, answer.content) == (204, b"")
        assert allowed(answer) == SHOP
        assert "Origin" in answer["Vary"]
        assert "POST" in answer["Access-Control-Allow-Methods"]
        asked_for = {name.strip() for name in answer["Access-Control-Allow-Headers"].split(",")}
        assert asked_for == {"X-API-Key", "Content-Type", "Idempotency-Key", "If-None-Match"}
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_is_known_by_any_key_that_works():
    row, _ = ApiKey.issue("browser", ["read"], origins=[SHOP])
    assert allowed(preflight(SHOP)) == SHOP
    row.revoke(row.created_at)
    assert allowed(preflight(SHOP)) is None


@pytest.mark.parametrize("origin", [FOREIGN, "null", "", "https://shop.example.evil.example", "http://shop.example", "*"])
def test_a_preflight_from_elsewhere_is_an_ordinary_options(settings, origin):
    settings.CORS_ORIGINS = [SHOP]
    ApiKey.issue("browser", ["read"], origins=[SHOP])
    answer = preflight(origin)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert "Origin" in answer["Vary"]


def test_a_page_reads_answers_and_their_headers():
    _, secret = ApiKey.issue("browser", ["read"], origins=[SHOP])
    for answer in (send(secret, SHOP), send(secret, SHOP, "/api/mcp/customer/nobody"), send("qk_wrong", SHOP)):
        assert allowed(answer) == SHOP
        exposed = answer["Access-Control-Expose-Headers"]
        for name in ("ETag", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-Request-Id"):
            assert name in exposed
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_answer_to_a_server_says_nothing_of_pages_but_varies(settings):
    settings.CORS_ORIGINS = [SHOP]
    answer = Client(headers={"X-API-Key": ApiKey.issue("server", ["read"])[1]}).get(TOP)
    assert allowed(answer) is None
    assert "Origin" in answer["Vary"]


def test_a_publishable_key_is_taken_from_its_own_pages_only(settings):
    settings.CORS_ORIGINS = ["https://other.example"]
    _, secret = ApiKey.issue("browser", ["read"], origins=[SHOP])
    assert send(secret, SHOP).status_code == 200
    assert send(secret, "https://other.example").status_code == 401
    refused = send(secret, FOREIGN)
    assert refused.status_code == 401
    assert "an admin can add its origin" in refused.json()["error"]["message"]
    assert allowed(refused) is None


def test_a_key_that_names_pages_is_taken_from_servers_too_and_from_our_own_pages():
    _, secret = ApiKey.issue("browser", ["read"], origins=[SHOP])
    assert Client(headers={"X-API-Key": secret}).get(TOP).status_code == 200
    assert send(secret, "http://testserver").status_code == 200


def test_the_installations_pages_may_send_keys_that_read_figures_only(settings):
    _, figures = ApiKey.issue("figures", ["read"])
    _, people = ApiKey.issue("people", ["read:pii"])
    assert send(figures, SHOP).status_code == 401
    settings.CORS_ORIGINS = [SHOP]
    assert send(figures, SHOP).status_code == 200
    refused = send(people, SHOP)
    assert refused.status_code == 401
    assert "keep it on your server" in refused.json()["error"]["message"]


def test_a_session_is_no_use_to_a_foreign_page(person_client, settings):
    settings.CORS_ORIGINS = [SHOP]
    answer = person_client("admin").get(TOP, headers={"Origin": SHOP})
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_pages_of_the_product_know_nothing_of_other_sites(settings, person_client):
    settings.CORS_ORIGINS = [SHOP]
    answer = person_client("agent").get("/customers/", headers={"Origin": SHOP})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("right", [SHOP, "http://localhost:3000", "https://a-b.c1.example:8443", "http://[::1]:5173"])
def test_what_is_an_origin_may_stand_on_a_key(right):
    _, secret = ApiKey.issue("browser", ["read"], origins=[right])
    assert send(secret, right).status_code == 200
