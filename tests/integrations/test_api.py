"""Webhooks over the API: what is taken, what is answered. Who may stands in tests/api/test_access.py."""

import json
from datetime import datetime

import pytest
from django.contrib.admin.utils import quote
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey, User
from integrations.delivering import Tally, deliver_due
from integrations.endpoints import add, replay, switch
from integrations.models import Delivery, WebhookEndpoint
from integrations.webhooks import emit

pytestmark = pytest.mark.django_db
PUBLISHED, MOVED = "segmentation.published", "customer.archetype_changed"
NEW = {"url": "https://example.com/hooks?token=t", "events": [PUBLISHED], "description": "CRM"}
MISSING_WEBHOOK, MISSING_DELIVERY = "wh_" + "0" * 32, "dlv_" + "0" * 32
ROUTES = [
    ("get", "/api/webhooks/{webhook}"),
    ("patch", "/api/webhooks/{webhook}"),
    ("delete", "/api/webhooks/{webhook}"),
    ("post", "/api/webhooks/{webhook}/test"),
    ("post", "/api/webhooks/{webhook}/rotate"),
    ("get", "/api/webhooks/{webhook}/deliveries"),
    ("get", "/api/webhooks/deliveries/{delivery}"),
    ("post", "/api/webhooks/deliveries/{delivery}/replay"),
]


def key(*scopes):
    return Client(headers={"X-API-Key": ApiKey.issue("test", list(scopes))[1]})


@pytest.fixture
def api(db):
    return key("write:webhooks")


def send(client, method, address, body=None):
    return getattr(client, method)(address, json.dumps(body or {}), content_type="application/json")


def ask(client, method, route, endpoint=None, delivery=None, body=None):
    address = route.format(
        webhook=endpoint.pk if endpoint else MISSING_WEBHOOK, delivery=delivery.pk if delivery else MISSING_DELIVERY
    )
    return client.get(address) if method == "get" else send(client, method, address, body)


@pytest.fixture
def delivered(endpoint, receiver):
    emit(PUBLISHED, lambda: {"run_id": 1})
    deliver_due(Tally())
    return Delivery.objects.get()


def test_a_session_writes_with_the_csrf_token_only(endpoint):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("p", role="admin"))
    assert send(client, "delete", f"/api/webhooks/{endpoint.pk}").status_code == 403
    assert WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize("wrong", ["", "x", "é", "a%00b", "wh_", "wh_" + "g" * 32, "x" * 3000])
def test_what_is_not_there_is_404(api, method, route, wrong):
    if wrong:
        address = route.replace("{webhook}", wrong).replace("{delivery}", wrong)
        answer = api.get(address) if method == "get" else send(api, method, address)
    else:
        answer = ask(api, method, route)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


# --- What -----------------------------------------------------------------------------------------------------------------


def test_a_webhook_is_made_and_its_secret_told_once(api):
    answer = send(api, "post", "/api/webhooks", NEW)
    assert answer.status_code == 201
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert (made["url"], made["events"], made["description"], made["is_enabled"]) == (NEW["url"], [PUBLISHED], "CRM", True)
    assert made["disabled_reason"] is None
    assert made["disabled_reason_reason"]
    assert "no-store" in answer["Cache-Control"]
    stored = WebhookEndpoint.objects.get()
    assert stored.secret == made["secret"]
    for address in ("/api/webhooks", f"/api/webhooks/{stored.pk}"):
        assert "whsec_" not in api.get(address).content.decode()
    listed = api.get("/api/webhooks").json()["webhooks"]
    assert listed == [{name: value for name, value in made.items() if name != "secret"}]


