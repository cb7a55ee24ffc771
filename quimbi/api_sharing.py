"""What many answers of the OpenAPI document have in common is written down once, among its components."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rest_framework.request import Request

NAMES = {
    "304": "NotModified",
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "404": "NotFound",
    "406": "NotAcceptable",
    "409": "Conflict",
    "413": "TooLarge",
    "415": "UnsupportedMediaType",
    "429": "TooManyRequests",
    "500": "ServerError",
    "503": "Unavailable",
}
"""{status: name of the answer that most operations give with it}."""


def share_parts(result: dict[str, Any], generator: object, request: Request | None, public: bool) -> dict[str, Any]:
    """Put references in the place of headers and of error answers that are everywhere the same (a drf-spectacular hook).

    Of each status it is the answer that most operations give; another one stays where it is. Goes last: it knows only what all
    others have written.
    """
    components = result["components"]
    headers: dict[str, Any] = components.setdefault("headers", {})
    for _, _, answer in _answers(result):
        for name, header in answer.get("headers", {}).items():
            if headers.setdefault(name, header) == header:
                answer["headers"][name] = {"$ref": f"#/components/headers/{name}"}
    told = Counter((status, json.dumps(answer, sort_keys=True)) for _, status, answer in _answers(result) if status in NAMES)
    usual: dict[str, str] = {}
    for (status, text), times in told.most_common():
        if times > 1:
            usual.setdefault(status, text)
    components["responses"] = {NAMES[status]: json.loads(text) for status, text in sorted(usual.items())}
    for responses, status, answer in list(_answers(result)):
        if status in usual and usual[status] == json.dumps(answer, sort_keys=True):
            responses[status] = {"$ref": f"#/components/responses/{NAMES[status]}"}
    return result


def _answers(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """(the operation's responses, status, answer) of every answer."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                yield operation["responses"], status, answer
