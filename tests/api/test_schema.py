"""The OpenAPI document: valid, complete, and true of what is served."""

import re
from zoneinfo import ZoneInfo

import pytest
from django.urls import get_resolver
from drf_spectacular.validation import validate_schema

from customers.models import Customer, Order
from integrations.models import Attempt, Delivery
from predictions.models import Prediction, PredictionModel, ScoringRun
from segmentation.models import SegmentationRun
from tests.factories import NOW, make_customer, make_order, make_shop
from tests.growing import keep_months, score_everybody
from tests.published import publish
from tests.small_shop import open_small_shop

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
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
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
    if "$ref" not in described:
        return described
    kind, name = described["$ref"].removeprefix("#/components/").split("/")
    return schema["components"][kind][name]


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
    assert value in described.get("enum", [value]), (where, value)
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


def reads(archetype_id):
    """{address: path} of every read of a shop with Sarah (`sarah`), whose number ends in 77, and Noah (`noah`)."""
    archetype = f"/api/mcp/archetypes/{archetype_id}"
    return {
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
        "/api/mcp/customer/lookup?phone=77": "/api/mcp/customer/lookup",
        "/api/mcp/customer/sarah/card": "/api/mcp/customer/{customer_id}/card",
        "/api/mcp/customer/noah/card": "/api/mcp/customer/{customer_id}/card",
        "/api/mcp/customers?sort=customer_id": "/api/mcp/customers",
        f"{archetype}/members": "/api/mcp/archetypes/{archetype_id}/members",
        f"{archetype}/movement": "/api/mcp/archetypes/{archetype_id}/movement",
        "/api/mcp/segmentation/runs": "/api/mcp/segmentation/runs",
        "/api/mcp/predictions/runs": "/api/mcp/predictions/runs",
    }


def test_answers_are_what_the_schema_says(key_client, schema):
    api = key_client("read:pii")
    make_shop()
    published = publish()
    published.join(make_customer("Sarah Johnson", orders=2, customer_id="sarah", phone="77"))
    make_order(Customer.objects.get(), left_out="test")
    make_customer("Noah Lind", customer_id="noah")
    asked = reads(published.archetype.archetype_id)
    for address, path in asked.items():
        described = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        _check(api.get(address).json(), described, schema, path)
    paths = {path for path, method, _ in operations_of(schema) if method == "get" and not path.startswith("/api/webhooks")}
    assert set(asked.values()) | STREAMS == paths


def odd_moments(value, where="body"):
    """Moments that are not written like 2026-11-19T12:00:00Z."""
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in odd_moments(inner, f"{where}.{name}")]
    if isinstance(value, list):
        return [found for inner in value for found in odd_moments(inner, f"{where}[]")]
    is_one = isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}T", value)
    return [f"{where}: {value}"] if is_one and not re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", value) else []


def test_every_moment_is_written_in_one_way_and_every_header_of_a_read_is_described(key_client, schema):
    api = key_client("read:pii")
    archetype_id = open_small_shop().archetype.archetype_id
    Customer.objects.filter(customer_id="sarah").update(phone="77", phone_key="77")
    odd = NOW.replace(microsecond=123_456).astimezone(ZoneInfo("Asia/Kathmandu"))
    for model, *columns in (
        (SegmentationRun, "as_of", "started_at", "published_at"),
        (ScoringRun, "as_of", "created_at"),
        (PredictionModel, "as_of", "created_at"),
        (Prediction, "as_of"),
        (Order, "placed_at"),
        (Customer, "last_order_at"),
    ):
        model.objects.filter(**{f"{columns[0]}__isnull": False}).update(**dict.fromkeys(columns, odd))
    wrong = []
    for address, path in reads(archetype_id).items():
        responses = schema["paths"][path]["get"]["responses"]
        answer, described = api.get(address), responses["200"].get("headers", {})
        wrong += [f"{path}: {found}" for found in odd_moments(answer.json())] if path != "/health" else []
        wrong += [f"{path}: ETag"] if ("ETag" in answer) != ("ETag" in described) else []
        wrong += [f"{path}: Last-Modified"] if "Last-Modified" in answer and "Last-Modified" not in described else []
        again = api.get(address, headers={"If-None-Match": answer.get("ETag", "*")})
        wrong += [f"{path}: {again.status_code}"] if str(again.status_code) not in responses else []
    assert wrong == []


