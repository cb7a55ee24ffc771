"""docs/mcp.md names the tools that are there, with their arguments and endpoints."""

import re
from pathlib import Path

from accounts.models import ApiKey
from quimbi.api_urls import urlpatterns
from quimbi.mcp.schemas import input_schema, operation_of
from quimbi.mcp.tools import BY_NAME, TOOLS, scope_needed

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "mcp.md").read_text()


def rows():
    return {
        name: (set(re.findall(r"`(\w+)`", asked)), where)
        for name, asked, where in re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|$", PAGE, re.M)
    }


def address_of(pattern):
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))


def test_every_tool_is_there_with_its_arguments_and_no_other():
    told = {name: asked for name, (asked, _) in rows().items() if name in BY_NAME}
    assert told == {tool.name: set(input_schema(tool)["properties"]) for tool in TOOLS}
    assert list(told) == [tool.name for tool in TOOLS]


def test_every_tool_but_the_search_is_an_endpoint_of_the_api():
    served = {address_of(pattern) for pattern in urlpatterns}
    for tool in TOOLS:
        address = rows()[tool.name][1].strip().strip("`")
        assert (address in served) == (tool.name != "search_customers")
        assert tool.name == "search_customers" or address == address_of(operation_of(tool)[0])


def test_only_the_search_needs_more_than_figures():
    assert {tool.name for tool in TOOLS if tool.scope != ApiKey.Scope.READ} == {"search_customers"}


def test_a_call_of_anything_else_needs_no_more_than_reading():
    for odd in (None, [], 1, "x", {"method": "tools/call"}, {"method": "tools/call", "params": {"name": ["search_customers"]}}):
        assert scope_needed(odd) == "read"
    assert scope_needed({"method": "tools/call", "params": {"name": "search_customers"}}) == "read:pii"
