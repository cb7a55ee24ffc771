"""Sending what is due: claim, send, settle.

A claim is one conditional statement that counts the attempt and moves the delivery's next moment on by a lease, committed
before anything is sent. So no two workers send one delivery at the same time, and one whose sender dies is due again. A crash
between "the receiver took it" and "we wrote that down" means a second sending: receivers tell by the `webhook-id`.
"""

import logging
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, Exists, Expression, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import http
from integrations.errors import IntegrationError, TemporaryIntegrationError
from integrations.events import TEST
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from integrations.signing import signed_headers

logger = logging.getLogger(__name__)

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""From a failed attempt to the next one; after the last of them the delivery is given up."""
MOST_ATTEMPTS = len(RETRY_SECONDS) + 1
JITTER = 0.2
LEASE_SECONDS = 60
"""Longer than an attempt can take."""
PAUSE_SECONDS = 300
"""Where nobody answers, what else is due there waits so long, unless something is delivered before."""
DISABLED_AFTER = timedelta(days=5)
KEPT = timedelta(days=30)
AT_ONCE = 50
GONE = 410

_random = secrets.SystemRandom()


@dataclass
class Tally:
    """How many attempts came to what."""

    delivered: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: the answer's status, None without one, and what was wrong, empty if nothing was."""

    status: int | None
    error: str = ""
    is_silence: bool = False


def deliver_due(tally: Tally, between: Callable[[], None] = lambda: None) -> None:
    """Send everything that is due, healthy endpoints first, and count it in `tally`.

    `between` is called before each attempt and may raise to end here: nothing is claimed then.
    """
    _give_up_on_crashes()
    while waiting := due_deliveries(AT_ONCE):
        for pk in waiting:
            between()
            claimed = claim(pk)
            if claimed is None:
                continue
            outcome = send(claimed, timezone.now())
            settle(claimed, outcome)
            if outcome.error:
                tally.failed += 1
            else:
                tally.delivered += 1


def due_deliveries(most: int) -> list[str]:
    """Deliveries whose moment has come; those of endpoints that fail come last. One query."""
    due = Delivery.objects.filter(next_attempt_at__lte=Now(), attempts__lt=MOST_ATTEMPTS, endpoint__is_enabled=True)
    in_order = due.order_by(F("endpoint__failing_since").asc(nulls_first=True), "next_attempt_at", "created_at")
    return list(in_order.values_list("pk", flat=True)[:most])


def is_due(within_seconds: float = 0) -> bool:
    """Whether something waits to be sent now, or will within so many seconds; one query."""
    return Delivery.objects.filter(next_attempt_at__lte=_in(within_seconds), endpoint__is_enabled=True).exists()


def claim(pk: str) -> Delivery | None:
    """Take a due delivery, with its event and endpoint; of many callers one gets it, the others None."""
    token = uuid.uuid4().hex
    enabled = WebhookEndpoint.objects.filter(pk=OuterRef("endpoint"), is_enabled=True)
    # Conditions on the row itself and no join: a rival that waits for the row's lock then judges it as it has become.
    taken = Delivery.objects.filter(Exists(enabled), pk=pk, next_attempt_at__lte=Now(), attempts__lt=MOST_ATTEMPTS).update(
        state=Delivery.State.PENDING,
        attempts=F("attempts") + 1,
        last_attempt_at=Now(),
        next_attempt_at=_in(LEASE_SECONDS),
        lease_token=token,
    )
    # Its endpoint may be deleted in this very moment, and its deliveries with it.
    return Delivery.objects.select_related("endpoint", "event").filter(pk=pk).first() if taken else None


def send(delivery: Delivery, as_of: datetime) -> Outcome:
    """Send a claimed delivery, signed at `as_of`. Never raises: what went wrong is in the outcome."""
    endpoint, event = delivery.endpoint, delivery.event
    try:
        body = event.body()
        headers = signed_headers(endpoint.secrets_at(as_of), event.pk, int(as_of.timestamp()), body)
        answer = http.post(endpoint.url, body, {"Content-Type": "application/json", **headers})
    except IntegrationError as problem:
        return Outcome(None, str(problem), is_silence=isinstance(problem, TemporaryIntegrationError))
    except Exception:
        logger.exception("Delivery %s to %s could not be sent.", delivery.pk, endpoint.host)
        return Outcome(None, "Something in Quimbi went wrong; the server log has the cause.")
    if answer.is_fine:
        return Outcome(answer.status)
    if 300 <= answer.status < 400:
        return Outcome(
            answer.status, f"It answered {answer.status}, a redirect, which is not followed; enter the final address."
        )
    return Outcome(answer.status, f"It answered {answer.status}.")


