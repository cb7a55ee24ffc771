"""Sending what is due: claim, send, settle.

A claim is one conditional statement that counts the attempt and moves the delivery's next moment on by a lease, committed
before anything is sent. So no two workers send one delivery at the same time, and one whose sender dies is due again. A crash
between "the receiver took it" and "we wrote that down" means a second sending: receivers tell by the `webhook-id`.

All endpoints are sent to at the same time, each by a thread of its own and one message after the other: a receiver that takes
its time holds up nobody but itself. Only the sending is done there; one thread talks to the database.
"""

import logging
import math
import secrets
import time
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, Exists, Expression, ExpressionWrapper, F, OuterRef, Q, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from integrations import http
from integrations.errors import IntegrationError, TemporaryIntegrationError
from integrations.events import TEST
from integrations.models import MOST_ENDPOINTS, Attempt, Delivery, WebhookEndpoint
from integrations.signing import signed_headers

logger = logging.getLogger(__name__)

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""From a failed attempt to the next one; after the last of them the delivery is given up."""
MOST_ATTEMPTS = len(RETRY_SECONDS) + 1
JITTER = 0.2
LEASE_SECONDS = 120
"""Longer than an attempt can take, with a name server that has to be asked twice and a database that is busy."""
PAUSE_SECONDS = 300
"""Where nobody answers, or somebody who is too busy, all other messages wait so long, unless one is delivered before."""
LONGEST_PAUSE_SECONDS = 3_600
"""A receiver's `Retry-After` is kept to up to here."""
DISABLED_AFTER = timedelta(days=5)
LOOK_SECONDS = 0.5
"""While something is being sent, what has become due elsewhere is looked for so often."""
GONE = 410
BUSY = frozenset({429, 502, 503, 504})

_random = secrets.SystemRandom()


