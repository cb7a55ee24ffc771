"""A bell that has not been sulking, reports without delay, and real workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings

from jobs import bell, reporting, running

QUICK = {"QUIMBI_JOB_LEASE_SECONDS": "3", "QUIMBI_JOB_SWEEP_SECONDS": "1", "QUIMBI_JOB_RING_AGAIN_SECONDS": "1"}


@pytest.fixture(autouse=True)
def fresh_process_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    monkeypatch.setattr(running, "_work", dict(running._work))
    yield
    reporting.worker_is_stopping.clear()


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids that the bell was rung for; no broker is asked."""
    heard: list[Any] = []
    monkeypatch.setattr(bell, "ring", lambda ids: heard.extend(ids) or len(heard))
    return heard


class Queue:
    """The broker that this run uses, seen from outside."""

    def lose_everything(self) -> None:
        if django_settings.REDIS_URL:
            redis.Redis.from_url(django_settings.REDIS_URL).flushdb()
        else:
            for message in django_settings.QUEUE_FOLDER.glob("*.msg"):
                message.unlink()

    def length(self) -> int:
        if django_settings.REDIS_URL:
            return int(redis.Redis.from_url(django_settings.REDIS_URL).llen("celery"))
        return len(list(django_settings.QUEUE_FOLDER.glob("*.msg")))


@pytest.fixture
def queue() -> Queue:
    queue = Queue()
    queue.lose_everything()
    return queue


class Workers:
    """Starts real workers that know `tests.jobs.work`; they are killed at the end whatever happens."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        beat = str(self.folder / f"beat-{len(self.running)}")
        flags = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "quimbi", "worker", "--beat", "--schedule", beat, *flags]
        worker = subprocess.Popen(
            [*command, "--include", "tests.jobs.work", "--hostname", f"w{len(self.running)}@%h"],
            cwd=django_settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"worker-{len(self.running)}.log").open("wb"),
        )
        self.running.append(worker)
        return worker

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


@pytest.fixture
def workers(process_environment: dict[str, str], tmp_path: Path, queue: Queue) -> Iterator[Workers]:
    workers = Workers({**process_environment, **QUICK}, tmp_path)
    yield workers
    for worker in workers.running:
        if worker.poll() is None:
            workers.kill(worker)


def wait_for(happened: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    """Poll until `happened()`; fail with `what` was missing. The limit is for a machine that hangs, not a measure."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for {what}; load {os.getloadavg()[0]:.1f}")
        time.sleep(0.05)
