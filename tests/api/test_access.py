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
PROFILE, WEBHOOKS = "/api/mcp/customer/c1", "/api/webhooks"
A_WEBHOOK = {"url": "https://example.com/hooks", "events": ["segmentation.published"]}


@pytest.fixture(autouse=True)
def something_to_read():
    make_shop()
    publish().join(make_customer("Sarah Johnson", orders=1, customer_id="c1", phone="555-0100"))


def test_nobody_is_told_to_send_a_key():
    answer = Client().get(PROFILE)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("ApiKey")
    error = answer.json()["error"]
    assert error["code"] == "not_authenticated"
    assert "X-API-Key" in error["message"]


@pytest.mark.parametrize(
    ("scope", "route", "needed"),
    [
        ("query", PROFILE, "read"),
        ("read", "/api/mcp/customer/lookup?phone=5550100", "read:pii"),
        ("read", "/api/mcp/export/customers?contact=true", "read:pii"),
        ("read", WEBHOOKS, "write:webhooks"),
    ],
)
def test_a_key_is_told_which_scope_it_lacks(key_client, scope, route, needed):
    error = key_client(scope).get(route).json()["error"]
    assert error["code"] == "permission_denied"
    assert f"needs the scope {needed}; yours does not have it." in error["message"]


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
    _, secret = ApiKey.issue("server", scopes)
    assert _with(secret).status_code == 200
    assert _with(secret, Origin="http://testserver").status_code == 200
    assert _with(secret, Origin="https://evil.example").status_code == 401
    assert _with(secret, Origin="null").status_code == 401


@pytest.mark.parametrize("route", ["", "/{webhook}", "/{webhook}/test", "/{webhook}/rotate", "/deliveries/{delivery}/replay"])
def test_the_session_of_a_person_changes_nothing_without_the_csrf_token(route):
    webhook = WebhookEndpoint.objects.create(**A_WEBHOOK)
    event = WebhookEvent.objects.create(type="webhook.test", payload={})
    delivery = Delivery.objects.create(endpoint=webhook, event=event, state="delivered", next_attempt_at=None)
    client = _signed_in_admin()
    method = client.delete if route == "/{webhook}" else client.post
    answer = method(WEBHOOKS + route.format(webhook=webhook.pk, delivery=delivery.pk), A_WEBHOOK, "application/json")
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["error"]["message"]
    assert (WebhookEndpoint.objects.count(), Delivery.objects.count()) == (1, 1)
    assert WebhookEndpoint.objects.get().secret == webhook.secret


def test_the_session_of_a_person_changes_something_with_the_csrf_token():
    client = _signed_in_admin()
    token = client.get("/account/password/").cookies["csrftoken"].value
    answer = client.post(WEBHOOKS, A_WEBHOOK, "application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201
    assert WebhookEndpoint.objects.exists()


def _signed_in_admin():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("root", role=User.Role.ADMIN))
    return client


def test_the_documentation_page_sends_strangers_to_the_door(person_client):
    answer = Client().get("/api/docs")
    assert answer.status_code == 302
    assert person_client("agent").get("/api/docs").status_code == 200
