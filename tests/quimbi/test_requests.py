"""A request id in every answer and log line."""

import logging

import pytest
from django.test import Client

from quimbi.requests import RequestIdFilter, request_id


def id_of(sent=None, path="/livez"):
    return Client(headers={"X-Request-Id": sent} if sent is not None else {}).get(path)["X-Request-Id"]


def test_every_answer_has_an_id_of_its_own():
    ids = {id_of() for _ in range(5)}
    assert len(ids) == 5
    assert all(len(each) == 16 for each in ids)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/no/such/page/", "/api/no/such", "/api/mcp/customer/1", "/static/app.css"])
def test_pages_errors_and_files_have_one_too(path):
    assert id_of("from-the-proxy-1", path) == "from-the-proxy-1"


@pytest.mark.parametrize("sent", ["0b8e9a1c", "6f1f6a52-8d3e-4a53-9be0-0c5a9b8d2a11", "Root.1-67891233-abcdef0123456789"])
def test_a_sane_id_is_kept(sent):
    assert id_of(sent) == sent


@pytest.mark.parametrize("sent", ["", "short", "x" * 65, "has space in it", "-leading-dash", "<script>alert", "é" * 10])
def test_any_other_id_is_replaced(sent):
    assert id_of(sent) != sent


def test_a_log_line_after_the_request_still_names_it(caplog):
    caplog.handler.addFilter(RequestIdFilter())
    with caplog.at_level(logging.WARNING):
        sent = Client(headers={"X-Request-Id": "from-the-proxy-2"}).get("/api/no/such")
    assert sent.status_code == 404
    assert [record.request_id for record in caplog.records if record.name == "django.request"] == ["from-the-proxy-2"]
    assert request_id.get() == "-"


def test_an_error_body_names_the_same_id():
    answer = Client(headers={"X-Request-Id": "from-the-proxy-3"}).get("/api/no/such")
    assert answer.json()["error"]["request_id"] == "from-the-proxy-3"
