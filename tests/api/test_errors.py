"""Every error below /api/ has one shape, whatever went wrong."""

import pytest
from django.db import OperationalError
from django.test import Client

import customers.api_views
from tests.factories import make_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop():
    make_shop()


def error_of(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/json")
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].endswith((".", "?"))
    assert error["request_id"] == answer["X-Request-Id"]
    return error


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/mcp", "/api/mcp/customer/", "/api/mcp/customer/1/", "/api/%00", "/api/x/y/z"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_an_unknown_route_is_404_to_every_method(path, method):
    error_of(getattr(Client(), method)(path), 404, "not_found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_another_method_is_405(api, method):
    answer = getattr(api, method)("/api/mcp/customer/1")
    error_of(answer, 405, "method_not_allowed")
    assert "GET" in answer["Allow"]


def test_an_unexpected_error_is_500_without_its_words(api, monkeypatch, caplog):
    def fails(*args, **kwargs):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(customers.api_views, "customer_profile", fails)
    error = error_of(api.get("/api/mcp/customer/1"), 500, "server_error")
    assert "swordfish" not in str(error)
    assert "the secret is swordfish" in caplog.text


def test_a_lost_database_is_500_in_the_same_shape(api, monkeypatch):
    def fails(*args, **kwargs):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(customers.api_views, "customer_profile", fails)
    error_of(api.get("/api/mcp/customer/1"), 500, "server_error")


def test_a_client_that_wants_no_json_is_told_so_in_json(api):
    error_of(api.get("/api/mcp/customer/random", headers={"Accept": "text/html"}), 406, "not_acceptable")


@pytest.mark.parametrize("path", ["/api/mcp/customer/random", "/api/mcp/customer/1", "/api/mcp/archetypes/arch_1"])
def test_an_endpoint_without_parameters_names_the_unknown_one(api, path):
    error = error_of(api.get(path, {"include": "churn"}), 400, "unknown_parameter")
    assert error["field"] == "include"
    assert "'include' is not a parameter" in error["message"]


def test_a_hostile_parameter_name_is_named_in_part_only(api):
    for name in ("x" * 5000, "<script>", "a\0b", "é"):
        error_of(api.get("/api/mcp/archetypes/top", {name: "1"}), 400, "unknown_parameter")


def test_a_foreign_host_is_refused_in_the_same_shape():
    answer = Client(headers={"Host": "evil.example"}).get("/api/mcp/customer/1")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_request"
    assert Client(headers={"Host": "evil.example"}).get("/login/")["Content-Type"].startswith("text/html")


def test_what_breaks_outside_any_view_is_500_in_the_same_shape(monkeypatch):
    from django.middleware.common import CommonMiddleware

    def fails(*args):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(CommonMiddleware, "process_request", fails)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/mcp/customer/1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
    assert client.get("/login/")["Content-Type"].startswith("text/html")


def test_a_database_that_is_lost_while_the_key_is_looked_up_is_500_in_the_same_shape(api, monkeypatch):
    import accounts.authentication

    def fails(sent):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(accounts.authentication, "_find", fails)
    error_of(api.get("/api/mcp/customer/1"), 500, "server_error")
