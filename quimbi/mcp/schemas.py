"""What a tool says of itself, taken from the OpenAPI document, so that it cannot differ from its endpoint."""

import json
import re
from functools import cache
from typing import Any

import mcp_types as protocol
from django.urls import URLPattern, path
from drf_spectacular.generators import SchemaGenerator

from quimbi.api_urls import urlpatterns as endpoints
from quimbi.mcp.search import SearchCustomersView
from quimbi.mcp.tools import Tool

PATTERNS: list[URLPattern] = [
    *endpoints,
    path("api/mcp/customer/search", SearchCustomersView.as_view(), name="mcp-search-customers"),
]


@cache
def describe(tool: Tool) -> protocol.Tool:
    """The tool as `tools/list` shows it."""
    return protocol.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool),
        output_schema=_output_schema(tool),
        annotations=protocol.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


@cache
def input_schema(tool: Tool) -> dict[str, Any]:
    """The arguments, those in the address first; nothing else is taken."""
    asked = [each for each in operation_of(tool)[1].get("parameters", ()) if each["in"] in {"path", "query"}]
    properties = {}
    for each in sorted(asked, key=lambda each: each["in"]):
        described = {**each["schema"], **({"description": each["description"]} if "description" in each else {})}
        if each["name"] in tool.defaults:
            described["default"] = tool.defaults[each["name"]]
        properties[each["name"]] = described
    required = [each["name"] for each in asked if each.get("required")]
    return {"type": "object", "properties": properties | dict(tool.own), "required": required, "additionalProperties": False}


@cache
def _output_schema(tool: Tool) -> dict[str, Any]:
    """The answer, with all that it refers to beside it."""
    schemas: dict[str, Any] = _document()["components"]["schemas"]
    answer = operation_of(tool)[1]["responses"]["200"]["content"]["application/json"]["schema"]
    wanted, needed = [_name_of(answer["$ref"])], dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed[name] = schemas[name]
            wanted += _names_in(schemas[name])
    root = needed.pop(_name_of(answer["$ref"]))
    moved: dict[str, Any] = json.loads(json.dumps({**root, "$defs": needed}).replace("#/components/schemas/", "#/$defs/"))
    return moved


@cache
def operation_of(tool: Tool) -> tuple[URLPattern, dict[str, Any]]:
    """The endpoint of a tool and what the document says of it."""
    patterns = {"/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(each.pattern)): each for each in PATTERNS}
    for address, operations in _document()["paths"].items():
        if operations.get("get", {}).get("operationId") == tool.operation:
            return patterns[address], operations["get"]
    raise LookupError(f"no endpoint is called {tool.operation!r}")


@cache
def _document() -> dict[str, Any]:
    generator = SchemaGenerator(patterns=PATTERNS)  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def _names_in(schema: Any) -> list[str]:
    """Names of the schemas that one refers to."""
    if isinstance(schema, dict):
        here = [_name_of(schema["$ref"])] if isinstance(schema.get("$ref"), str) else []
        return here + [name for inner in schema.values() for name in _names_in(inner)]
    return [name for inner in schema for name in _names_in(inner)] if isinstance(schema, list) else []


def _name_of(reference: str) -> str:
    return reference.rsplit("/", 1)[1]
