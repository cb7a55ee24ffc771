"""Every error of the API has one shape: `{"error": {"code", "message", "field"?, "request_id"}}`."""

import logging
import sys
from typing import Any

from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.wording import echoed, field_of, is_stock, sentence
from quimbi.requests import request_id

logger = logging.getLogger(__name__)

SERVER_ERROR = "Something went wrong on our side; try again, and report the request id if it stays."
MESSAGES = {
    "not_authenticated": "Send an API key in the header X-API-Key, or sign in.",
    "not_found": "There is nothing here; check the address and the id.",
    "permission_denied": "You may not do this; ask an admin.",
    "not_acceptable": "This API answers application/json; ask for that, or leave the header Accept out.",
    "unsupported_media_type": "Send the body as JSON, with the header Content-Type: application/json.",
}
"""In place of the framework's own sentences."""
WITHOUT_CSRF = "A session changes nothing without its CSRF token; send that in X-CSRFToken, or send an API key instead."
FOREIGN_HOST = "This host name is not one of ours; correct it, or add it to ALLOWED_HOSTS."
REFUSED = "This request was refused before it was read; check its size and its form."
UNKNOWN = frozenset({"unknown_parameter", "unknown_field"})
NEVER_NAMED = frozenset({"HEAD", "OPTIONS"})
LIMIT_HEADERS = {
    "RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests that this caller may send a minute."},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "How many of them are left."},
    "RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until all of them are there again."},
}


class TooLarge(exceptions.APIException):
    """More than a body may hold (413)."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large; send less at once."


class Unavailable(exceptions.APIException):
    """No database to ask (503 with `Retry-After`)."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The database does not answer; try again in a moment."
    wait = 2


