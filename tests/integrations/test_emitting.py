"""Writing events down: while somebody deletes a webhook, and for millions of customers at once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from django.db import connection, transaction

from integrations import webhooks
from integrations.endpoints import NotNow, delete, send_test
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from integrations.webhooks import emit, emit_changes, listeners
from predictions import level_changes
from segmentation import telling

PUBLISHED, MOVED = "segmentation.published", "customer.archetype_changed"
only_where_two_write = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")


def elsewhere(work) -> threading.Thread:
    """Do something on another connection."""

    def do() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    return thread


@pytest.fixture
def overtaken(endpoint, monkeypatch):
    """Have the webhook deleted, in some way, between the looking for listeners and the writing."""

    def have(delete_it):
        def listeners_then(kind):
            found = listeners(kind)
            delete_it()
            return found

        monkeypatch.setattr(webhooks, "listeners", listeners_then)

    return have


@pytest.mark.django_db
def test_nothing_is_written_for_a_webhook_that_is_gone_by_then(endpoint, overtaken):
    overtaken(lambda: delete(WebhookEndpoint.objects.get()))
    assert emit(PUBLISHED, dict) is None
    assert not WebhookEvent.objects.exists()
    with pytest.raises(NotNow, match="just been deleted"):
        send_test(endpoint)


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_is_deleted_before_its_message_is_written_does_not_undo_what_the_message_tells(endpoint, overtaken):
    overtaken(lambda: elsewhere(lambda: delete(endpoint)).join())
    with transaction.atomic():
        WebhookEvent.objects.create(type="what the caller stores", payload={})
        emit(PUBLISHED, dict)
    assert WebhookEvent.objects.get().type == "what the caller stores"


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_is_deleted_while_its_message_is_written_goes_afterwards_and_takes_it_along(endpoint):
    with transaction.atomic():
        emit(PUBLISHED, dict)
        deletion = elsewhere(lambda: delete(endpoint))
        deletion.join(0.3)  # it would end here if nobody held it up
        assert WebhookEndpoint.objects.exists()
    deletion.join()
    assert WebhookEvent.objects.count() == 1
    assert not Delivery.objects.exists()
    assert not WebhookEndpoint.objects.exists()


@only_where_two_write
@pytest.mark.django_db(transaction=True)
def test_who_writes_events_holds_up_neither_others_who_do_nor_those_who_send(endpoint):
    def as_others_do():
        emit(PUBLISHED, dict)
        WebhookEndpoint.objects.update(failing_since=datetime.now(UTC))

    with transaction.atomic():
        emit(PUBLISHED, dict)
        others = elsewhere(as_others_do)
        others.join(30)
        assert not others.is_alive()
    assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db
def test_changes_are_read_as_they_are_written(endpoint, monkeypatch):
    monkeypatch.setattr(webhooks, "CHANGES_A_MESSAGE", 2)
    monkeypatch.setattr(webhooks, "MESSAGES_AT_ONCE", 3)
    written = []

    def changes():
        for number in range(13):
            written.append(Delivery.objects.count())
            yield {"customer_id": str(number)}

    assert emit_changes(MOVED, changes, {"run_id": 1}) == 7
    assert written == [0] * 6 + [3] * 6 + [6]
    payloads = WebhookEvent.objects.order_by("created_at").values_list("payload", flat=True)
    assert [change["customer_id"] for data in payloads for change in data["changes"]] == [str(n) for n in range(13)]


def test_who_moved_and_whose_risk_crossed_a_level_are_handed_over_one_by_one(monkeypatch):
    handed = []
    for module in (telling, level_changes):
        monkeypatch.setattr(module, "emit_changes", lambda kind, changes, about: handed.append(changes()))
    monkeypatch.setattr(telling, "emit", lambda *arguments: None)
    telling.tell_published(SimpleNamespace(pk=2, as_of=datetime.now(UTC)), 1)
    before = level_changes.Levels(np.array([1, 2]), np.array([0, 0], dtype=np.int16))
    columns = {"customer_id": np.array([2]), "lapse_risk_score": np.array([0.0]), "lapse_horizon_days": np.array([90])}
    level_changes.tell_everybody(before, columns, datetime.now(UTC))
    assert len(handed) == 2
    assert all(isinstance(changes, Iterator) for changes in handed)
