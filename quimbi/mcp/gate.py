"""The gate before the MCP server: host, origin, key and scope, which the SDK leaves to whoever uses it.

The head of a request is judged before its body is read: what a stranger sends is not kept in memory.
"""

import asyncio
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseProblem
from django.http.request import split_domain_port, validate_host
from mcp.server.context import ServerRequestContext
from mcp.server.transport_security import RequestBodyLimitMiddleware
from rest_framework.exceptions import AuthenticationFailed
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from quimbi.api_errors import error_body
from quimbi.mcp.calling import Caller, caller_with
from quimbi.mcp.server import in_thread
from quimbi.mcp.tools import is_call, scope_needed
from quimbi.requests import request_id

logger = logging.getLogger(__name__)

PATH = "/mcp"
LARGEST_BODY = 256 * 1024
CALLER = "quimbi.caller"
NO_KEY = "Send an API key: Authorization: Bearer KEY, or X-API-Key: KEY."
ONE_MESSAGE = "Send one JSON-RPC message at a time, as a JSON object."
TWO_KEYS = "Authorization and X-API-Key name different keys; send one."
KEY_SECONDS = 10.0
"""A key that could not be looked up for so long is answered with 503."""

# Of their own, so that keys that wait for the database do not keep the tools from those who are in.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="key")


class Gate:
    """Lets in who may ask, with the caller in the scope; everybody else gets an answer that says what is wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._within = RequestBodyLimitMiddleware(self._judge_message, LARGEST_BODY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer of the application behind, or a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = request_id.set(uuid.uuid4().hex[:16])
        try:
            request = Request(scope)
            refused = _wrong_place(request) or await _wrong_caller(request)
            await (refused or self._within)(scope, receive, _with_request_id(send))
        finally:
            request_id.reset(token)

    async def _judge_message(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what the caller's limit and scopes are enough for. Who hangs up in the middle gets no answer."""
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        message = _message(body)
        refused = _beyond_limit(scope[CALLER], message) or _no_message(message) or _beyond_scopes(scope[CALLER], message)
        await (refused or self._app)(scope, _again(body, receive), send)


def _wrong_place(request: Request) -> Response | None:
    """What is wrong with where a request goes or comes from."""
    if not _is_ours(request.headers.get("host", "")):
        return _refused(421, "misdirected", "This host name is not one of ours; see ALLOWED_HOSTS.")
    origin = request.headers.get("origin")
    if origin is not None and not _is_ours(origin.partition("://")[2]):
        return _refused(403, "foreign_origin", "Web pages of other sites may not call this; call it from a program.")
    if request.url.path != PATH:
        return _refused(404, "not_found", f"There is nothing here; the server is at {PATH}.")
    if request.method != "POST":
        return _refused(405, "method_not_allowed", "Send a POST; nothing is streamed here.", Allow="POST")
    return None


async def _wrong_caller(request: Request) -> Response | None:
    """What is wrong with who asks; if nothing is, the caller lies in the request's scope afterwards, and is counted."""
    try:
        async with asyncio.timeout(KEY_SECONDS):
            request.scope[CALLER] = await in_thread(caller_with, _key_in(request), threads=_threads)
    except AuthenticationFailed as problem:
        return _refused(401, "authentication_failed", str(problem.detail), **_challenge('error="invalid_token"'))
    except (DatabaseProblem, TimeoutError):
        logger.exception("the database does not answer")
        return _refused(503, "unavailable", "The database does not answer; try again in a moment.")
    except KeyError as problem:
        return _refused(401, "not_authenticated", str(problem.args[0]), **_challenge())
    return None


def _beyond_limit(caller: Caller, message: Any) -> Response | None:
    """That the caller has to wait. A call of a tool is passed on: its result says so, where a model can read it."""
    if not caller.refused or is_call(message):
        return None
    return _refused(429, "rate_limited", caller.refused, **{"Retry-After": str(caller.wait_seconds)})


def _no_message(message: Any) -> Response | None:
    """That it is JSON and no message; a list of several would also be counted as one."""
    if message is None or isinstance(message, dict):
        return None
    return _refused(400, "bad_request", ONE_MESSAGE)


def _beyond_scopes(caller: Caller, message: Any) -> Response | None:
    """What is missing for what the message asks for."""
    scope = scope_needed(message)
    if scope in caller.scopes:
        return None
    challenge = _challenge(f'error="insufficient_scope", scope="{scope}"')
    return _refused(403, "insufficient_scope", f"This needs the scope {scope}; yours does not have it.", **challenge)


def _is_ours(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _key_in(request: Request) -> str:
    """The key of either header. Raises `KeyError` with a sentence without one, or with two that differ."""
    kind, _, token = request.headers.get("authorization", "").strip().partition(" ")
    sent = {request.headers.get("x-api-key", "").strip(), token.strip() if kind.lower() == "bearer" else ""} - {""}
    if len(sent) != 1:
        raise KeyError(TWO_KEYS if sent else NO_KEY)
    return sent.pop()


def _message(body: bytes) -> Any:
    """The message, None if it cannot be read; the SDK says so in the protocol's own way."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _challenge(more: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer realm="Quimbi"{", " if more else ""}{more}'}


def _refused(status: int, code: str, sentence: str, **headers: str) -> Response:
    return JSONResponse(error_body(code, sentence), status_code=status, headers=headers)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:
        return waiting.pop() if waiting else await receive()

    return replay


def _with_request_id(send: Send) -> Send:
    async def tell(message: Any) -> None:
        if message["type"] == "http.response.start":
            ours = [(b"x-request-id", request_id.get().encode()), (b"cache-control", b"no-store")]
            message = {**message, "headers": [*message.get("headers", ()), *ours]}
        await send(message)

    return tell


async def caller_of(context: ServerRequestContext[Any, Any]) -> Caller:
    """Who passed the gate with this request, where it was counted."""
    request: Any = context.request
    caller: Caller = request.scope[CALLER]
    return caller
