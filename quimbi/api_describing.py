"""What the OpenAPI document says of every endpoint alike, because it comes of what all views stand on."""

from collections.abc import Mapping
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.revalidation import Revalidated

JSON = "application/json"
ERROR = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The ETag of the answer that you have: 304 if it is still the same.",
}
ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Names this answer; goes into If-None-Match."}}
LAST_MODIFIED = {
    "Last-Modified": {"schema": {"type": "string"}, "description": "The moment that as_of tells, where it is told."}
}


def describe_answers(result: dict[str, Any], generator: Any, request: Request | None, public: bool) -> dict[str, Any]:
    """Add revalidation and the errors of negotiation to the operations of the document (a drf-spectacular hook).

    Goes before `quimbi.api_errors.describe_errors`, which puts the limits' headers on every answer. 405 is no operation's: it
    is the answer to a method that the document does not have.
    """
    for path, _, method, callback in generator.endpoints:
        operation = result["paths"].get(path, {}).get(method.lower())
        if operation is None:
            continue
        view: type[APIView] = callback.cls
        if method == "GET" and issubclass(view, Revalidated):
            _describe_revalidation(operation, view, result["components"]["schemas"])
        responses = operation["responses"]
        if issubclass(view.content_negotiation_class, DefaultContentNegotiation):
            responses.setdefault("406", {"description": "The answer is JSON; `Accept` has to allow it.", "content": ERROR})
        if "requestBody" in operation:
            responses.setdefault("415", {"description": "The body has to be JSON.", "content": ERROR})
        operation["responses"] = dict(sorted(responses.items()))
    return result


def _describe_revalidation(operation: dict[str, Any], view: type[Revalidated], schemas: Mapping[str, Any]) -> None:
    """What the view's answers carry; nothing for a stream."""
    answer = operation["responses"]["200"]
    if JSON not in answer.get("content", {}):
        return
    told = {name for schema in _choices(answer["content"][JSON]["schema"], schemas) for name in schema.get("properties", ())}
    headers = {**ETAG, **(LAST_MODIFIED if "as_of" in told - view.told_by_the_clock else {})}
    answer["headers"] = {**answer.get("headers", {}), **headers}
    operation["responses"]["304"] = {"description": "The answer that you have is still the same.", "headers": dict(headers)}
    operation["parameters"] = [*operation.get("parameters", ()), IF_NONE_MATCH]


def _choices(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas that one stands for."""
    if "$ref" in schema:
        return _choices(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "oneOf" in schema:
        return [found for choice in schema["oneOf"] for found in _choices(choice, schemas)]
    return [schema]
