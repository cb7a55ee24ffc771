"""The gate before the MCP server: host, origin, key and scope, which the SDK leaves to whoever uses it."""

import json
import logging
import uuid
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host
from mcp.server.context import ServerRequestContext
from rest_framework.exceptions import AuthenticationFailed
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from quimbi.api_errors import error_body
from quimbi.mcp import Caller, caller_with, in_thread, scope_needed
from quimbi.requests import request_id

logger = logging.getLogger(__name__)

PATH = "/mcp"
LARGEST_BODY = 256 * 1024
CALLER = "quimbi.caller"
NO_KEY = "Send an API key: Authorization: Bearer KEY, or X-API-Key: KEY."
TWO_KEYS = "Authorization and X-API-Key name different keys; send one."


class Gate:
    """Lets in who may ask, with the caller in the scope; everybody else gets an answer that says what is wrong."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer of the application behind, or a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        token = request_id.set(uuid.uuid4().hex[:16])
        try:
            request = Request(scope, receive)
            refused = await self._refusal(request)
            if refused is None:
                await self._app(scope, _again(await request.body(), receive), _with_request_id(send))
            else:
                await refused(scope, receive, send)
        finally:
            request_id.reset(token)

    async def _refusal(self, request: Request) -> Response | None:
        """Why not, cheapest first; None for who may pass."""
        return _wrong_place(request) or await _wrong_caller(request)


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
    """What is wrong with who asks; if nothing is, the caller lies in the request's scope afterwards."""
    try:
        caller = await in_thread(caller_with, _key_in(request))
    except AuthenticationFailed as problem:
        return _refused(401, "authentication_failed", str(problem.detail), **_challenge('error="invalid_token"'))
    except DatabaseError:
        logger.exception("the database does not answer")
        return _refused(503, "unavailable", "The database does not answer; try again in a moment.")
    except KeyError as problem:
        return _refused(401, "not_authenticated", str(problem.args[0]), **_challenge())
    scope = scope_needed(_message(await request.body()))
    if scope not in caller.scopes:
        challenge = _challenge(f'error="insufficient_scope", scope="{scope}"')
        return _refused(403, "insufficient_scope", f"This needs the scope {scope}; yours does not have it.", **challenge)
    request.scope[CALLER] = caller
    return None


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
    headers |= {"Cache-Control": "no-store", "X-Request-Id": request_id.get()}
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


def caller_of(context: ServerRequestContext[Any, Any]) -> Caller:
    """Who passed the gate with this request."""
    request: Any = context.request
    caller: Caller = request.scope[CALLER]
    return caller