def test_every_read_that_can_be_asked_for_again_says_how(schema):
    for path, method, operation in operations_of(schema):
        has_etag = method == "get" and path.startswith("/api/") and path not in STREAMS
        asked = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"]
        assert ("304" in operation["responses"]) == ("If-None-Match" in asked) == has_etag, path
        if has_etag:
            not_modified = _resolved(operation["responses"]["304"], schema)
            assert "ETag" in not_modified["headers"]
            assert "content" not in not_modified


def test_what_answers_have_in_common_is_written_once(schema):
    """Three quarters of the document would be headers and errors again and again."""
    components, told = schema["components"], []
    for path, method, operation in operations_of(schema):
        for status, answer in operation["responses"].items():
            if answer in components["responses"].values():
                told.append(f"{method} {path} {status}: an answer that is among the components")
            told += [
                f"{method} {path} {status}: {name}"
                for name, header in _resolved(answer, schema).get("headers", {}).items()
                if header != {"$ref": f"#/components/headers/{name}"}
            ]
    assert not told, "\n".join(told)
    assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "ETag"} <= set(components["headers"])
    assert {"BadRequest", "Unauthorized", "Forbidden", "NotFound", "TooManyRequests"} <= set(components["responses"])
    assert "Retry-After" in components["responses"]["TooManyRequests"]["headers"]


def test_every_reference_leads_to_something_and_every_part_is_used(schema):
    def references(value):
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for inner in value.values() for found in references(inner)]
        return [found for inner in value for found in references(inner)] if isinstance(value, list) else []

    there = {
        f"#/components/{kind}/{name}"
        for kind, parts in schema["components"].items()
        if kind != "securitySchemes"
        for name in parts
    }
    assert set(references(schema)) == there


def test_no_type_is_named_by_a_digest(schema):
    assert not [name for name in schema["components"]["schemas"] if re.search(r"\d\w*Enum$", name)]


def test_the_document_is_sent_without_line_breaks(api):
    for accept in ("*/*", "application/json", "application/vnd.oai.openapi+json"):
        answer = api.get("/api/schema", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer["Content-Type"] == (accept if accept != "*/*" else "application/vnd.oai.openapi+json")
        assert b"\n" not in answer.content
        assert len(answer.content) < 150_000


def test_what_an_endpoint_refuses_to_speak_is_described(key_client, schema):
    api = key_client("write:webhooks", "read")
    ids = {"archetype_id": "0", "customer_id": "0", "webhook_id": "0", "delivery_id": "0"}
    for path, method, operation in operations_of(schema):
        address, ask = path.format(**ids), getattr(api, method)
        refused = ask(address, headers={"Accept": "text/html"}).status_code == 406
        assert refused == ("406" in operation["responses"]), (path, method)
        if "requestBody" in operation:
            assert ask(address, "a=1", content_type="text/plain").status_code in {404, 415}
            assert "415" in operation["responses"]


def test_closed_lists_are_told(schema):
    told = schema["components"]["schemas"]
    closed = {
        ("CardSchema", "lapse_risk_level"): {"critical", "high", "medium", "low"},
        ("CardSchema", "churn_risk_level"): {"critical", "high", "medium", "low"},
        ("ArchetypeSchema", "author"): {"rules", "claude", "person"},
        ("ChurnFactorsSchema", "value_tier"): {"vip", "high_value", "mid_tier", "low_value"},
        ("ChurnFactorsSchema", "order_frequency"): {
            "weekly", "biweekly", "monthly", "quarterly", "twice_a_year", "yearly", "rarely", "one_order",
        },
    }  # fmt: skip
    for (name, field), choices in closed.items():
        described = told[name]["properties"][field]
        options = [_resolved(each, schema) for each in described.get("oneOf") or described.get("allOf") or [described]]
        assert {choice for option in options for choice in option.get("enum", ())} - {None} == choices, field


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
    for status, error in ((None, "Nobody answers at its address."), (204, "")):
        Attempt.objects.create(
            delivery=Delivery.objects.get(), number=1, sent_at=NOW, duration_seconds=0.5, status=status, error=error
        )
    Delivery.objects.update(state="delivered", last_status=204, next_attempt_at=None)
    check("get", f"{one}/deliveries", 200, **here)
    check("get", f"{base}/deliveries/{{delivery_id}}", 200, delivery_id=sent["id"])
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
