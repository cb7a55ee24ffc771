"""Every read of the API over HTTP: beside a view that only passes stored JSON on, and in a shop of a tenth beside the whole.

Same server, same key check, same middleware, four connections kept open; each shop has its own server.
"""

import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.bench.measuring import ROOT, environment

SECONDS = 6.0
SECONDS_OF_OTHERS = 3.0
CONNECTIONS = 4
SAMPLE = 2_000
STORED, PROFILE, LIST = "stored JSON passed on", "profile", "list of 50"

READS = {
    STORED: "/bench/stored/{customer}",
    PROFILE: "/api/mcp/customer/{customer}",
    LIST: "/api/mcp/customers?limit=50",
    "list of 50, lapse risk from .5, by value at risk": "/api/mcp/customers?limit=50&lapse_risk_min=0.5&sort=value_at_risk",
    "members of an archetype": "/api/mcp/archetypes/{archetype}/members?limit=50",
    "orders of a customer": "/api/mcp/customer/{customer}/orders",
    "churn risk of a customer": "/api/mcp/customer/{customer}/churn-risk",
    "card of a customer": "/api/mcp/customer/{customer}/card",
    "a random customer": "/api/mcp/customer/random",
    "look-up by e-mail": "/api/mcp/customer/lookup?email={email}",
    "top archetypes": "/api/mcp/archetypes/top",
    "an archetype": "/api/mcp/archetypes/{archetype}",
    "movement of an archetype": "/api/mcp/archetypes/{archetype}/movement",
    "churn aggregate": "/api/mcp/churn/aggregate",
    "growth projection": "/api/mcp/growth/projection",
    "growth of archetypes": "/api/mcp/archetypes/growth-projection",
    "trust": "/api/mcp/predictions/trust",
    "runs of the segmentation": "/api/mcp/segmentation/runs",
    "runs of the predictions": "/api/mcp/predictions/runs",
    "health": "/health",
}
"""What is asked for, by its name in the table."""


@dataclass(frozen=True)
class Shop:
    """What requests to one shop may name."""

    key: str
    customers: list[str]
    archetypes: list[str]
    emails: list[str]

    def address(self, pattern: str, dice: random.Random) -> str:
        """The pattern with a customer, an archetype and an e-mail address of the shop."""
        chosen = {"customer": self.customers, "archetype": self.archetypes, "email": self.emails}
        return pattern.format(**{name: dice.choice(each) for name, each in chosen.items()})


@dataclass
class Answered:
    """Seconds of every answer, and how many came a second in each round."""

    seconds: list[float] = field(default_factory=list)
    a_second: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second on all connections together, the median of the rounds."""
        return statistics.median(self.a_second)

    def percentile(self, share: float) -> float:
        """Seconds within which `share` of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Exported:
    """An export of everybody: seconds, bytes, and by how many MB the server's largest process grew meanwhile."""

    seconds: float
    mb: float
    grown_mb: float


def measure(url: str, rounds: int) -> tuple[dict[str, Answered], Exported]:
    """Ask for everything in `READS` in turn, each round anew, then export the shop once."""
    shop = _prepared(url)
    found = {name: Answered() for name in READS}
    with _server(url) as (port, process):
        for pattern in READS.values():
            _ask(port, pattern, shop, 0.3, Answered())
        for round_number in range(rounds):
            for name, pattern in READS.items():
                seconds = SECONDS if name in {STORED, PROFILE, LIST} else SECONDS_OF_OTHERS
                _ask(port, pattern, shop, seconds, found[name], seed=round_number)
        return found, _export(port, shop, process.pid)


def prepare() -> None:
    """Print, as JSON, a key and what requests may name; store profiles' bytes. Runs in a process of its own."""
    from django.db import connection

    from accounts.models import ApiKey
    from customers.models import Customer
    from segmentation.models import ActiveRun
    from tests.bench.urls import STORED_PROFILES

    _, secret = ApiKey.issue("benchmark", ["read", "read:pii"], requests_a_minute=1_000_000, customers_a_day=0)
    buyers = list(Customer.objects.buyers().order_by("pk").values_list("customer_id", "email")[: SAMPLE * 4 : 4])
    run = ActiveRun.current()
    assert run is not None, "segment the shop first"
    archetypes = run.archetypes.order_by("-member_count").values_list("archetype__archetype_id", flat=True)
    body = b'{"customer_id": "1", ' + b'"padding": "' + b"x" * 3_000 + b'"}'
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {STORED_PROFILES} (customer_id varchar(64) PRIMARY KEY, body bytea)")
        cursor.execute(f"TRUNCATE {STORED_PROFILES}")
        cursor.executemany(f"INSERT INTO {STORED_PROFILES} VALUES (%s, %s)", [(each, body) for each, _ in buyers])
        cursor.execute(f"ANALYZE {STORED_PROFILES}")
    named = {"customers": [each for each, _ in buyers], "emails": [email for _, email in buyers if email]}
    print(json.dumps({"key": secret, "archetypes": list(archetypes[:20]), **named}))


def _prepared(url: str) -> Shop:
    code = "import django; django.setup(); from tests.bench.answers import prepare; prepare()"
    where = {**environment(url), "DJANGO_SETTINGS_MODULE": "quimbi.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=where, stdout=subprocess.PIPE, check=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Shop(**told)


@contextmanager
def _server(url: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The site as `up` starts it, with the benchmark's extra address."""
    from quimbi.processes import web

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        web(f"127.0.0.1:{port}"), cwd=ROOT, env={**environment(url), "DJANGO_SETTINGS_MODULE": "tests.bench.settings"}
    )
    try:
        _wait_for(port)
        yield port, server
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


def _ask(port: int, pattern: str, shop: Shop, seconds: float, into: Answered, *, seed: int = 0) -> None:
    """Ask on every connection for `seconds`, one request after another on each."""
    taken: list[list[float]] = [[] for _ in range(CONNECTIONS)]
    stop_at = time.perf_counter() + seconds

    def ask(number: int) -> None:
        dice = random.Random(seed * CONNECTIONS + number)
        line = HTTPConnection("127.0.0.1", port, timeout=30)
        while (asked := time.perf_counter()) < stop_at:
            address = shop.address(pattern, dice)
            line.request("GET", address, headers={"X-API-Key": shop.key})
            answer = line.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{address} answered {answer.status}")
            taken[number].append(time.perf_counter() - asked)
        line.close()

    begun = time.perf_counter()
    _side_by_side(ask)
    into.a_second.append(sum(map(len, taken)) / (time.perf_counter() - begun))
    into.seconds.extend(each for of_one in taken for each in of_one)


def _side_by_side(ask: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(ask, range(CONNECTIONS)))


def _export(port: int, shop: Shop, pid: int) -> Exported:
    before, begun, size = _peaks(pid), time.perf_counter(), 0
    line = HTTPConnection("127.0.0.1", port, timeout=600)
    line.request("GET", "/api/mcp/export/customers?format=csv", headers={"X-API-Key": shop.key})
    answer = line.getresponse()
    while block := answer.read(1 << 16):
        size += len(block)
    seconds, after = time.perf_counter() - begun, _peaks(pid)
    return Exported(seconds, size / 1024**2, max(after[child] - before[child] for child in after))


def _peaks(pid: int) -> dict[int, float]:
    """The peak resident memory so far, in MB, of each process that the server's first one has started."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    told = {child: Path(f"/proc/{child}/status").read_text() for child in children}
    return {child: int(text.partition("VmHWM:")[2].split()[0]) / 1024 for child, text in told.items()}