@dataclass
class Tally:
    """How many attempts came to what."""

    delivered: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: the answer's status, None without one, and what was wrong, empty if nothing was.

    For `pause_seconds` the endpoint is to be left alone with other messages, and with this one for `asked_seconds` at least;
    both are 0 where the failure says nothing about what else is sent there. `sent_at` is the moment that was signed.
    """

    status: int | None
    error: str = ""
    pause_seconds: float = 0.0
    asked_seconds: float = 0.0
    sent_at: datetime = field(default_factory=timezone.now)
    duration_seconds: float = 0.0


def deliver_due(tally: Tally, between: Callable[[], None] = lambda: None, seconds: float = math.inf) -> None:
    """Send everything that is due and count it in `tally`; begin nothing any more after so many `seconds`.

    `between` is called before each look for more, twice a second at least, and may raise to end here. What is under way is
    waited for in any case.
    """
    _give_up_on_crashes()
    until = time.monotonic() + seconds
    under_way: dict[Future[Outcome], Delivery] = {}
    with ThreadPoolExecutor(MOST_ENDPOINTS, thread_name_prefix="webhook") as senders:
        try:
            while True:
                between()
                busy = [delivery.endpoint_id for delivery in under_way.values()]
                due = next_deliveries(busy) if time.monotonic() < until else []
                for claimed in filter(None, map(claim, due)):
                    under_way[senders.submit(send, claimed, timezone.now())] = claimed
                if not due and not under_way:
                    return
                _settle_ended(under_way, tally, LOOK_SECONDS)
        finally:
            while under_way:
                _settle_ended(under_way, tally)


def next_deliveries(busy: Collection[str] = ()) -> list[str]:
    """For each endpoint but the `busy` ones the delivery that comes next, if one is due. One query."""
    due = Delivery.objects.filter(endpoint=OuterRef("pk"), next_attempt_at__lte=Now(), attempts__lt=MOST_ATTEMPTS)
    first = Subquery(due.order_by("next_attempt_at", "created_at").values("pk")[:1])
    found = WebhookEndpoint.objects.filter(is_enabled=True).exclude(pk__in=busy).values_list(first, flat=True)
    return [pk for pk in found if pk]


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
    """Send a claimed delivery, signed at `as_of`. Never raises: what went wrong is in the outcome. No query."""
    began = time.monotonic()
    outcome = _sent(delivery, as_of)
    return replace(outcome, sent_at=as_of, duration_seconds=time.monotonic() - began)


def _sent(delivery: Delivery, as_of: datetime) -> Outcome:
    endpoint, event = delivery.endpoint, delivery.event
    try:
        body = event.body()
        headers = signed_headers(endpoint.secrets_at(as_of), event.pk, int(as_of.timestamp()), body)
        answer = http.post(endpoint.url, body, {"Content-Type": "application/json", **headers})
    except TemporaryIntegrationError as silence:
        return Outcome(None, str(silence), pause_seconds=PAUSE_SECONDS)
    except IntegrationError as problem:
        return Outcome(None, str(problem))
    except Exception:
        logger.exception("Delivery %s to %s could not be sent.", delivery.pk, endpoint.host)
        return Outcome(None, "Something in Quimbi went wrong; the server log has the cause.")
    return _outcome_of(answer)


def settle(delivery: Delivery, outcome: Outcome) -> None:
    """Write down how the attempt ended, unless the lease has gone to somebody else, and what it means for the endpoint."""
    with transaction.atomic():
        # The endpoint before its deliveries, as whoever enables or deletes it does: or two might wait for each other.
        WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id).first()
        if _settled(delivery, outcome):
            _note(delivery, outcome)
            if not outcome.error:
                _answered_again(delivery.endpoint)
            elif delivery.event.type != TEST:
                _failed(delivery, outcome)
        elif Delivery.objects.filter(pk=delivery.pk).exists():
            logger.warning("Delivery %s was taken over by another worker; this one's end is dropped.", delivery.pk)


def enable(endpoint: WebhookEndpoint) -> bool:
    """Send there from now on, with a clean slate; what happened before is given up. False if it was enabled already."""
    with transaction.atomic():
        clean = {"is_enabled": True, "disabled_reason": "", "failing_since": None, "paused_until": None}
        if not WebhookEndpoint.objects.filter(pk=endpoint.pk, is_enabled=False).update(**clean):
            return False
        # What is under way too: its sender still holds the lease and writes down a success, but no further attempt.
        before = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__isnull=False)
        before.update(state=Delivery.State.ABANDONED, next_attempt_at=None)
    return True


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


def release(endpoint: WebhookEndpoint, **which: Any) -> int:
    """Have what waits there for its moment sent at once; the number of deliveries."""
    waiting = Delivery.objects.filter(endpoint=endpoint, next_attempt_at__gt=Now(), lease_token="", **which)
    return waiting.update(next_attempt_at=Now())


def _outcome_of(answer: http.Answer) -> Outcome:
    status, told = answer.status, f"It answered {answer.status}."
    if answer.is_fine:
        return Outcome(status)
    if 300 <= status < 400:
        return Outcome(status, f"It answered {status}, a redirect, which is not followed; enter the final address.")
    if status not in BUSY:
        return Outcome(status, told)
    if answer.retry_after_seconds is None:
        return Outcome(status, told, pause_seconds=PAUSE_SECONDS)
    asked = min(max(answer.retry_after_seconds, RETRY_SECONDS[0]), LONGEST_PAUSE_SECONDS)
    return Outcome(status, told, pause_seconds=asked, asked_seconds=asked)


def _settle_ended(under_way: dict[Future[Outcome], Delivery], tally: Tally, seconds: float | None = None) -> None:
    """Settle what has ended, once something has or the `seconds` are over."""
    for ended in wait(under_way, seconds, FIRST_COMPLETED).done:
        delivery, outcome = under_way.pop(ended), ended.result()
        settle(delivery, outcome)
        if outcome.error:
            tally.failed += 1
        else:
            tally.delivered += 1


def _settled(delivery: Delivery, outcome: Outcome) -> bool:
    ours = Delivery.objects.filter(pk=delivery.pk, lease_token=delivery.lease_token)
    columns = {"lease_token": "", "last_status": outcome.status, "last_error": outcome.error[:200]}
    if not outcome.error:
        return bool(ours.update(**columns, state=Delivery.State.DELIVERED, delivered_at=Now(), next_attempt_at=None))
    goes_on = delivery.attempts < MOST_ATTEMPTS and delivery.event.type != TEST
    if goes_on and WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, is_enabled=True).exists():
        seconds = RETRY_SECONDS[delivery.attempts - 1] * _random.uniform(1.0, 1.0 + JITTER)
        again = {"state": Delivery.State.FAILED, "next_attempt_at": _in(max(seconds, outcome.asked_seconds))}
        if ours.filter(next_attempt_at__isnull=False).update(**columns, **again):
            return True
    return bool(ours.update(**columns, state=Delivery.State.ABANDONED, next_attempt_at=None))


def _note(delivery: Delivery, outcome: Outcome) -> None:
    """Write the attempt into the log."""
    Attempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        sent_at=outcome.sent_at,
        duration_seconds=outcome.duration_seconds,
        status=outcome.status,
        error=outcome.error[:200],
    )


def _answered_again(endpoint: WebhookEndpoint) -> None:
    """The endpoint is well; what waited because nobody answered is due at once. What was refused keeps to its schedule."""
    unwell = Q(failing_since__isnull=False) | Q(paused_until__isnull=False)
    if WebhookEndpoint.objects.filter(unwell, pk=endpoint.pk).update(failing_since=None, paused_until=None):
        release(endpoint, last_status=None)


def _failed(delivery: Delivery, outcome: Outcome) -> None:
    endpoint = delivery.endpoint
    # What an earlier address answered says nothing about the one that is there now.
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk, url=endpoint.url)
    (row if _is_first_of_its_time(delivery) else row.filter(failing_since__isnull=True)).update(failing_since=Now())
    if outcome.status == GONE and row.exists():
        disable(endpoint, "The receiver answered 410, which means that it wants no more messages.")
    elif row.filter(failing_since__lte=_in(-DISABLED_AFTER.total_seconds())).exists():
        disable(endpoint, f"Nothing could be delivered for {DISABLED_AFTER.days} days. Last: {outcome.error}")
    elif outcome.pause_seconds and row.update(paused_until=_in(outcome.pause_seconds)):
        _make_wait(delivery, outcome.pause_seconds)


def _is_first_of_its_time(delivery: Delivery) -> bool:
    """Whether nothing that failed there before is still tried: failures of long ago were the end of that."""
    others = Delivery.objects.filter(endpoint=delivery.endpoint_id, next_attempt_at__isnull=False, attempts__gt=0)
    return delivery.attempts == 1 and not others.exclude(pk=delivery.pk).exists()


def _make_wait(probe: Delivery, seconds: float) -> None:
    """Put off all that waits at the endpoint but the `probe`, which keeps to its own schedule, and a person's tests."""
    sooner = Delivery.objects.filter(endpoint=probe.endpoint_id, next_attempt_at__lte=_in(seconds))
    idle = sooner.filter(Q(lease_token="") | Q(next_attempt_at__lte=Now())).exclude(pk=probe.pk).exclude(event__type=TEST)
    idle.update(next_attempt_at=_in(seconds), lease_token="")


def _give_up_on_crashes() -> None:
    """Deliveries whose every sender died before it could tell."""
    reason = f"Quimbi stopped in the middle of sending it {MOST_ATTEMPTS} times."
    dead = Delivery.objects.filter(next_attempt_at__lte=Now(), attempts__gte=MOST_ATTEMPTS)
    dead.update(state=Delivery.State.ABANDONED, next_attempt_at=None, lease_token="", last_error=reason)


def _in(seconds: float) -> Expression:
    """That many seconds from now, by the database's clock."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
