"""`Idempotency-Key`: a write that is sent twice happens once, and the second answer is the first one's.

The claim on a key is committed before the work begins, so that a second request sees it; the answer is stored in the same
transaction as the effect, so that neither is ever there without the other.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView
from accounts.models import IdempotentAnswer
from accounts.permissions import caller_of
from accounts.sealing import Unopenable, opened, seal

HEADER = "Idempotency-Key"
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT = timedelta(hours=24)
A_MOMENT, ABANDONED = timedelta(seconds=1), timedelta(seconds=60)
"""A request that has not answered for so long is dead: its worker was killed. Nothing of it was stored."""

IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="Any text of 1 to 255 characters, new for each write. The same key within 24 hours repeats nothing: it brings "
    "back the first answer, with `Idempotency-Replayed: true`.",
)
"""For `@extend_schema(parameters=[IDEMPOTENCY_KEY])` of each method that opts in."""


class AnotherRequest(APIException):
    """The key has been used for something else (409)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_conflict"
    default_detail = "This Idempotency-Key was used for another request; send a new one with each new request."


class StillRunning(APIException):
    """The first request with the key has not ended (409 with `Retry-After`: when it is taken for dead at the latest)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "in_progress"

    def __init__(self, wait: timedelta) -> None:
        self.wait = max(1, ceil(wait.total_seconds()))
        super().__init__(f"The first request with this Idempotency-Key runs or broke off; send it again in {self.wait} s.")


class AnswerLost(APIException):
    """The first answer was sealed with a SECRET_KEY that is gone (409)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_conflict"
    default_detail = "The first answer under this Idempotency-Key can no longer be told; look whether it was done."


class IdempotentWrites(ApiView):
    """An endpoint whose POST, PUT, PATCH and DELETE honour `Idempotency-Key`; without the header nothing changes.

    The method runs in one transaction. What it returns is stored with its effect and brought back to whoever sends the key
    again; if it raises, nothing is kept and the key is free again. Work that must not be rolled back (a message that is
    sent) belongs into `transaction.on_commit`. Three short writes a request more.
    """

    idempotent_methods: ClassVar[frozenset[str]] = WRITES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once the caller is known and allowed, put the method behind its key."""
        super().initial(request, *args, **kwargs)
        key = request.headers.get(HEADER)
        method = request.method or ""
        if key is not None and method in self.idempotent_methods:
            name = method.lower()
            handler = getattr(self, name, None)
            if handler is not None:
                # On the instance, which lives for this request only: the dispatcher asks for the method by its name next.
                setattr(self, name, partial(_once, handler, key))


def _once(handler: Callable[..., Response], key: str, request: Request, *args: Any, **kwargs: Any) -> Response:
    """The handler's answer, now or from the first time."""
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise ValidationError({HEADER: ["Write 1 to 255 visible ASCII characters."]})
    asked = f"{request.method} {request.get_full_path()}"
    answer = _claimed(caller_of(request), key, asked[:300], _digest(asked, request))
    if answer.is_answered:
        return _told_again(answer)
    try:
        with transaction.atomic():
            response = handler(request, *args, **kwargs)
            _keep(answer, response)
    except BaseException:
        IdempotentAnswer.objects.filter(pk=answer.pk, claim=answer.claim, status=None).delete()
        raise
    return response


def _digest(asked: str, request: Request) -> str:
    """SHA-256 of the address and of the body as sent. Read before anybody parses it: afterwards it is gone."""
    return hashlib.sha256(asked.encode() + b"\n" + request._request.body).hexdigest()


def _claimed(caller: str, key: str, asked: str, digest: str) -> IdempotentAnswer:
    """The row of this key: the first one's answer, or a claim that is now ours.

    Raises `AnotherRequest` or `StillRunning` (409).
    """
    now = timezone.now()
    forget_expired(now)
    ours = uuid.uuid4().hex
    try:
        with transaction.atomic():
            return IdempotentAnswer.objects.create(
                caller=caller, key=key, asked=asked, digest=digest, claim=ours, created_at=now
            )
    except IntegrityError:
        known = IdempotentAnswer.objects.filter(caller=caller, key=key).first()
    if known is None:  # the first one failed in this very moment
        raise StillRunning(A_MOMENT)
    if known.digest != digest:
        raise AnotherRequest
    if known.is_answered:
        return known
    dead = IdempotentAnswer.objects.filter(pk=known.pk, claim=known.claim, status=None, created_at__lte=now - ABANDONED)
    if not dead.update(claim=ours, created_at=now):
        raise StillRunning(known.created_at + ABANDONED - now)
    known.claim, known.created_at = ours, now
    return known


def forget_expired(now: datetime) -> None:
    """Delete the answers that are not told again any more. One statement."""
    IdempotentAnswer.objects.filter(created_at__lt=now - KEPT).delete()


def _keep(answer: IdempotentAnswer, response: Response) -> None:
    """Store what is answered. Raises `StillRunning` if we took so long that another took over: our effect is undone."""
    body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    ours = IdempotentAnswer.objects.filter(pk=answer.pk, claim=answer.claim, status=None)
    if not ours.update(status=response.status_code, body=seal(body) if body else ""):
        raise StillRunning(A_MOMENT)


def _told_again(answer: IdempotentAnswer) -> Response:
    """The first answer once more. Raises `AnswerLost` (409)."""
    try:
        data = json.loads(opened(answer.body)) if answer.body else None
    except Unopenable as problem:
        raise AnswerLost from problem
    return Response(data, status=answer.status, headers={"Idempotency-Replayed": "true"})
