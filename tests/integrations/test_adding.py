"""No more webhooks than a shop can have, however many are added at once and wherever."""

import json
import threading
from contextlib import suppress

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, User
from integrations.endpoints import MOST_ENDPOINTS, NotNow, add, change
from integrations.models import WebhookEndpoint
from tests.factories import make_shop

PUBLISHED = "segmentation.published"
ROOM = 5


def at_once(work, threads=12):
    """Have `work(n)` done in as many threads, all of them let go at the same moment."""
    gate, problems = threading.Barrier(threads), []

    def run(n):
        try:
            gate.wait()
            work(n)
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert problems == []


def url_of(n):
    return f"https://example.com/{n}"


def by_function(n):
    with suppress(NotNow):
        add(url_of(n), [PUBLISHED])


def over_the_api(n):
    secret = ApiKey.issue(f"key {n}", ["write:webhooks"])[1]
    headers = {"X-API-Key": secret, **({"Idempotency-Key": str(n)} if n % 2 else {})}
    body = json.dumps({"url": url_of(n), "events": [PUBLISHED]})
    answer = Client(headers=headers).post("/api/webhooks", body, content_type="application/json")
    assert answer.status_code in {201, 409}


def on_the_page(n):
    client = Client()
    client.force_login(User.objects.create_user(f"admin-{n}", role="admin"))
    form = {"url": url_of(n), "description": "", "events": [PUBLISHED], "once": f"token {n}"}
    assert client.post("/settings/webhooks/new/", form).status_code in {302, 422}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("adding", [by_function, over_the_api, on_the_page])
def test_of_many_that_are_added_at_once_exactly_as_many_are_stored_as_there_is_room_for(adding):
    make_shop()
    for n in range(MOST_ENDPOINTS - ROOM):
        add(url_of(f"before/{n}"), [PUBLISHED])
    at_once(adding)
    assert WebhookEndpoint.objects.count() == MOST_ENDPOINTS


@pytest.mark.django_db(transaction=True)
def test_of_many_for_the_first_ones_no_more_are_stored_either(monkeypatch):
    monkeypatch.setattr("integrations.endpoints.MOST_ENDPOINTS", 3)
    at_once(by_function)
    assert WebhookEndpoint.objects.count() == 3


@pytest.mark.django_db
def test_one_too_many_is_refused_in_the_same_sentence_on_the_page_and_over_the_api():
    make_shop()
    for n in range(MOST_ENDPOINTS):
        add(url_of(n), [PUBLISHED])
    told = f"There are {MOST_ENDPOINTS} webhooks already; delete one that is not needed any more."
    admin = Client()
    admin.force_login(User.objects.create_user("ada", role="admin"))
    page = admin.post("/settings/webhooks/new/", {"url": url_of("x"), "events": [PUBLISHED], "once": "a"})
    assert (page.status_code, told in page.content.decode()) == (422, True)
    body = json.dumps({"url": url_of("x"), "events": [PUBLISHED]})
    answer = admin.post("/api/webhooks", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["message"]) == (409, told)
    WebhookEndpoint.objects.first().delete()
    again = admin.post("/settings/webhooks/new/", {"url": url_of("x"), "events": [PUBLISHED], "once": "a"})
    assert again.status_code == 302


@pytest.mark.django_db
def test_the_administration_adds_none():
    make_shop()
    admin = Client()
    admin.force_login(User.objects.create_user("ada", role="admin"))
    form = {"url": url_of("x"), "events": json.dumps([PUBLISHED])}
    assert admin.post(reverse("admin:integrations_webhookendpoint_add"), form).status_code == 403
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.django_db
def test_another_description_is_taken_although_the_address_would_not_be_any_more(settings):
    """It was entered before the rules were what they are."""
    endpoint = add("http://example.com/", [PUBLISHED])
    settings.PRODUCTION = True
    change(endpoint, description="CRM")
    client = Client(headers={"X-API-Key": ApiKey.issue("test", ["write:webhooks"])[1]})
    body = json.dumps({"description": "Sales"})
    answer = client.patch(f"/api/webhooks/{endpoint.pk}", body, content_type="application/json")
    assert (answer.status_code, answer.json()["description"]) == (200, "Sales")
