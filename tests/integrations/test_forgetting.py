"""Old messages and void secrets go, by the hour and without being read."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import forgetting
from integrations.delivering import Tally, deliver_due
from integrations.endpoints import delete, rotate
from integrations.forgetting import forget_former_secrets, forget_old
from integrations.models import Attempt, Delivery, WebhookEndpoint, WebhookEvent
from integrations.webhooks import emit
from quimbi import schedule

pytestmark = pytest.mark.django_db


def happen(number):
    emit("segmentation.published", lambda: {"run_id": number})


def test_old_events_are_forgotten_with_their_deliveries(endpoint):
    happen(1)
    assert forget_old(timezone.now() + timedelta(days=29)) == 0
    assert forget_old(timezone.now() + timedelta(days=31)) == 1
    assert not Delivery.objects.exists()


def test_attempts_go_with_their_message_or_their_webhook(endpoint, receiver):
    for number in range(2):
        happen(number)
    deliver_due(Tally())
    assert Attempt.objects.count() == 2
    WebhookEvent.objects.filter(pk=WebhookEvent.objects.first().pk).update(created_at=timezone.now() - timedelta(days=31))
    forget_old(timezone.now())
    assert Attempt.objects.get().delivery == Delivery.objects.get()
    delete(endpoint)
    assert not Attempt.objects.exists()


def test_of_an_answer_nothing_but_its_status_is_kept(endpoint, receiver):
    receiver.statuses, receiver.answer_body = [400], b'{"error": "sarah@example.com is not known"}'
    happen(1)
    deliver_due(Tally())
    kept = str([Attempt.objects.values().get(), Delivery.objects.values().get()])
    assert "It answered 400." in kept
    assert "sarah" not in kept


def test_what_is_forgotten_is_not_read_and_goes_in_parts(endpoint, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    for number in range(5):
        happen(number)
    with CaptureQueriesContext(connection) as queries:
        assert forget_old(timezone.now() + timedelta(days=31)) == 5
    assert not any("payload" in query["sql"] for query in queries)
    assert sum(query["sql"].startswith("DELETE") and "webhookevent" in query["sql"] for query in queries) == 3


def test_a_secret_is_erased_when_nothing_is_signed_with_it_any_more(endpoint):
    now = timezone.now()
    rotate(endpoint, now)
    assert forget_former_secrets(now + timedelta(hours=23)) == 0
    assert forget_former_secrets(now + timedelta(hours=24)) == 1
    stored = WebhookEndpoint.objects.get()
    assert (stored.previous_secret, stored.previous_secret_until) == ("", None)
    assert stored.secret == endpoint.secret


def test_the_schedule_sees_to_both(endpoint):
    rotate(endpoint, timezone.now() - timedelta(days=2))
    happen(1)
    WebhookEvent.objects.update(created_at=timezone.now() - timedelta(days=31))
    schedule.tidy_up(timezone.now())
    assert not WebhookEvent.objects.exists()
    assert WebhookEndpoint.objects.get().previous_secret == ""
