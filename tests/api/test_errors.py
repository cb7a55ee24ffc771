"""Every error below /api/ has one shape, whatever went wrong."""

import pytest
from django.db import OperationalError
from django.middleware.common import CommonMiddleware
from django.test import Client

import accounts.authentication
import customers.api_views
from accounts.models import User
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
    "path", ["/api", "/api/", "/api/mcp", "/api/mcp/customer/", "/api/mcp/customers/", "/api/%00", "/api/x/y/z"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_an_unknown_route_is_404_to_every_method(path, method):
    error_of(getattr(Client(), method)(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/mcp/customers/", "/api/mcp/nowhere/", "/api/"])
def test_an_address_with_a_slash_at_its_end_is_told_to_leave_it_out(path):
    error = error_of(Client().get(path), 404, "not_found")
    assert error["message"] == "There is no such endpoint; /api/docs lists them all, without the slash at the end."


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_another_method_is_405_and_told_which_the_address_takes(api, method):
    answer = getattr(api, method)("/api/mcp/customer/1")
    error = error_of(answer, 405, "method_not_allowed")
    assert error["message"] == "This address takes GET."
    assert "GET" in answer["Allow"]


def test_an_address_of_several_methods_names_them_all(key_client):
    client = key_client("write:webhooks")
    assert error_of(client.put("/api/webhooks"), 405, "method_not_allowed")["message"] == "This address takes GET and POST."
    several = error_of(client.put("/api/webhooks/wh_1"), 405, "method_not_allowed")["message"]
    assert several == "This address takes GET, PATCH and DELETE."


def test_an_unexpected_error_is_500_without_its_words(api, monkeypatch, caplog):
    def fails(*args, **kwargs):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(customers.api_views, "customer_profile", fails)
    error = error_of(api.get("/api/mcp/customer/1"), 500, "server_error")
    assert "swordfish" not in str(error)
    assert "the secret is swordfish" in caplog.text


def lost_database(*args, **kwargs):
    raise OperationalError("server closed the connection")


def is_503(answer):
    error = error_of(answer, 503, "unavailable")
    assert error["message"] == "The database does not answer; try again in a moment."
    assert answer["Retry-After"] == "2"


def test_a_lost_database_is_503_and_says_when_to_come_again(api, monkeypatch, caplog):
    monkeypatch.setattr(customers.api_views, "customer_profile", lost_database)
    is_503(api.get("/api/mcp/customer/1"))
    assert "server closed the connection" in caplog.text


def test_a_database_that_is_lost_while_the_key_is_looked_up_is_503_too(api, monkeypatch):
    monkeypatch.setattr(accounts.authentication, "_find", lost_database)
    is_503(api.get("/api/mcp/customer/1"))


def test_a_database_that_is_lost_outside_any_view_is_503_below_api_and_a_page_elsewhere(monkeypatch):
    monkeypatch.setattr(CommonMiddleware, "process_request", lost_database)
    client = Client(raise_request_exception=False)
    is_503(client.get("/api/mcp/customer/1"))
    assert client.get("/login/")["Content-Type"].startswith("text/html")


def test_a_client_that_wants_no_json_is_told_so_in_json(api):
    error = error_of(api.get("/api/mcp/customer/random", headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert error["message"] == "This API answers application/json; ask for that, or leave the header Accept out."


@pytest.mark.parametrize("path", ["/api/mcp/customer/random", "/api/mcp/customer/1", "/api/mcp/archetypes/arch_1"])
def test_an_endpoint_without_parameters_names_the_unknown_one(api, path):
    error = error_of(api.get(path, {"include": "churn"}), 400, "unknown_parameter")
    assert error["field"] == "include"
    assert "'include' is not a parameter" in error["message"]


def test_a_hostile_parameter_name_is_named_in_part_only(api):
    for name in ("x" * 5000, "<script>", "a\0b", "é"):
        error = error_of(api.get("/api/mcp/archetypes/top", {name: "1"}), 400, "unknown_parameter")
        assert error["field"] == name[:60]


def test_a_foreign_host_is_refused_with_what_to_do_below_api_and_elsewhere():
    client, told = (
        Client(headers={"Host": "evil.example"}),
        "This host name is not one of ours; correct it, or add it to ALLOWED_HOSTS.",
    )
    answer = client.get("/api/mcp/customer/1")
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]) == (400, "bad_request", told)
    page = client.get("/login/")
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert told in page.content.decode()
    assert "evil.example" not in page.content.decode()


def test_what_breaks_outside_any_view_is_500_in_the_same_shape(monkeypatch):
    def fails(*args):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(CommonMiddleware, "process_request", fails)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/mcp/customer/1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
    assert client.get("/login/")["Content-Type"].startswith("text/html")


# --- Values ------------------------------------------------------------------------------------------------------------

CUSTOMERS, TOP, GROWTH = "/api/mcp/customers", "/api/mcp/archetypes/top", "/api/mcp/growth/projection"


@pytest.mark.parametrize(
    ("path", "name", "value", "told"),
    [
        (CUSTOMERS, "tier", "VIP", "tier takes one of vip, high, standard, low; write vip."),
        (CUSTOMERS, "tier", "gold", "tier takes one of vip, high, standard, low."),
        (CUSTOMERS, "active", "yep", "active takes true or false."),
        (CUSTOMERS, "active", "", "active takes true or false."),
        (CUSTOMERS, "lapse_risk_min", "2", "lapse_risk_min takes a number from 0 to 1."),
        (CUSTOMERS, "lapse_risk_min", "nan", "lapse_risk_min takes a number from 0 to 1."),
        (CUSTOMERS, "value_at_risk_min", "-1", "value_at_risk_min takes a number from 0 to 1,000,000,000."),
        (CUSTOMERS, "archetype_id", "x" * 17, "archetype_id takes text of at most 16 characters."),
        (CUSTOMERS, "archetype_id", "", "archetype_id is empty; give it a value or leave it out."),
        (CUSTOMERS, "archetype_id", "a\0b", "archetype_id takes text without null characters and halves of characters."),
        *((TOP, "limit", value, "limit takes a whole number from 1 to 100.") for value in ("ten", "0", "101", "", "1.5")),
        (TOP, "limit", "9" * 2_000, "limit takes a whole number from 1 to 100."),
        *(
            ("/api/mcp/customer/c1/orders", "start_date", value, "start_date takes a day like 2026-11-26.")
            for value in ("26.11.2026", "2026-02-30", "")
        ),
        ("/api/mcp/customer/c1/churn-risk", "explain", "yep", "explain takes true or false."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_in_one_sentence_what_is_taken(api, path, name, value, told):
    error = error_of(api.get(path, {name: value}), 400, "invalid_parameter")
    assert (error["field"], error["message"]) == (name, told)


def test_sentences_of_our_own_stay(api):
    error = error_of(api.get(GROWTH, {"monthly_churn_rate": "2"}), 400, "invalid_parameter")
    assert error["message"] == "monthly_churn_rate: Give a rate from 0 to 1, such as 0.05."


# --- Bodies ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["key", "session"])
def post(request, key_client):
    """Sends a body to where webhooks are made; a session's is read while the token is looked for."""
    client, token = key_client("write:webhooks"), {}
    if request.param == "session":
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_user("root", role=User.Role.ADMIN))
        token["X-CSRFToken"] = client.get("/account/password/").cookies["csrftoken"].value
    return lambda body, **headers: client.post("/api/webhooks", body, "application/json", headers={**token, **headers})


def test_a_body_that_is_too_large_is_413(post, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    for headers in ({}, {"Idempotency-Key": "key-1"}):
        error_of(post('{"url": "https://example.com/hooks"}', **headers), 413, "too_large")


def test_a_body_that_cannot_be_read_is_400_and_says_why(post):
    for body, said in (
        ("[" * 200_000, "The body is nested too deeply."),
        ('{"a":' * 200_000, "The body is nested too deeply."),
        ('{"url": "https://a.example", "url": "https://b.example"}', "'url' is given twice; give it once."),
        ('{"outer": {"a": 1, "a": 1}}', "'a' is given twice; give it once."),
        ('{"\\ud800": 1, "\\ud800": 1}', "is given twice; give it once."),
        ('{"url": ', "The body is no JSON: Expecting value at line 1, column 9."),
        ('{"url": NaN}', "The body is no JSON; check its numbers and its encoding."),
        ("9" * 5_000, "The body is no JSON; check its numbers and its encoding."),
        (b'"\xff"', "The body is no JSON; check its numbers and its encoding."),
    ):
        assert said in error_of(post(body), 400, "parse_error")["message"]


@pytest.mark.parametrize("body", ["[]", "null", '"url"', "1", "true"])
def test_a_body_that_is_no_object_is_400_like_one_that_cannot_be_read(post, body):
    assert error_of(post(body), 400, "parse_error")["message"] == "The body is no JSON object; send one, between { and }."


URL = "https://a.example"
EVENTS = "segmentation.published, customer.archetype_changed, customer.lapse_risk_level_changed"


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        *(
            ({"url": "https://a.example", "events": events}, "events", f"events takes a list of one or more of {EVENTS}.")
            for events in ("x", [], ["x"], {"a": 1})
        ),
        ({"url": "https://a.example"}, "events", "events is missing; give it."),
        ({"url": URL, "events": None}, "events", f"events takes a list of one or more of {EVENTS}, and not null."),
        ({"url": "", "events": ["segmentation.published"]}, "url", "url is empty; give it a value."),
        ({"url": 1, "events": ["segmentation.published"]}, "url", "url: Write text."),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_in_one_sentence_what_is_taken(key_client, body, field, told):
    error = error_of(key_client("write:webhooks").post("/api/webhooks", body, "application/json"), 400, "invalid_parameter")
    assert (error["field"], error["message"]) == (field, told)


def test_a_form_is_told_to_be_json(key_client):
    answer = key_client("write:webhooks").post("/api/webhooks", "url=x", "application/x-www-form-urlencoded")
    error = error_of(answer, 415, "unsupported_media_type")
    assert error["message"] == "Send the body as JSON, with the header Content-Type: application/json."


@pytest.mark.parametrize(
    ("sent", "field"),
    [("\\ud800", "?"), ("x" * 5_000, "x" * 60), ("\\ud83d\\ude00", "😀"), ("x" * 59 + "\\udc00y", "x" * 59 + "?")],
)
def test_a_hostile_field_name_is_named_in_part_only_and_breaks_nothing(post, sent, field):
    answer = post(f'{{"{sent}": 1}}')
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_a_session_without_the_csrf_token_is_told_to_send_it(person_client):
    client = Client(enforce_csrf_checks=True)
    client.cookies = person_client("admin").cookies
    error = error_of(client.post("/api/webhooks", {}, "application/json"), 403, "permission_denied")
    assert (
        error["message"]
        == "A session changes nothing without its CSRF token; send that in X-CSRFToken, or send an API key instead."
    )
