"""Clocks, peak memory and a database of one's own for the benchmark."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
SERVER = os.environ.get("BENCH_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/quimbi_bench")


@dataclass(frozen=True)
class Timing:
    """Seconds of each round and the largest resident memory in MB of any of them."""

    seconds: list[float]
    peak_mb: float = 0.0

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.seconds)


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> Timing:
    """Run `work` some times in this process."""
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return Timing(seconds)


def timed_process(function: str, *arguments: str, url: str, rounds: int = ROUNDS) -> Timing:
    """Run `module:function` in a fresh process each round; the clock starts when Django is up.

    A process of its own, because peak memory is a property of a process and caches are not the product's.
    """
    reports = [_report(function, arguments, url) for _ in range(rounds)]
    return Timing([r["seconds"] for r in reports], max(r["peak_mb"] for r in reports))


def _report(function: str, arguments: tuple[str, ...], url: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.process", function, *arguments],
        cwd=ROOT,
        env=environment(url),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def manage(*arguments: str, url: str) -> None:
    """`manage.py` on the database at `url`."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment(url), check=True)


def environment(url: str) -> dict[str, str]:
    """For a process that works on the database at `url`; it may keep its bytecode, as a server does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "DATABASE_URL": url, "QUIMBI_VAR": str(ROOT / "var" / "bench"), "LOG_LEVEL": "ERROR"}


def database(name: str) -> str:
    """The URL of a database on the benchmark's server, made if it is not there."""
    parts = urlsplit(SERVER)
    url = urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(f'CREATE DATABASE "{name}"')
    return url
