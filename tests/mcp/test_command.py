"""`manage.py mcp`: what it refuses, and the way for clients that start it themselves."""

import json
import signal
import socket
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from quimbi import checks, processes
from tests.mcp.conftest import LEGACY, environment, on_a_thread_of_its_own


@pytest.mark.django_db(transaction=True)
def test_a_client_may_start_it_and_talk_over_standard_input_and_output(key, shop):
    started = StdioServerParameters(
        command=sys.executable,
        args=["manage.py", "mcp", "--stdio"],
        env=environment(QUIMBI_API_KEY=key("read")),
        cwd=settings.BASE_DIR,
    )

    async def work():
        async with Client(started, mode="legacy", read_timeout_seconds=30) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, await client.call_tool("get_customer", {"customer_id": "sarah"})

    names, answer = on_a_thread_of_its_own(work)
    assert "get_customer" in names
    assert "search_customers" not in names
    assert answer.structured_content["customer_id"] == "sarah"


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_ends_it_while_it_waits_for_the_client(key):
    hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    with subprocess.Popen(
        [sys.executable, "manage.py", "mcp", "--stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(QUIMBI_API_KEY=key("read")),
        cwd=settings.BASE_DIR,
    ) as process:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}).encode() + b"\n")
        process.stdin.flush()
        assert b"protocolVersion" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == -signal.SIGINT
        finally:
            process.kill()


@pytest.mark.django_db
def test_on_a_database_that_lacks_migrations_it_says_what_to_do(monkeypatch):
    monkeypatch.setenv("QUIMBI_API_KEY", "qk_00000000_nothing")
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: ["accounts.0001_start"])
    with pytest.raises(CommandError, match=r"does not start: the database lacks 1 migrations .*; run manage.py migrate"):
        call_command("mcp", stdio=True)


def test_without_a_key_it_does_not_talk(monkeypatch):
    monkeypatch.delenv("QUIMBI_API_KEY", raising=False)
    with pytest.raises(CommandError, match="Set QUIMBI_API_KEY to an API key"):
        call_command("mcp", stdio=True)


@pytest.mark.django_db
def test_with_a_key_that_does_not_work_it_does_not_talk(monkeypatch):
    monkeypatch.setenv("QUIMBI_API_KEY", "qk_00000000_nothing")
    with pytest.raises(CommandError, match="QUIMBI_API_KEY: This API key is not known"):
        call_command("mcp", stdio=True)


def test_a_port_that_is_taken_is_answered_in_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be used .*; choose another with --port"):
            call_command("mcp", port=port)


def test_up_starts_it_where_a_port_is_set(settings):
    settings.MCP_PORT = 8000
    with pytest.raises(CommandError, match="QUIMBI_MCP_PORT is 8000, where the site listens"):
        call_command("up", port=8000)
    assert processes.mcp("127.0.0.1", 8001)[1:] == ["manage.py", "mcp", "--host", "127.0.0.1", "--port", "8001"]
