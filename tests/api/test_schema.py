"""The OpenAPI document: valid, complete, and true of what is served."""

import pytest
from django.urls import get_resolver
from drf_spectacular.validation import validate_schema

from customers.models import Customer
from integrations.models import Delivery
from tests.factories import make_customer, make_order, make_shop
from tests.growing import keep_months, score_everybody
from tests.published import publish

pytestmark = pytest.mark.django_db
NOT_DESCRIBED = {"/api/schema", "/api/docs"}
STREAMS = {"/api/mcp/export/customers"}


@pytest.fixture
def schema(api):
    answer = api.get("/api/schema")
    assert answer.status_code == 200
    return answer.json()


def test_the_schema_is_valid_openapi_3_1(schema):
    assert schema["openapi"].startswith("3.1")
    validate_schema(schema)


def operations_of(schema):
    """(path, method, operation) of everything that is described."""
    return [(path, method, each) for path, operations in schema["paths"].items() for method, each in operations.items()]


def test_the_schema_covers_exactly_what_is_served(schema):
    from quimbi.api_urls import urlpatterns

    served = {
        "/" + str(pattern.pattern).replace("<str:", "{").replace(">", "}")
        for pattern in urlpatterns
        if "(" not in str(pattern.pattern)
    }
    assert set(schema["paths"]) == served - NOT_DESCRIBED
    writing = {path for path, method, _ in operations_of(schema) if method != "get"}
    assert all(path.startswith("/api/webhooks") for path in writing)
    assert {method for path in writing for method in schema["paths"][path]} <= {"get", "post", "patch", "delete"}


def test_no_address_below_api_is_served_outside_the_table():
    outside = [
        str(pattern.pattern) + str(inner.pattern)
        for pattern in get_resolver().url_patterns
        if hasattr(pattern, "url_patterns") and getattr(pattern.urlconf_module, "__name__", "") != "quimbi.api_urls"
        for inner in pattern.url_patterns
        if (str(pattern.pattern) + str(inner.pattern)).startswith("api/")
    ]
    assert outside == []


