"""Who may read what: nobody, people of every role, keys of every scope."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, User
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from tests.factories import make_customer, make_shop
from tests.published import publish

pytestmark = pytest.mark.django_db
READ_ROUTES = [
    "/api/mcp/customer/random",
    "/api/mcp/customer/c1",
    "/api/mcp/customer/c1/orders",
    "/api/mcp/customer/c1/churn-risk",
    "/api/mcp/customer/c1/card",
    "/api/mcp/customers",
    "/api/mcp/export/customers",
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
PII_ROUTES = ["/api/mcp/customer/lookup?phone=5550100", "/api/mcp/export/customers?contact=true"]
WEBHOOK_ROUTES = [
    ("get", "/api/webhooks"),
    ("post", "/api/webhooks"),
    ("get", "/api/webhooks/{webhook}"),
    ("patch", "/api/webhooks/{webhook}"),
    ("delete", "/api/webhooks/{webhook}"),
    ("post", "/api/webhooks/{webhook}/test"),
    ("post", "/api/webhooks/{webhook}/rotate"),
    ("get", "/api/webhooks/{webhook}/deliveries"),
    ("post", "/api/webhooks/deliveries/{delivery}/replay"),
]
OPEN_ROUTES = ["/health", "/livez", "/readyz"]


@pytest.fixture(autouse=True)
def something_to_read():
    make_shop()
    publish().join(make_customer("Sarah Johnson", orders=1, customer_id="c1", phone="555-0100"))


@pytest.mark.parametrize("route", READ_ROUTES)
def test_nobody_is_told_to_send_a_key(route):
    answer = Client().get(route)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("ApiKey")
    error = answer.json()["error"]
    assert error["code"] == "not_authenticated"
    assert "X-API-Key" in error["message"]


def test_a_stranger_learns_nothing_about_parameters_or_ids():
    answers = [
        Client().get(route) for route in ("/api/mcp/customer/c1", "/api/mcp/customer/no-such", "/api/mcp/customer/c1?x=1")
    ]
    told = []
    for answer in answers:
        error = answer.json()["error"]
        error.pop("request_id")
        told.append((answer.status_code, error))
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("route", OPEN_ROUTES)
def test_health_is_open(route):
    assert Client().get(route).status_code == 200


@pytest.mark.parametrize("route", READ_ROUTES)
@pytest.mark.parametrize("role", User.Role.values)
def test_everybody_who_is_signed_in_may_read(person_client, route, role):
    assert person_client(role).get(route).status_code == 200


@pytest.mark.parametrize("route", READ_ROUTES)
@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (["read"], 200),
        (["read:pii"], 200),
        (["read", "query", "write:campaigns"], 200),
        (["write:campaigns"], 403),
        (["query"], 403),
    ],
)
def test_a_key_reads_with_a_reading_scope_only(key_client, route, scopes, status):
    answer = key_client(*scopes).get(route)
    assert answer.status_code == status
    if status == 403:
        error = answer.json()["error"]
        assert error["code"] == "permission_denied"
        assert "scope read" in error["message"]


@pytest.mark.parametrize("route", PII_ROUTES)
@pytest.mark.parametrize(
    ("scopes", "status"), [(["read:pii"], 200), (["read", "query", "write:campaigns"], 403), (["read"], 403)]
)
def test_contact_data_needs_its_own_scope(key_client, person_client, route, scopes, status):
    assert Client().get(route).status_code == 401
    assert person_client("agent").get(route).status_code == 200
    answer = key_client(*scopes).get(route)
    assert answer.status_code == status
    if status == 403:
        assert "read:pii" in answer.json()["error"]["message"]


def _ask_webhooks(client, method, route):
    """Ask for a webhook that is there; what a POST makes is a valid one."""
    webhook = WebhookEndpoint.objects.create(url="https://example.com/hooks", events=["segmentation.published"])
    event = WebhookEvent.objects.create(type="webhook.test", payload={})
    delivery = Delivery.objects.create(endpoint=webhook, event=event, state="delivered", next_attempt_at=None)
    body = {"url": webhook.url, "events": webhook.events} if route == "/api/webhooks" else {}
    address = route.format(webhook=webhook.pk, delivery=delivery.pk)
    return client.get(address) if method == "get" else getattr(client, method)(address, body, "application/json")


@pytest.mark.parametrize(("method", "route"), WEBHOOK_ROUTES)
@pytest.mark.parametrize("scope", [None, *ApiKey.Scope.values])
def test_webhooks_are_for_keys_of_their_scope(key_client, method, route, scope):
    answer = _ask_webhooks(key_client(scope) if scope else Client(), method, route)
    if scope == "write:webhooks":
        assert answer.status_code < 300
    else:
        assert answer.status_code == (403 if scope else 401)
        assert ("scope write:webhooks" if scope else "X-API-Key") in answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "route"), WEBHOOK_ROUTES)
@pytest.mark.parametrize(("role", "may"), [("agent", False), ("marketer", False), ("admin", True)])
def test_of_people_only_admins_manage_webhooks(person_client, method, route, role, may):
    answer = _ask_webhooks(person_client(role), method, route)
    assert answer.status_code < 300 if may else answer.status_code == 403


@pytest.mark.parametrize("scope", ["read", "write:webhooks"])
def test_no_id_of_a_webhook_is_told_from_another_that_is_missing(key_client, scope):
    answers = []
    for webhook in ("wh_" + "0" * 32, "nothing"):
        answer = key_client(scope).get(f"/api/webhooks/{webhook}")
        error = answer.json()["error"]
        error.pop("request_id")
        answers.append((answer.status_code, error))
    assert answers[0] == answers[1]
    assert answers[0][0] == (404 if scope == "write:webhooks" else 403)


def test_somebody_who_was_deactivated_is_out_with_the_next_request(person_client):
    client = person_client("admin")
    assert client.get("/api/mcp/archetypes/top").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/api/mcp/archetypes/top").status_code == 401


def _with(secret, **headers):
    return Client(headers={"X-API-Key": secret, **headers}).get("/api/mcp/archetypes/top")


@pytest.mark.parametrize("end", ["expires_at", "revoked_at"])
def test_an_ended_key_is_401_and_says_so(end):
    row, secret = ApiKey.issue("old", ["read"])
    ApiKey.objects.filter(pk=row.pk).update(**{end: timezone.now() - timedelta(seconds=1)})
    answer = _with(secret)
    assert answer.status_code == 401
    assert ("expired" if end == "expires_at" else "revoked") in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "sent",
    ["", " ", "qk_", "qk_12345678", "qk_12345678_" + "x" * 43, "é" * 20, "x" * 100_000, "qk_%00_a", "Bearer abc", "_", "__"],
)
def test_what_is_no_key_is_401_and_never_500(sent):
    answer = _with(sent)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "authentication_failed"


def test_a_wrong_end_and_an_unknown_beginning_get_the_same_answer():
    _, secret = ApiKey.issue("mine", ["read"])
    changed = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    errors = []
    for sent in (changed, "qk_00000000_" + "a" * 43):
        error = _with(sent).json()["error"]
        error.pop("request_id")
        errors.append(error)
    assert errors[0] == errors[1]


def test_a_wrong_key_is_refused_even_with_a_session(person_client):
    client = person_client("admin")
    assert client.get("/api/mcp/archetypes/top", headers={"X-API-Key": "qk_wrong_key"}).status_code == 401


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(api):
    api.get("/api/mcp/archetypes/top")
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    with CaptureQueriesContext(connection) as queries:
        api.get("/api/mcp/archetypes/top")
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    api.get("/api/mcp/archetypes/top")
    assert ApiKey.objects.get().last_used_at >= first


@pytest.mark.parametrize("scopes", [["read"], ["read", "read:pii"]])
def test_a_key_without_origins_is_for_servers(scopes):
    row, secret = ApiKey.issue("server", scopes)
    assert _with(secret).status_code == 200
    assert _with(secret, Origin="http://testserver").status_code == 200
    assert _with(secret, Origin="https://evil.example").status_code == 401
    assert _with(secret, Origin="null").status_code == 401
    row.origins = ["https://shop.example"]
    row.save()
    assert _with(secret, Origin="https://shop.example").status_code == 200


def test_the_session_of_a_person_changes_nothing_without_the_csrf_token(person_client):
    for route in READ_ROUTES:
        assert person_client("admin").post(route).status_code in {403, 405}


def test_the_documentation_page_sends_strangers_to_the_door(person_client):
    answer = Client().get("/api/docs")
    assert answer.status_code == 302
    assert person_client("agent").get("/api/docs").status_code == 200
