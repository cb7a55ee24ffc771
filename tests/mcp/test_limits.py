"""Every request counts for its key, together with what the key asks of the API; a tool's customers count too."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiKey, CustomerRead
from quimbi.mcp import calling
from quimbi.mcp.calling import caller_with
from quimbi.mcp.tools import BY_NAME
from tests.factories import make_customer, make_shop
from tests.mcp.conftest import LEGACY, environment

TOP = "/api/mcp/archetypes/top"
NOON = datetime(2026, 11, 26, 12, 0, 20, tzinfo=UTC)


def left(secret):
    """Requests that the key has left this minute, the one that asks not counted."""
    return int(Client(headers={"X-API-Key": secret}).get(TOP)["RateLimit-Remaining"]) + 1


# --- Within this process --------------------------------------------------------------------------------------------------


@pytest.fixture
def noon(db):
    make_shop()
    with time_machine.travel(NOON, tick=False):
        yield


def call(caller, name, **arguments):
    result = calling.call(BY_NAME[name], arguments, caller)
    return result.is_error, result.content[0].text


def test_a_request_counts_when_its_key_is_looked_up_and_not_again_in_the_endpoint(noon):
    secret = ApiKey.issue("assistant", ["read"], requests_a_minute=10)[1]
    caller = caller_with(secret)
    assert call(caller, "list_top_archetypes")[0] is False
    assert call(caller, "get_customer", customer_id="nobody") == (True, "There is no customer with this id.")
    assert left(secret) == 9


def test_one_request_too_many_is_refused_with_a_sentence_and_reads_nothing(noon):
    make_customer("Sarah", customer_id="sarah")
    secret = ApiKey.issue("assistant", ["read"], requests_a_minute=2)[1]
    for _ in range(2):
        assert caller_with(secret).refused == ""
    caller = caller_with(secret)
    assert (caller.refused, caller.wait_seconds) == ("You may send 2 requests a minute; wait 40 s.", 40)
    assert call(caller, "get_customer", customer_id="sarah") == (True, caller.refused)
    assert not CustomerRead.objects.exists()


@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_a_tool_reads_so_many_customers_a_day_and_who_is_not_there_is_not_counted(noon, store, settings):
    if store == "rows":
        settings.REDIS_URL = ""
    for n in range(3):
        make_customer(f"Person {n}", customer_id=f"c{n}")
    caller = caller_with(ApiKey.issue("assistant", ["read"], customers_a_day=2)[1])
    asked = ["x", "c0", "y", "c1", "c0", "c2"]
    answers = [call(caller, "get_customer", customer_id=each) for each in asked]
    assert [is_error for is_error, _ in answers] == [True, False, True, False, False, True]
    assert answers[-1][1].startswith("This key may read 2 different customers a day")


def test_a_key_that_ended_is_no_callers(noon):
    row, secret = ApiKey.issue("assistant", ["read"])
    row.revoke(NOON)
    with pytest.raises(AuthenticationFailed):
        caller_with(secret)


# --- Over HTTP ------------------------------------------------------------------------------------------------------------


def within_a_minute(work):
    """What `work()` returns, done again where the minute in which requests are counted ended meanwhile."""
    while True:
        minute = time.time() // 60
        found = work()
        if time.time() // 60 == minute:
            return found


@pytest.mark.django_db(transaction=True)
def test_whatever_is_sent_with_a_key_counts(server, key, shop):
    def spent():
        secret = key("read")
        hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
        statuses = [
            server.modern("tools/list", key=secret)[0],
            server.modern("server/discover", key=secret)[0],
            server.modern("resources/list", key=secret)[0],
            server.modern("prompts/list", key=secret)[0],
            server.modern("tools/call", {"name": "churn_overview", "arguments": {}}, key=secret)[0],
            server.modern("tools/call", {"name": "get_customer", "arguments": {"customer_id": 1}}, key=secret)[0],
            server.modern("tools/call", {"name": "drop_table", "arguments": {}}, key=secret)[0],
            server.modern("tools/call", {"name": "search_customers", "arguments": {"text": "john"}}, key=secret)[0],
            server.modern("tools/list", key=secret, Mcp_Method="tools/call")[0],
            server.post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}, key=secret)[0],
            server.post({"jsonrpc": "2.0", "id": 2, "method": "ping"}, key=secret)[0],
            server.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, key=secret)[0],
            server.post(b"{", key=secret)[0],
        ]
        # Not whoever is refused for where a request goes.
        statuses += [server.post({}, key=secret, path="/other")[0], server.post({}, key=secret, Host="evil.example")[0]]
        return statuses, 600 - left(secret)

    statuses, spent_requests = within_a_minute(spent)
    assert spent_requests == len(statuses) - 2 == 13
    assert [statuses[place] for place in (0, 1, 2, 7, 13, 14)] == [200, 200, 404, 403, 404, 421]


@pytest.mark.django_db(transaction=True)
def test_beyond_the_limit_lists_are_429_and_a_tool_says_how_long_to_wait(server, key, shop):
    def asked():
        secret = ApiKey.issue("assistant", ["read"], requests_a_minute=2)[1]
        lists = [server.modern("tools/list", key=secret) for _ in range(3)]
        tool = server.modern("tools/call", {"name": "churn_overview", "arguments": {}}, key=secret)
        return lists, tool, Client(headers={"X-API-Key": secret}).get(TOP).status_code

    lists, tool, over_rest = within_a_minute(asked)
    assert [status for status, _, _ in lists] == [200, 200, 429]
    _, body, headers = lists[-1]
    assert body["error"]["code"] == "rate_limited"
    assert body["error"]["message"] == f"You may send 2 requests a minute; wait {headers['retry-after']} s."
    assert tool[0] == 200
    assert tool[1]["result"]["isError"] is True
    assert tool[1]["result"]["content"][0]["text"].startswith("You may send 2 requests a minute; wait ")
    assert over_rest == 429


# --- Over standard input and output ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_lists_and_calls_over_standard_input_count_too(key, shop):
    def talk():
        row, secret = ApiKey.issue("assistant", ["read"], requests_a_minute=4)
        process = subprocess.Popen(
            [sys.executable, "manage.py", "mcp", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(QUIMBI_API_KEY=secret),
            cwd=settings.BASE_DIR,
        )
        hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}

        def say(message):
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()

        def ask(number, method, params=None):
            say({"id": number, "method": method, "params": params or {}})
            return json.loads(process.stdout.readline())

        with process:
            try:
                ask(0, "initialize", hello)
                say(ready)
                call = {"name": "churn_overview", "arguments": {}}
                answers = [ask(1, "tools/list"), ask(2, "tools/call", call), ask(3, "tools/list")]
                answers += [ask(4, "tools/list"), ask(5, "tools/call", call)]
                row.revoke(datetime.now(UTC))
                answers += [ask(6, "tools/list"), ask(7, "tools/call", call)]
            finally:
                process.kill()
        return answers

    answers = within_a_minute(talk)  # starting is the first request
    assert "tools" in answers[0]["result"]
    assert not answers[1]["result"].get("isError")
    assert "tools" in answers[2]["result"]
    assert answers[3]["error"]["message"].startswith("You may send 4 requests a minute")
    assert answers[4]["result"]["isError"]
    assert answers[4]["result"]["content"][0]["text"].startswith("You may send 4 requests a minute")
    assert "was revoked" in answers[5]["error"]["message"]
    assert "was revoked" in answers[6]["result"]["content"][0]["text"]
