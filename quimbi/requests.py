"""A request id in every answer and every log line, so that a user's report finds its log."""

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

request_id: ContextVar[str] = ContextVar("request_id", default="-")

# What a proxy or a client names a request may stand in a log line as it is: no space, no quote, no line end.
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class RequestIdMiddleware:
    """Give each request an id, or keep the sane one that it came with; the answer carries it as `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer, with the id."""
        sent = request.headers.get("X-Request-Id", "")
        given = sent if SANE.fullmatch(sent) else uuid.uuid4().hex[:16]
        request.request_id = given  # type: ignore[attr-defined]
        token = request_id.set(given)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = given
            return response
        finally:
            request_id.reset(token)


class RequestIdFilter(logging.Filter):
    """Put the current request's id on each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes. Django logs an answer of 400 and more once the request is over, and hands the request on."""
        over = getattr(getattr(record, "request", None), "request_id", "-")
        record.request_id = request_id.get() if request_id.get() != "-" else over
        return True
