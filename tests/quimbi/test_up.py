"""`manage.py up` as a person runs it: real processes, a folder and a port of their own."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiKey, User
from quimbi.first_login import first_login
from tests.jobs.conftest import wait_for
from tests.mcp.conftest import ask


@pytest.fixture
def ports():
    """Two that nobody listens at: for the site and for the MCP server."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


class Up:
    """One run of the command."""

    def __init__(self, folder, port, **variables):
        self.port, self.said = port, folder / f"said-{len(list(folder.glob('said-*')))}.txt"
        environment = {
            **{name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}},
            "DJANGO_SETTINGS_MODULE": "quimbi.settings",
            "QUIMBI_VAR": str(folder / "var"),
            **variables,
        }
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port)],
                cwd=django_settings.BASE_DIR,
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def wait_until_ready(self):
        wait_for(lambda: "Stop with Ctrl-C" in self.text() or self.process.poll() is not None, "the site to be up")
        assert self.process.poll() is None, self.text()

    def text(self):
        return self.said.read_text()

    def children(self):
        """Process ids of the site, of the worker and of the MCP server by their command lines."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid), "-a"], capture_output=True, text=True).stdout
        found = {}
        for line in listed.splitlines():
            found["worker" if "celery" in line else "MCP server" if " mcp" in line else "site"] = int(line.split()[0])
        return found

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def up(tmp_path, ports):
    runs = []

    def start(**variables):
        runs.append(Up(tmp_path, ports[0], **variables))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def is_listening(port):
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.worker
def test_up_serves_people_and_assistants_stops_cleanly_prints_the_same_login_again_and_falls_with_its_worker(
    up, tmp_path, ports
):
    port, mcp_port = ports
    first = up(QUIMBI_MCP_PORT=str(mcp_port))
    first.wait_until_ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=10) as page:
        assert page.status == 200
    greeting = first.text()
    assert f"http://localhost:{port}/" in greeting
    assert re.search(r"login: +admin +password: \S{12}", greeting)
    assert re.search(r"webhook token: +\S{43}", greeting)
    kept = tmp_path / "var" / "first-login.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    children = first.children()
    assert set(children) == {"site", "worker", "MCP server"}

    mcp = f"http://localhost:{mcp_port}/mcp"
    assert mcp in greeting
    wait_for(lambda: is_listening(mcp_port), "the MCP server to listen")
    answer = ask(mcp, re.search(r"API key: +(qk_\S+)", greeting)[1], "auto", overview)
    assert answer.structured_content["total_customers"] == 0

    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(30) == 0, first.text()
    assert all(is_gone(pid) for pid in children.values())
    assert not is_listening(mcp_port)
    assert "Traceback" not in first.text()

    second = up()
    second.wait_until_ready()
    assert second.text().splitlines() == [line for line in greeting.splitlines() if "for assistants" not in line]
    assert set(second.children()) == {"site", "worker"}
    os.kill(second.children()["worker"], signal.SIGKILL)
    assert second.process.wait(30) == 1
    assert "The worker ended by itself (signal 9)" in second.text()


async def overview(client):
    return await client.call_tool("churn_overview", {})


def test_a_demo_is_refused_in_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError):
        call_command("up", demo=True)


def test_a_port_that_is_taken_is_answered_in_one_sentence():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be used.*choose another"):
            call_command("up", port=port)


def test_a_port_that_cannot_be_is_answered_in_one_sentence():
    with pytest.raises(CommandError, match="Port 70000 cannot be used"):
        call_command("up", port=70000)


@pytest.mark.django_db
def test_the_first_login_works_and_is_kept(tmp_path, client):
    now = timezone.now()
    login = first_login(tmp_path, now)
    assert client.login(username=login.username, password=login.password)
    assert User.objects.get().may_change_data
    assert ApiKey.objects.get().digest == ApiKey.digest_of(login.api_key)
    assert first_login(tmp_path, now) == login
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_a_password_that_was_changed_is_not_printed(tmp_path):
    first_login(tmp_path, timezone.now())
    admin = User.objects.get()
    admin.set_password("my own choice")
    admin.save()
    assert first_login(tmp_path, timezone.now()).password == ""
    assert "my own choice" not in (tmp_path / "first-login.json").read_text()


@pytest.mark.django_db
def test_an_admin_who_was_there_before_is_left_alone(tmp_path):
    ada = User.objects.create_superuser("ada", "", "her own choice")
    login = first_login(tmp_path, timezone.now())
    assert (login.username, login.password) == ("ada", "")
    ada.refresh_from_db()
    assert ada.check_password("her own choice")
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_key_that_has_run_out_is_replaced(tmp_path):
    now = timezone.now()
    old = first_login(tmp_path, now).api_key
    new = first_login(tmp_path, now + timedelta(days=400)).api_key
    assert new != old


@pytest.mark.django_db
def test_a_kept_login_that_is_damaged_is_made_anew(tmp_path):
    (tmp_path / "first-login.json").write_text("{not json")
    login = first_login(tmp_path, timezone.now())
    assert json.loads((tmp_path / "first-login.json").read_text())["password"] == login.password