def test_every_operation_names_its_errors_and_what_it_needs(schema):
    for path, method, operation in operations_of(schema):
        responses = set(operation["responses"])
        if path.startswith("/api/"):
            assert {"400", "401", "403", "500"} <= responses
            assert operation["security"] == [{"apiKey": []}, {"cookieAuth": []}]
        else:
            assert not operation.get("security")
        assert responses & {"200", "201", "202", "204"}
        assert ("404" in responses) == ("{" in path or path.endswith(("random", "lookup")))
        assert ("409" in responses) == (method != "get")
    assert schema["components"]["securitySchemes"]["apiKey"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def test_parameters_are_described_with_defaults_and_limits(schema):
    described = {p["name"]: p["schema"] for p in schema["paths"]["/api/mcp/archetypes/top"]["get"]["parameters"]}
    assert described["limit"]["default"] == 10
    assert (described["limit"]["minimum"], described["limit"]["maximum"]) == (1, 100)
    assert described["metric"]["default"] == "total_ltv"
    assert set(described["metric"]["enum"]) == {"total_ltv", "avg_ltv", "member_count"}


def _resolved(described, schema):
    """What a reference points at."""
    return schema["components"]["schemas"][described["$ref"].rsplit("/", 1)[1]] if "$ref" in described else described


def _check(value, described, schema, where):
    """Every key of an answer is described and every described key that is required is there."""
    described = _resolved(described, schema)
    if "oneOf" in described or "anyOf" in described or "allOf" in described:
        choices = described.get("oneOf") or described.get("anyOf") or described["allOf"]
        options = [_resolved(choice, schema) for choice in choices]
        if value is None:
            assert any(option.get("type") == "null" for option in options), where
            return
        *others, last = [option for option in options if option.get("type") != "null"]
        for option in others:
            try:
                return _check(value, option, schema, where)
            except AssertionError:  # then it is another of them
                continue
        return _check(value, last, schema, where)
    kind = described.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if value is None:
        assert "null" in kinds, where
        return None
    python = {"string": str, "integer": int, "number": int | float, "boolean": bool, "array": list, "object": dict}
    assert any(isinstance(value, python[k]) for k in kinds if k and k != "null"), (where, value, described)
    if isinstance(value, dict):
        properties = described.get("properties")
        if properties is None:
            for name, inner in value.items():
                _check(inner, described["additionalProperties"], schema, f"{where}.{name}")
            return None
        assert set(value) <= set(properties), (where, set(value) - set(properties))
        assert set(described.get("required", ())) <= set(value), where
        for name, inner in value.items():
            _check(inner, properties[name], schema, f"{where}.{name}")
    if isinstance(value, list):
        for inner in value:
            _check(inner, described["items"], schema, f"{where}[]")
    return None


def test_answers_are_what_the_schema_says(key_client, schema):
    api = key_client("read:pii")
    make_shop()
    published = publish()
    published.join(make_customer("Sarah Johnson", orders=2, customer_id="sarah", email="sarah@example.com"))
    archetype = f"/api/mcp/archetypes/{published.archetype.archetype_id}"
    make_order(Customer.objects.get(), left_out="test")
    make_customer("Noah Lind", customer_id="noah")
    asked = {
        "/health": "/health",
        "/livez": "/livez",
        "/readyz": "/readyz",
        "/api/mcp/customer/sarah": "/api/mcp/customer/{customer_id}",
        "/api/mcp/customer/noah": "/api/mcp/customer/{customer_id}",
        "/api/mcp/customer/random": "/api/mcp/customer/random",
        "/api/mcp/customer/sarah/orders": "/api/mcp/customer/{customer_id}/orders",
        "/api/mcp/archetypes/top": "/api/mcp/archetypes/top",
        "/api/mcp/archetypes/growth-projection": "/api/mcp/archetypes/growth-projection",
        "/api/mcp/growth/projection": "/api/mcp/growth/projection",
        archetype: "/api/mcp/archetypes/{archetype_id}",
        "/api/mcp/predictions/trust": "/api/mcp/predictions/trust",
        "/api/mcp/customer/sarah/churn-risk": "/api/mcp/customer/{customer_id}/churn-risk",
        "/api/mcp/customer/noah/churn-risk": "/api/mcp/customer/{customer_id}/churn-risk",
        "/api/mcp/churn/aggregate": "/api/mcp/churn/aggregate",
        "/api/mcp/customer/lookup?email=sarah@example.com": "/api/mcp/customer/lookup",
        "/api/mcp/customer/sarah/card": "/api/mcp/customer/{customer_id}/card",
        "/api/mcp/customer/noah/card": "/api/mcp/customer/{customer_id}/card",
        "/api/mcp/customers?sort=customer_id": "/api/mcp/customers",
        f"{archetype}/members": "/api/mcp/archetypes/{archetype_id}/members",
        f"{archetype}/movement": "/api/mcp/archetypes/{archetype_id}/movement",
        "/api/mcp/segmentation/runs": "/api/mcp/segmentation/runs",
        "/api/mcp/predictions/runs": "/api/mcp/predictions/runs",
    }
    for address, path in asked.items():
        described = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _check(api.get(address).json(), described, schema, path)
    paths = {path for path, method, _ in operations_of(schema) if method == "get" and not path.startswith("/api/webhooks")}
    assert set(asked.values()) | STREAMS == paths


def test_answers_of_webhooks_are_what_the_schema_says(key_client, schema):
    api, base, checked = key_client("write:webhooks"), "/api/webhooks", set()
    one = f"{base}/{{webhook_id}}"

    def check(method, path, status, body=None, **ids):
        address = path.format(**ids)
        answer = api.get(address) if method == "get" else getattr(api, method)(address, body or {}, "application/json")
        assert answer.status_code == status, answer.content
        described = schema["paths"][path][method]["responses"][str(status)]
        checked.add((path, method))
        if status == 204:
            assert "content" not in described
            return None
        _check(answer.json(), described["content"]["application/json"]["schema"], schema, f"{method} {path}")
        return answer.json()

    made = check("post", base, 201, {"url": "https://example.com/hooks", "events": ["segmentation.published"]})
    here = {"webhook_id": made["id"]}
    sent = check("post", f"{one}/test", 202, **here)
    check("get", f"{one}/deliveries", 200, **here)
    Delivery.objects.update(state="delivered", last_status=204, next_attempt_at=None)
    check("get", f"{one}/deliveries", 200, **here)
    check("post", f"{base}/deliveries/{{delivery_id}}/replay", 202, delivery_id=sent["id"])
    check("post", f"{one}/rotate", 200, **here)
    check("patch", one, 200, {"description": "CRM", "is_enabled": False}, **here)
    check("get", one, 200, **here)
    check("get", base, 200)
    check("delete", one, 204, **here)
    assert checked == {(path, method) for path, method, _ in operations_of(schema) if path.startswith(base)}


def test_streams_are_described_by_their_formats(schema):
    for path in STREAMS:
        content = schema["paths"][path]["get"]["responses"]["200"]["content"]
        assert set(content) == {"text/csv", "application/x-ndjson"}


def test_projections_are_what_the_schema_says(api, schema):
    make_shop()
    publish()
    score_everybody()
    keep_months()
    for path in ("/api/mcp/growth/projection", "/api/mcp/archetypes/growth-projection"):
        described = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _check(api.get(path).json(), described, schema, path)


def test_the_documentation_page_has_nothing_inline_and_nothing_foreign(person_client):
    text = person_client("agent").get("/api/docs").content.decode()
    assert "style=" not in text
    assert "<style" not in text
    assert "<script>" not in text
    assert "http" not in text.replace("http-equiv", "")
