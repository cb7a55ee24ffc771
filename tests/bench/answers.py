"""The profile endpoint beside a view that only passes stored JSON on: same server, same key check, same middleware."""

import random
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection

from tests.bench.measuring import ROOT, Timing, environment

SECONDS = 6.0
CONNECTIONS = 4
SAMPLE = 2_000


def prepare() -> tuple[str, list[str]]:
    """An API key, and ids whose profiles lie as bytes in a table; Django must be set up."""
    from django.db import connection

    from accounts.models import ApiKey
    from customers.models import Customer
    from tests.bench.urls import STORED

    _, secret = ApiKey.issue("benchmark", ["read"], requests_a_minute=1_000_000, customers_a_day=0)
    ids = list(Customer.objects.buyers().values_list("customer_id", flat=True)[:SAMPLE])
    body = b'{"customer_id": "1", ' + b'"padding": "' + b"x" * 3_000 + b'"}'
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {STORED} (customer_id varchar(64) PRIMARY KEY, body bytea)")
        cursor.execute(f"TRUNCATE {STORED}")
        cursor.executemany(f"INSERT INTO {STORED} VALUES (%s, %s)", [(i, body) for i in ids])
    return secret, ids


def measure(url: str, rounds: int) -> dict[str, Timing]:
    """Seconds a request (all connections together) of both, in turn, and the list pages' first page."""
    secret, ids = prepare()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "quimbi.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"),
            *("--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "error"),
        ],
        cwd=ROOT,
        env={**environment(url), "DJANGO_SETTINGS_MODULE": "tests.bench.settings"},
    )
    try:
        _wait_for(port)
        found: dict[str, list[float]] = {"stored_json": [], "profile": []}
        for _ in range(rounds):
            for name, path in (("stored_json", "/bench/stored/"), ("profile", "/api/mcp/customer/")):
                found[name].append(_seconds_a_request(port, path, ids, secret))
        return {name: Timing(seconds) for name, seconds in found.items()}
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the site did not start")


def _seconds_a_request(port: int, path: str, ids: list[str], secret: str) -> float:
    counts = [0] * CONNECTIONS
    stop_at = time.perf_counter() + SECONDS

    def ask(number: int) -> None:
        dice = random.Random(number)
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        while time.perf_counter() < stop_at:
            connection.request("GET", path + dice.choice(ids), headers={"X-API-Key": secret})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}")
            counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begun) / max(sum(counts), 1)
