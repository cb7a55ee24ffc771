"""Every error of the API has one shape: `{"error": {"code", "message", "field"?, "request_id"}}`."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from quimbi.requests import request_id

logger = logging.getLogger(__name__)

SERVER_ERROR = "Something went wrong on our side; try again, and report the request id if it stays."
MESSAGES = {
    "not_authenticated": "Send an API key in the header X-API-Key, or sign in.",
    "not_found": "There is nothing here; check the address and the id.",
    "server_error": SERVER_ERROR,
}
LIMIT_HEADERS = {
    "RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests that this caller may send a minute."},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "How many of them are left."},
    "RateLimit-Reset": {"schema": {"type": "integer"}, "description": "Seconds until all of them are there again."},
}


def error_body(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """The body of an error; `field` names the parameter or field that was wrong."""
    error = {"code": code, "message": message, **({"field": field} if field else {}), "request_id": request_id.get()}
    return {"error": error}


def handle(problem: Exception, context: dict[str, Any]) -> Response:
    """Turn any exception of an endpoint into an answer; what we did not expect is logged and becomes a plain 500."""
    if isinstance(problem, Http404):
        problem = exceptions.NotFound()
    elif isinstance(problem, PermissionDenied):
        problem = exceptions.PermissionDenied()
    if not isinstance(problem, exceptions.APIException):
        request = context.get("request")
        logger.error("unexpected error in %s", getattr(request, "path", "?"), exc_info=problem)
        return Response(error_body("server_error", SERVER_ERROR), status=status.HTTP_500_INTERNAL_SERVER_ERROR)

    headers = {}
    if challenge := getattr(problem, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(problem, "wait", None):
        headers["Retry-After"] = str(int(wait))
    code, message, field = _told(problem)
    return Response(error_body(code, message, field), status=problem.status_code, headers=headers)


def _told(problem: exceptions.APIException) -> tuple[str, str, str | None]:
    """Code, sentence and field; of several wrong fields the first."""
    detail, field = problem.detail, None
    while isinstance(detail, dict | list) and detail:
        if isinstance(detail, dict):
            name, detail = next(iter(detail.items()))
            field = field or (None if name == "non_field_errors" else str(name))
        else:
            detail = detail[0]
    code = str(getattr(detail, "code", problem.default_code))
    if isinstance(problem, exceptions.ValidationError) and code != "unknown_parameter":
        code = "invalid_parameter" if field else "invalid"
    message = str(detail)
    if code in MESSAGES and message == str(problem.default_detail):
        message = MESSAGES[code]
    if code == "invalid_parameter" and field and field not in message:
        message = f"{field}: {message}"
    return code, message, field


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was refused before any view saw it (a foreign `Host`, too many fields): our shape below /api/, else the page."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    body = error_body("bad_request", "This request was refused; check the host name and the size of what you send.")
    return JsonResponse(body, status=status.HTTP_400_BAD_REQUEST)


def server_error(request: HttpRequest) -> HttpResponse:
    """What broke outside any view: our shape below /api/, else the page."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    return JsonResponse(error_body("server_error", SERVER_ERROR), status=status.HTTP_500_INTERNAL_SERVER_ERROR)


class NoSuchEndpoint(APIView):
    """Any other address below /api/: 404 to everybody, so that it tells nothing about what exists."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The same answer to every method."""
        body = error_body("not_found", "There is no such endpoint; /api/docs lists them all.")
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
    }
    for path, operations in result["paths"].items():
        if not path.startswith("/api/"):
            continue
        for operation in operations.values():
            missing = {"404": "There is no such thing."} if "{" in path or path.endswith("/random") else {}
            for code, description in {**told, **missing, **_of_repeats(operation)}.items():
                operation["responses"].setdefault(code, {"description": description, "content": answer})
            operation["responses"] = dict(sorted(operation["responses"].items()))
            if operation.get("security") != []:
                for response in operation["responses"].values():
                    response.setdefault("headers", {}).update(LIMIT_HEADERS)
                operation["responses"]["429"]["headers"]["Retry-After"] = {
                    "schema": {"type": "integer"},
                    "description": "Seconds to wait.",
                }
    return result


def _of_repeats(operation: dict[str, Any]) -> dict[str, str]:
    """What an operation may answer because it honours `Idempotency-Key`."""
    if all(parameter["name"] != "Idempotency-Key" for parameter in operation.get("parameters", ())):
        return {}
    return {
        "409": "The Idempotency-Key was used for another request (`idempotency_conflict`), or its first one still runs "
        "(`in_progress`)."
    }
