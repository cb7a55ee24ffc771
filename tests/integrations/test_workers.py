"""A worker process that is killed in the middle of sending: the message is not lost, and comes with the same id."""

from datetime import timedelta

import pytest
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from integrations.models import Delivery
from integrations.webhooks import emit
from jobs.models import Job
from tests.jobs.conftest import queue, wait_for, workers

__all__ = ["queue", "workers"]  # fixtures

# A process takes its time to start on a machine that does something else too, and so does a receiver to answer.
pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]
PATIENCE_SECONDS = 120.0


def test_a_message_whose_worker_is_killed_is_sent_by_the_next(workers, endpoint, receiver):
    receiver.may_answer.clear()
    first = workers.start()
    emitted = emit("segmentation.published", lambda: {"run_id": 1})
    wait_for(lambda: receiver.received, "the message to be under way", PATIENCE_SECONDS)
    workers.kill(first)
    receiver.may_answer.set()
    long_ago = ExpressionWrapper(Now() - timedelta(seconds=1), output_field=DateTimeField())
    Delivery.objects.update(next_attempt_at=long_ago)  # spares the test the wait for the leases
    Job.objects.update(lease_until=long_ago)
    workers.start()

    def are_delivered():
        # An attempt that a busy machine was too slow for would have the next one wait for minutes.
        Delivery.objects.filter(lease_token="").exclude(state="delivered").update(next_attempt_at=long_ago)
        return not Delivery.objects.exclude(state="delivered").exists()

    wait_for(are_delivered, "the message to be delivered", PATIENCE_SECONDS)
    assert Delivery.objects.get().attempts >= 2
    assert {headers["webhook-id"] for headers, _, _ in receiver.received} == {emitted}

    # And the next one needs no second worker.
    emit("segmentation.published", lambda: {"run_id": 2})
    wait_for(are_delivered, "the next message to be delivered", PATIENCE_SECONDS)
