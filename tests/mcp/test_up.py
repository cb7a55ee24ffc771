"""`manage.py up` with a port for assistants: one more process, which lives and dies with the others."""

import os
import signal
import socket
import subprocess
import sys

import pytest
from django.conf import settings

from tests.jobs.conftest import wait_for
from tests.mcp.conftest import ask


def two_ports():
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.mark.worker
def test_up_starts_the_server_and_stops_it(tmp_path):
    site, port = two_ports()
    said = tmp_path / "said.txt"
    ours = {"DJANGO_SETTINGS_MODULE": "quimbi.settings", "QUIMBI_VAR": str(tmp_path / "var"), "QUIMBI_MCP_PORT": str(port)}
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}} | ours
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(site)],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: "Stop with Ctrl-C" in said.read_text() or process.poll() is not None, "the site to be up")
        url = f"http://localhost:{port}/mcp"
        assert url in said.read_text()
        key = said.read_text().split("API key:")[1].split()[0]

        async def overview(client):
            return await client.call_tool("churn_overview", {})

        wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the MCP server to listen")
        answer = ask(url, key, "auto", overview)
        assert answer.structured_content["total_customers"] == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, said.read_text()
        assert socket.socket().connect_ex(("127.0.0.1", port)) != 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
