"""The gate alone, in front of an application that says what it was given."""

import asyncio
import json
import threading

import pytest
from django.db import InterfaceError
from rest_framework.exceptions import AuthenticationFailed

from quimbi.mcp import gate
from quimbi.mcp.calling import Caller
from quimbi.mcp.server import in_thread
from tests.mcp.conftest import on_a_thread_of_its_own

HEAD = {"host": "localhost", "authorization": "Bearer qk_00000000_x"}


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """Every key is good for reading."""
    monkeypatch.setattr(gate, "caller_with", lambda key: Caller(key, "qk_00000000", frozenset({"read"})))


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def asked(*messages, app=echo, **head):
    """Status, headers and body of the answer, None without one; `messages` are what the server hears from the client."""
    headers = [(name.encode(), value.encode()) for name, value in {**HEAD, **head}.items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": headers}
    heard, sent = iter(messages), []

    async def receive():
        return next(heard)

    async def send(message):
        sent.append(message)

    await gate.Gate(app)(scope, receive, send)
    if not sent:
        return None
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(each.get("body", b"") for each in sent)


def ask(*messages, **head):
    return on_a_thread_of_its_own(lambda: asked(*messages, **head))


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_what_was_judged_is_passed_on():
    status, headers, body = ask(part(b'{"method": ', more=True), part(b'"ping"}'))
    assert (status, body) == (200, b'{"method": "ping"}')
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 16


@pytest.mark.parametrize(
    ("head", "status"),
    [({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403), ({"authorization": ""}, 401)],
)
def test_of_a_stranger_no_byte_of_the_body_is_read(head, status):
    assert ask(**head)[0] == status  # there is nothing to be read: it would be a StopIteration


def test_a_key_is_judged_before_the_body_is_read(monkeypatch):
    def unknown(key):
        raise AuthenticationFailed("This API key is not known.")

    monkeypatch.setattr(gate, "caller_with", unknown)
    assert ask()[0] == 401


def test_a_body_that_is_too_large_is_refused_as_it_comes():
    assert ask(part(b"x" * 200_000, more=True), part(b"x" * 200_000, more=True))[0] == 413
    assert ask(**{"content-length": "300000"})[0] == 413


@pytest.mark.parametrize("body", [b"[]", b'[{"method": "ping"}, {"method": "ping"}]', b'"ping"', b"1", b"true"])
def test_one_message_is_taken_at_a_time(body):
    status, _, told = ask(part(body))
    assert (status, json.loads(told)["error"]["code"]) == (400, "bad_request")
    assert json.loads(told)["error"]["message"] == "Send one JSON-RPC message at a time, as a JSON object."


def test_who_asks_too_often_waits_and_a_tools_result_says_so_itself(monkeypatch):
    told = "You may send 2 requests a minute; wait 40 s."
    slow = Caller("qk_00000000_x", "qk_00000000", frozenset({"read"}), refused=told, wait_seconds=40)
    monkeypatch.setattr(gate, "caller_with", lambda key: slow)
    for message in (b'{"method": "tools/list"}', b'{"method": "ping"}', b'{"method": "resources/list"}', b"[]", b"{"):
        status, headers, body = ask(part(message))
        assert (status, headers["retry-after"]) == (429, "40")
        assert json.loads(body)["error"] == {"code": "rate_limited", "message": told, "request_id": headers["x-request-id"]}
    assert ask(part(b'{"method": "tools/call", "params": {"name": "churn_overview"}}'))[0] == 200


def test_who_hangs_up_in_the_middle_is_nobodys_error():
    assert ask(part(b'{"meth', more=True), {"type": "http.disconnect"}) is None


def test_a_database_that_is_gone_is_503(monkeypatch):
    def gone(key):
        raise InterfaceError("connection already closed")

    monkeypatch.setattr(gate, "caller_with", gone)
    status, headers, body = ask()
    assert (status, json.loads(body)["error"]["code"]) == (503, "unavailable")
    assert json.loads(body)["error"]["request_id"] == headers["x-request-id"]


def test_keys_that_wait_for_the_database_stop_no_tool_and_are_answered(monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(gate, "caller_with", lambda key: answers.wait(60))
    monkeypatch.setattr(gate, "KEY_SECONDS", 0.2)

    async def work():
        stuck = [asyncio.create_task(asked()) for _ in range(8)]
        try:
            await asyncio.sleep(0)
            tool = await asyncio.wait_for(in_thread(lambda: "answered"), 30)
            return tool, await asyncio.gather(*stuck)
        finally:
            answers.set()

    tool, refused = on_a_thread_of_its_own(work)
    assert tool == "answered"
    assert {status for status, _, _ in refused} == {503}
