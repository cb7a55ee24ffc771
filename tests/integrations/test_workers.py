"""A worker process that is killed in the middle of sending: the message is not lost, and comes with the same id."""

from datetime import timedelta

import pytest
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from integrations.endpoints import send_test
from integrations.models import Delivery
from integrations.webhooks import emit
from jobs.models import Job
from tests.jobs.conftest import queue, wait_for, workers

__all__ = ["queue", "workers"]  # fixtures

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def test_a_message_whose_worker_is_killed_is_sent_by_the_next(workers, endpoint, receiver):
    receiver.hangs = True
    first = workers.start()
    emit("segmentation.published", lambda: {"run_id": 1})
    wait_for(lambda: receiver.received, "the message to be under way")
    workers.kill(first)
    receiver.hangs = False
    long_ago = ExpressionWrapper(Now() - timedelta(seconds=1), output_field=DateTimeField())
    Delivery.objects.update(next_attempt_at=long_ago)  # spares the test the wait for the leases
    Job.objects.update(lease_until=long_ago)
    workers.start()

    def is_delivered():
        # Were the receiver still busy with the first, the next attempt would have to wait for minutes.
        Delivery.objects.filter(lease_token="").exclude(state="delivered").update(next_attempt_at=long_ago)
        return Delivery.objects.get().state == "delivered"

    wait_for(is_delivered, "the message to be delivered")
    assert Delivery.objects.get().attempts >= 2
    assert len({headers["webhook-id"] for headers, _, _ in receiver.received}) == 1

    # And the next one needs nobody's help.
    test = send_test(endpoint)
    wait_for(lambda: Delivery.objects.get(pk=test.pk).state == "delivered", "the test to be delivered")