def error_body(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """The body of an error; `field` names the parameter or field that was wrong. Whatever was sent can be sent back in it."""
    named = {"field": echoed(field)} if field else {}
    sound = message.encode(errors="replace").decode()
    return {"error": {"code": code, "message": sound, **named, "request_id": request_id.get()}}


def handle(problem: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception of an endpoint into an answer; what we did not expect is logged and becomes a plain 500."""
    if isinstance(problem, Http404):
        problem = exceptions.NotFound()
    elif isinstance(problem, PermissionDenied):
        problem = exceptions.PermissionDenied()
    elif isinstance(problem, RequestDataTooBig):
        problem = TooLarge()
    elif isinstance(problem, OperationalError | InterfaceError):
        logger.error("the database does not answer", exc_info=problem)
        problem = Unavailable()
    if not isinstance(problem, exceptions.APIException):
        request = context.get("request")
        logger.error("unexpected error in %s", getattr(request, "path", "?"), exc_info=problem)
        return Response(error_body("server_error", SERVER_ERROR), status=status.HTTP_500_INTERNAL_SERVER_ERROR)

    headers = {}
    if challenge := getattr(problem, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(problem, "wait", None):
        headers["Retry-After"] = str(int(wait))
    code, message, field = _told(problem, context.get("view"))
    return Response(error_body(code, message, field), status=problem.status_code, headers=headers)


def _told(problem: exceptions.APIException, view: object) -> tuple[str, str, str | None]:
    """Code, sentence and field; of several wrong fields the first."""
    detail: Any = problem.detail
    name, of, given = None, None, None
    while isinstance(detail, dict | list) and detail:
        if isinstance(detail, dict):
            first = next(iter(detail))
            if name is None and first != "non_field_errors":
                name, (of, given) = str(first), field_of(detail, first)
            detail = detail[first]
        else:
            detail = detail[0]
    code = str(getattr(detail, "code", problem.default_code))
    if isinstance(problem, exceptions.ValidationError):
        message = sentence(echoed(name), of, detail, given) if isinstance(detail, exceptions.ErrorDetail) else str(detail)
        if code not in UNKNOWN:
            code = "invalid_parameter" if name else "invalid"
            if name and echoed(name) not in message:
                message = f"{echoed(name)}: {message}"
        return code, message, name
    return code, _in_our_words(problem, code, str(detail), view), name


def _in_our_words(problem: exceptions.APIException, code: str, message: str, view: object) -> str:
    """A sentence that says what to do, where the framework's says only what was wrong."""
    if isinstance(problem, exceptions.MethodNotAllowed):
        *others, last = [method for method in getattr(view, "allowed_methods", ()) if method not in NEVER_NAMED] or ["nothing"]
        return f"This address takes {', '.join(others)}{' and ' if others else ''}{last}."
    if message.startswith("CSRF Failed"):
        return WITHOUT_CSRF
    return MESSAGES[code] if code in MESSAGES and is_stock(message, problem.default_detail) else message


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was refused before any view saw it (a foreign `Host`, too many fields): our shape below /api/, else a page."""
    told = FOREIGN_HOST if isinstance(exception, DisallowedHost) else REFUSED
    if not request.path.startswith("/api/"):
        return HttpResponse(get_template("400.html").render({"told": told}), status=status.HTTP_400_BAD_REQUEST)
    return JsonResponse(error_body("bad_request", told), status=status.HTTP_400_BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """What broke outside any view: our shape below /api/, else the page."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        answer = JsonResponse(error_body(Unavailable.default_code, Unavailable.default_detail), status=Unavailable.status_code)
        answer.headers["Retry-After"] = str(Unavailable.wait)
        return answer
    return JsonResponse(error_body("server_error", SERVER_ERROR), status=status.HTTP_500_INTERNAL_SERVER_ERROR)


class NoSuchEndpoint(APIView):
    """Any other address below /api/: 404 to everybody, so that it tells nothing about what exists."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The same answer to every method."""
        how = ", without the slash at the end" if request.path.endswith("/") else ""
        body = error_body("not_found", f"There is no such endpoint; /api/docs lists them all{how}.")
        return JsonResponse(body, status=status.HTTP_404_NOT_FOUND)


def describe_errors(result: dict[str, Any], generator: object, request: Request | None, public: bool) -> dict[str, Any]:
    """Add the error answers to every operation of the OpenAPI document (a drf-spectacular hook)."""
    result["components"]["schemas"]["Error"] = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "request_id"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string", "description": "One sentence that says what is wrong and what to do."},
                    "field": {"type": "string", "description": "The parameter or field that was wrong."},
                    "request_id": {"type": "string"},
                },
            }
        },
    }
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    told = {
        "400": "A parameter is unknown or wrong.",
        "401": "No valid key and no session.",
        "403": "The key lacks the scope.",
        "429": "Too many requests in this minute (`rate_limited`), or too many different customers today (`harvest_limit`).",
        "500": "Our fault.",
        "503": "The database does not answer, or cannot count what a key reads (`unavailable`).",
    }
    to_wait = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait, where that helps."}}
    for path, operations in result["paths"].items():
        if not path.startswith("/api/"):
            continue
        for operation in operations.values():
            missing = {"404": "There is no such thing."} if "{" in path or path.endswith("/random") else {}
            too_large = {"413": "The body is too large."} if "requestBody" in operation else {}
            for code, description in {**told, **missing, **too_large, **_of_repeats(operation)}.items():
                operation["responses"].setdefault(code, {"description": description, "content": answer})
            operation["responses"] = dict(sorted(operation["responses"].items()))
            if operation.get("security") != []:
                for response in operation["responses"].values():
                    response.setdefault("headers", {}).update(LIMIT_HEADERS)
                operation["responses"]["429"]["headers"].update(to_wait)
                operation["responses"]["503"]["headers"].update(to_wait)
    return result


def _of_repeats(operation: dict[str, Any]) -> dict[str, str]:
    """What an operation may answer because it honours `Idempotency-Key`."""
    if all(parameter["name"] != "Idempotency-Key" for parameter in operation.get("parameters", ())):
        return {}
    return {
        "409": "The Idempotency-Key was used for another request (`idempotency_conflict`), or its first one still runs or has "
        "broken off (`in_progress`, with `Retry-After`)."
    }
