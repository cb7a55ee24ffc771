"""docs/api.md says what the schema says: every endpoint with every parameter and field, and no other."""

import json
import re
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import ApiKey
from tests.api.describing import OF_ALL_READS, resolved

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
WRITE_ANEW = "write the endpoints of docs/api.md anew: tests/api/describing.py says how"
VERBS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator(api_version=None).get_schema(request=None, public=True)


def sections():
    """(verb, path) -> what stands below its heading."""
    found = re.findall(r"^#### `([A-Z]+) (\S+)`\n(.*?)(?=^#{2,4} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return {(verb.lower(), path): text for verb, path, text in found}


def test_every_endpoint_is_there_and_no_other(schema):
    served = {(verb, path) for path, operations in schema["paths"].items() for verb in operations if verb in VERBS}
    assert set(sections()) == served, WRITE_ANEW


def test_every_parameter_and_field_of_a_body_is_there_and_no_other(schema):
    for (verb, path), text in sections().items():
        operation = schema["paths"][path][verb]
        wanted = {each["name"] for each in operation.get("parameters", ()) if each["in"] != "path"} - {OF_ALL_READS}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        wanted |= set(resolved(body, schema).get("properties", ())) if body else set()
        assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == wanted, f"{verb} {path}: {WRITE_ANEW}"


def test_every_read_has_an_example_that_is_json():
    for (verb, path), text in sections().items():
        if verb != "get" or "It answers like" in text or "```text" in text:
            continue
        example = re.search(r"```jsonc\n// GET \S+\n(.*?)\n```", text, re.DOTALL)
        assert example, f"{path}: {WRITE_ANEW}"
        assert isinstance(json.loads(re.sub(r"^\s*// and [\d,]+ more$", "", example[1], flags=re.MULTILINE)), dict | list)


def test_what_all_reads_take_is_said_once():
    assert f"`{OF_ALL_READS}`" in PAGE.partition("## Endpoints")[0]


def test_every_scope_is_explained():
    for scope in ApiKey.Scope.values:
        assert f"`{scope}`" in PAGE


def test_no_working_key_or_secret_is_printed():
    assert re.findall(r"qk_[0-9a-f]{8}_\S+|whsec_[A-Za-z0-9+/]{8,}", PAGE) == []