def settle(delivery: Delivery, outcome: Outcome) -> None:
    """Write down how the attempt ended, unless the lease has gone to somebody else, and what it means for the endpoint."""
    with transaction.atomic():
        if not _settled(delivery, outcome):
            logger.warning("Delivery %s was taken over by another worker; this one's end is dropped.", delivery.pk)
            return
        if not outcome.error:
            _answered_again(delivery.endpoint)
        elif delivery.event.type != TEST:
            _failed(delivery.endpoint, outcome)


def disable(endpoint: WebhookEndpoint, reason: str) -> bool:
    """Send nothing more there, and give up what waits; False if it was disabled already.

    `reason` is a sentence for the admins' page where Quimbi itself does it, and "" where a person does.
    """
    with transaction.atomic():
        if not WebhookEndpoint.objects.filter(pk=endpoint.pk, is_enabled=True).update(is_enabled=False, disabled_reason=reason):
            return False
        under_way = Q(next_attempt_at__gt=Now()) & ~Q(lease_token="")
        waiting = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__isnull=False).exclude(under_way)
        waiting.update(state=Delivery.State.ABANDONED, next_attempt_at=None)
    if reason:
        logger.warning("Webhook endpoint %s (%s) is disabled: %s", endpoint.pk, endpoint.host, reason)
    return True


def forget_old(as_of: datetime) -> int:
    """Delete events of more than thirty days ago with their deliveries; the number of events."""
    old = WebhookEvent.objects.filter(created_at__lt=as_of - KEPT)
    count = old.count()
    if count:
        old.delete()
    return count


def _settled(delivery: Delivery, outcome: Outcome) -> bool:
    ours = Delivery.objects.filter(pk=delivery.pk, lease_token=delivery.lease_token)
    columns = {"lease_token": "", "last_status": outcome.status, "last_error": outcome.error[:200]}
    if not outcome.error:
        return bool(ours.update(**columns, state=Delivery.State.DELIVERED, delivered_at=Now(), next_attempt_at=None))
    goes_on = delivery.attempts < MOST_ATTEMPTS and delivery.event.type != TEST
    if not goes_on or not WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, is_enabled=True).exists():
        return bool(ours.update(**columns, state=Delivery.State.ABANDONED, next_attempt_at=None))
    seconds = RETRY_SECONDS[delivery.attempts - 1] * _random.uniform(1.0, 1.0 + JITTER)
    return bool(ours.update(**columns, state=Delivery.State.FAILED, next_attempt_at=_in(seconds)))


def _answered_again(endpoint: WebhookEndpoint) -> None:
    """The endpoint is well; what waited because nobody answered is due at once. What was refused keeps to its schedule."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since__isnull=False).update(failing_since=None):
        waiting = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__gt=Now(), lease_token="", last_status=None)
        waiting.update(next_attempt_at=Now())


def _failed(endpoint: WebhookEndpoint, outcome: Outcome) -> None:
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    row.filter(failing_since__isnull=True).update(failing_since=Now())
    if outcome.status == GONE:
        disable(endpoint, "The receiver answered 410, which means that it wants no more messages.")
    elif row.filter(failing_since__lte=_in(-DISABLED_AFTER.total_seconds())).exists():
        disable(endpoint, f"Nothing could be delivered for {DISABLED_AFTER.days} days. Last: {outcome.error}")
    elif outcome.is_silence:
        due = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__lte=Now())
        due.update(next_attempt_at=_in(PAUSE_SECONDS), lease_token="")


def _give_up_on_crashes() -> None:
    """Deliveries whose every sender died before it could tell."""
    reason = f"Quimbi stopped in the middle of sending it {MOST_ATTEMPTS} times."
    dead = Delivery.objects.filter(next_attempt_at__lte=Now(), attempts__gte=MOST_ATTEMPTS)
    dead.update(state=Delivery.State.ABANDONED, next_attempt_at=None, lease_token="", last_error=reason)


def _in(seconds: float) -> Expression:
    """That many seconds from now, by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
