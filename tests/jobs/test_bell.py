"""A broker that is full, hung or gone costs a person a quarter of a second at most, and no job."""

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid

import pytest
import redis

from jobs import bell
from jobs.models import Job
from jobs.running import start
from quimbi import checks
from quimbi.celery import app
from tests.jobs.conftest import wait_for


@pytest.fixture
def own_redis(settings, tmp_path):
    """A Redis of this test's own, which it may stop, fill and kill."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL
    )
    client = redis.Redis(port=port)

    def is_up():
        try:
            return client.ping()
        except redis.ConnectionError:
            return False

    wait_for(is_up, "redis-server")
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    before, options = app.conf.broker_url, app.conf.broker_transport_options
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 0.25, "max_retries": 0}
    app.conf.broker_url = app.conf.broker_write_url = settings.REDIS_URL
    yield server, client
    app.conf.broker_url, app.conf.broker_transport_options = before, options
    app.conf.broker_write_url = None
    server.send_signal(signal.SIGCONT)
    server.kill()
    server.wait()


def test_a_hung_redis_is_given_up_quickly_and_then_left_alone(own_redis, monkeypatch):
    server, client = own_redis
    assert bell.ring([uuid.uuid4()]) == 1
    assert client.llen("celery") == 1
    os.kill(server.pid, signal.SIGSTOP)
    waited = []
    monkeypatch.setattr(socket.socket, "settimeout", _listening(socket.socket.settimeout, waited))
    assert bell.ring([uuid.uuid4()]) == 0
    assert waited
    assert max(seconds for seconds in waited if seconds is not None) <= 0.25
    assert bell._quiet_until > time.monotonic()
    waited.clear()
    assert bell.ring([uuid.uuid4()]) == 0
    assert waited == []
    os.kill(server.pid, signal.SIGCONT)
    bell._quiet_until = 0.0
    assert bell.ring([uuid.uuid4()]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_full_redis_keeps_no_job_from_being_written_down(own_redis):
    _, client = own_redis
    client.config_set("maxmemory", "1mb")
    assert Job.objects.get(pk=start("sum", "Add up", {}).pk).state == "queued"


def test_a_redis_that_may_throw_jobs_away_is_refused(own_redis):
    _, client = own_redis
    assert list(checks.broker_refused()) == []
    client.config_set("maxmemory-policy", "allkeys-lru")
    (line,) = checks.broker_refused()
    assert "allkeys-lru" in line
    assert "noeviction" in line


def test_a_redis_that_does_not_answer_is_only_mentioned(own_redis, capsys):
    server, _ = own_redis
    server.kill()
    server.wait()
    assert list(checks.broker_refused()) == []
    assert "does not answer" in capsys.readouterr().err


def _listening(original, heard):
    def settimeout(self, seconds):
        heard.append(seconds)
        return original(self, seconds)

    return settimeout
