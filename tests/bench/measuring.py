"""Clocks, peak memory and a database of one's own for the benchmark."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
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


def in_turn(works: Mapping[str, Callable[[], Timing]], rounds: int) -> dict[str, Timing]:
    """All of `works` after each other, round after round, so that a machine that slows down slows all of them."""
    found: dict[str, list[Timing]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(work())
    return {
        name: Timing([second for each in timings for second in each.seconds], max(each.peak_mb for each in timings))
        for name, timings in found.items()
    }


def timed(work: Callable[[], object]) -> Timing:
    """Run `work` once in this process."""
    begun = time.perf_counter()
    work()
    return Timing([time.perf_counter() - begun])


def timed_process(function: str, *arguments: str, url: str) -> Timing:
    """Run `module:function` once in a fresh process; the clock starts when Django is up.

    A process of its own, because peak memory is a property of a process and caches are not the product's.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.process", function, *arguments],
        cwd=ROOT,
        env=environment(url),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    return Timing([report["seconds"]], report["peak_mb"])


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