def test_a_person_who_makes_one_is_remembered(db):
    ada = User.objects.create_user("ada", role="admin")
    client = Client()
    client.force_login(ada)
    assert send(client, "post", "/api/webhooks", NEW).status_code == 201
    assert WebhookEndpoint.objects.get().created_by == ada


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user:x@example.com/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "url"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"url": "https://example.com/a\0b"}, "url"),
        ({"url": "https://example.com/" + "a" * 500}, "url"),
        ({"events": []}, "events"),
        ({"events": None}, "events"),
        ({"events": "segmentation.published"}, "events"),
        ({"events": ["customer.born"]}, "events"),
        ({"events": [PUBLISHED] * 51}, "events"),
        ({"description": "x" * 121}, "description"),
        ({"secret": "whsec_mine"}, "secret"),
        ({"id": "wh_1"}, "id"),
        ({"is_enabled": False}, "is_enabled"),
        ({"created_by": 1}, "created_by"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_what_cannot_be_right_is_400_and_named(api, changed, field):
    answer = send(api, "post", "/api/webhooks", {**NEW, **changed})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert field in answer.json()["error"]["message"] or field in {"url", "events"}
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("body", [[], "text", 1, [NEW]])
def test_a_body_that_is_no_object_is_400(api, body):
    answer = api.post("/api/webhooks", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400


def test_an_unknown_parameter_is_400(api, endpoint):
    assert api.get("/api/webhooks?x=1").json()["error"]["code"] == "unknown_parameter"
    assert api.get(f"/api/webhooks/{endpoint.pk}/deliveries?limit=101").status_code == 400


def test_production_takes_https_only(api, settings):
    settings.PRODUCTION = True
    answer = send(api, "post", "/api/webhooks", {**NEW, "url": "http://example.com/"})
    assert answer.status_code == 400
    assert "https://" in answer.json()["error"]["message"]


def test_a_webhook_is_changed_in_part(api, endpoint, receiver):
    answer = send(api, "patch", f"/api/webhooks/{endpoint.pk}", {"description": "Sales"})
    assert answer.status_code == 200
    assert (answer.json()["description"], answer.json()["url"]) == ("Sales", receiver.url)
    answer = send(api, "patch", f"/api/webhooks/{endpoint.pk}", {"events": [PUBLISHED, PUBLISHED], "is_enabled": False})
    assert (answer.json()["events"], answer.json()["is_enabled"]) == ([PUBLISHED], False)
    answer = send(api, "patch", f"/api/webhooks/{endpoint.pk}", {"is_enabled": True})
    assert answer.json()["is_enabled"]
    link_local = {"url": "http://169.254.43518/"}
    for wrong in (link_local, {"secret": "whsec_x"}, {"failing_since": None}, {"is_enabled": None}, {"url": "nowhere"}):
        assert send(api, "patch", f"/api/webhooks/{endpoint.pk}", wrong).status_code == 400


def test_a_webhook_that_quimbi_disabled_says_why(api, endpoint):
    WebhookEndpoint.objects.update(is_enabled=False, disabled_reason="Nothing could be delivered for 5 days.")
    told = api.get(f"/api/webhooks/{endpoint.pk}").json()
    assert (told["is_enabled"], told["disabled_reason"]) == (False, "Nothing could be delivered for 5 days.")
    assert "disabled_reason_reason" not in told


def test_a_webhook_is_deleted_with_its_log(api, endpoint, delivered):
    assert send(api, "delete", f"/api/webhooks/{endpoint.pk}").status_code == 204
    assert not Delivery.objects.exists()
    assert send(api, "delete", f"/api/webhooks/{endpoint.pk}").status_code == 404


def test_a_test_is_accepted_and_sent(api, endpoint, receiver):
    answer = send(api, "post", f"/api/webhooks/{endpoint.pk}/test")
    assert answer.status_code == 202
    assert (answer.json()["type"], answer.json()["state"]) == ("webhook.test", "pending")
    deliver_due(Tally())
    assert receiver.messages[0]["data"] == {"webhook_id": endpoint.pk}
    assert receiver.is_signed_by(endpoint.secret)


def test_what_cannot_be_done_now_is_409_and_says_what_to_do(api, endpoint, delivered):
    switch(endpoint, on=False)
    for address in (f"/api/webhooks/{endpoint.pk}/test", f"/api/webhooks/deliveries/{delivered.pk}/replay"):
        answer = send(api, "post", address)
        assert answer.status_code == 409
        assert "enable it" in answer.json()["error"]["message"]
    assert send(api, "post", f"/api/webhooks/{endpoint.pk}/test", {"x": 1}).status_code == 400


def test_a_rotation_tells_the_new_secret_and_how_long_the_old_one_is_good(api, endpoint):
    answer = send(api, "post", f"/api/webhooks/{endpoint.pk}/rotate")
    assert answer.status_code == 200
    assert answer.json()["secret"] not in {"", endpoint.secret}
    assert answer.json()["previous_secret_until"]
    assert "no-store" in answer["Cache-Control"]


def test_a_second_rotation_within_a_day_is_409_unless_it_is_meant(api, endpoint):
    address = f"/api/webhooks/{endpoint.pk}/rotate"
    first = send(api, "post", address).json()["secret"]
    refused = send(api, "post", address)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert "confirm" in refused.json()["error"]["message"]
    assert WebhookEndpoint.objects.get().secret == first
    for wrong in ({"void_previous": "yes"}, {"void": True}):
        assert send(api, "post", address, wrong).status_code == 400
    assert send(api, "post", address, {"void_previous": True}).json()["secret"] != first


def test_no_answer_is_kept_for_addresses_may_hold_secrets(api, endpoint):
    for address in ("", f"/{endpoint.pk}", f"/{endpoint.pk}/deliveries"):
        assert api.get(f"/api/webhooks{address}")["Cache-Control"] == "private, no-store"
    assert send(api, "patch", f"/api/webhooks/{endpoint.pk}", {"description": "x"})["Cache-Control"] == "private, no-store"


def test_the_schema_names_the_states_of_a_delivery_and_all_that_a_409_may_mean(db):
    schema = key("read").get("/api/schema").json()
    described = schema["components"]["schemas"]["DeliverySchema"]["properties"]["state"]
    while "enum" not in described:
        reference = described["$ref"] if "$ref" in described else described["allOf"][0]["$ref"]
        described = schema["components"]["schemas"][reference.rsplit("/", 1)[1]]
    assert described["enum"] == ["pending", "delivered", "failed", "abandoned"]
    refusing = ("", "/{webhook_id}/test", "/{webhook_id}/rotate", "/deliveries/{delivery_id}/replay")
    for path in refusing:
        refusal = schema["paths"][f"/api/webhooks{path}"]["post"]["responses"]["409"]
        assert all(code in refusal["description"] for code in ("`conflict`", "`idempotency_conflict`", "`in_progress`"))
        assert refusal["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_a_replay_is_accepted(api, delivered, receiver):
    answer = send(api, "post", f"/api/webhooks/deliveries/{delivered.pk}/replay")
    assert answer.status_code == 202
    assert answer.json()["event_id"] == delivered.event_id
    assert send(api, "post", f"/api/webhooks/deliveries/{delivered.pk}/replay").status_code == 409
    deliver_due(Tally())
    assert len(receiver.received) == 2


def test_one_delivery_tells_the_bytes_that_were_signed_and_every_attempt(api, endpoint, receiver):
    receiver.statuses = [503, 204]
    emit(PUBLISHED, lambda: {"run_id": 1, "text": "Zoë"})
    deliver_due(Tally())
    delivery = Delivery.objects.get()
    replay(Delivery.objects.get(pk=delivery.pk))
    deliver_due(Tally())
    answer = api.get(f"/api/webhooks/deliveries/{delivery.pk}")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    told = answer.json()
    assert [told["body"].encode()] * 2 == [body for _, _, body in receiver.received]
    assert (told["webhook_id"], told["event_id"], told["state"]) == (endpoint.pk, delivery.event_id, "delivered")
    second, first = told["attempt_log"]
    assert (first["number"], first["status"], first["error"]) == (1, 503, "It answered 503.")
    assert (second["number"], second["status"], second["error"]) == (1, 204, None)
    assert second["error_reason"]
    for attempt, (headers, _, _) in zip((first, second), receiver.received, strict=True):
        assert 0 <= attempt["duration_seconds"] < 10
        assert datetime.fromisoformat(attempt["sent_at"]).timestamp() == int(headers["webhook-timestamp"])
    listed = api.get(f"/api/webhooks/{endpoint.pk}/deliveries").json()["deliveries"]
    assert listed == [{name: told[name] for name in listed[0]}]
    assert "body" not in listed[0]


def test_an_attempt_without_an_answer_says_so(api, endpoint, receiver):
    receiver.breaks_off = True
    emit(PUBLISHED, dict)
    deliver_due(Tally())
    attempt = api.get(f"/api/webhooks/deliveries/{Delivery.objects.get().pk}").json()["attempt_log"][0]
    assert (attempt["status"], attempt["status_reason"]) == (None, "The receiver gave no answer.")
    assert attempt["error"] == "It broke off, or did not answer in HTTP."


def test_the_log_is_no_way_around_the_customers_that_a_key_may_read_a_day(endpoint):
    row, secret = ApiKey.issue("test", ["write:webhooks"], customers_a_day=3)
    client = Client(headers={"X-API-Key": secret})

    def told_of(*ids):
        event = emit(MOVED, lambda: {"run_id": 1, "changes": [{"customer_id": each} for each in ids]})
        return Delivery.objects.get(event=event).pk

    few, many = told_of("c0", "c1"), told_of("c1", "c2", "c3")
    assert client.get(f"/api/webhooks/deliveries/{few}").status_code == 200
    refused = client.get(f"/api/webhooks/deliveries/{many}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "harvest_limit")
    assert "customer_id" not in refused.content.decode()
    assert client.get(f"/api/webhooks/deliveries/{few}").status_code == 200
    ApiKey.objects.filter(pk=row.pk).update(customers_a_day=4)
    assert client.get(f"/api/webhooks/deliveries/{many}").status_code == 200


def test_the_log_is_paged_and_filtered(api, endpoint, receiver):
    for number in range(7):
        emit(PUBLISHED, lambda number=number: {"run_id": number})
    receiver.statuses = [200, 500]
    deliver_due(Tally())
    address, seen, cursor = f"/api/webhooks/{endpoint.pk}/deliveries?limit=3", [], ""
    while cursor is not None:
        page = api.get(address + (f"&cursor={cursor}" if cursor else "")).json()
        seen += page["deliveries"]
        cursor = page["next_cursor"]
    assert len(page["deliveries"]) == 1
    assert page["next_cursor_reason"]
    assert len({each["id"] for each in seen}) == 7
    assert [each["created_at"] for each in seen] == sorted((each["created_at"] for each in seen), reverse=True)
    delivered = api.get(f"/api/webhooks/{endpoint.pk}/deliveries?state=delivered").json()["deliveries"]
    assert [each["last_status"] for each in delivered] == [200]
    failed = api.get(f"/api/webhooks/{endpoint.pk}/deliveries?state=failed").json()["deliveries"]
    assert {each["last_error"] for each in failed} == {"It answered 500."}
    assert all(each["next_attempt_at"] for each in failed)
    foreign = add("https://example.com/other", [PUBLISHED])
    first = api.get(address).json()["next_cursor"]
    assert api.get(f"/api/webhooks/{foreign.pk}/deliveries?cursor={first}").status_code == 400


def test_a_repeated_write_happens_once(api):
    headers = {"Idempotency-Key": "one"}
    answers = [api.post("/api/webhooks", json.dumps(NEW), content_type="application/json", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert WebhookEndpoint.objects.count() == 1


def test_the_admins_lists_do_not_read_what_was_sent(endpoint, delivered):
    client = Client()
    client.force_login(User.objects.create_user("ada", role="admin"))
    for model in ("webhookevent", "delivery"):
        with CaptureQueriesContext(connection) as queries:
            assert PUBLISHED in client.get(reverse(f"admin:integrations_{model}_changelist")).content.decode()
        assert not any("payload" in query["sql"] for query in queries)


def test_the_admin_shows_no_secret(endpoint):
    client = Client()
    client.force_login(User.objects.create_user("ada", role="admin"))
    page = client.get(reverse("admin:integrations_webhookendpoint_change", args=[quote(endpoint.pk)])).content.decode()
    assert endpoint.url in page
    assert "whsec_" not in page
