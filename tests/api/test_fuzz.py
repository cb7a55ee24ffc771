"""Generated requests against the served schema: whatever is sent, no answer is a 5xx, and each is what the schema says.

`make test` sends some two thousand, always the same; `make fuzz` sends 20,000 new ones and prints the seed to repeat them.
"""

import logging
import os
import random
from collections import Counter
from io import StringIO

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.openapi.checks import RejectedPositiveData

from accounts.models import ApiKey
from customers.models import Customer
from integrations import endpoints
from integrations.events import EVENTS
from quimbi.wsgi import application
from segmentation.models import Archetype

CASES = int(os.environ.get("QUIMBI_FUZZ_CASES", "0"))
SEED = int(os.environ.get("QUIMBI_FUZZ_SEED", "0")) or (random.SystemRandom().randrange(1, 2**32) if CASES else 1)
CALLERS = {"nobody": ((), 2), "a reader": (("read",), 4), "all scopes": (tuple(ApiKey.Scope.values), 8)}
"""Scopes, and cases a round for each operation and way of generating."""
# What a schema cannot tell: that one parameter fits another, or that a text was given out by us or leads somewhere.
BEYOND_A_SCHEMA = {
    "archetype_id", "axis", "churn_risk_max", "cursor", "email", "end_date", "lapse_risk_max", "membership_min", "phone",
    "search_terms", "segment", "url",
}  # fmt: skip


class Asker:
    """Sends generated requests as one caller, and keeps what is wrong with the answers: the first of each kind."""

    def __init__(self, known, scopes):
        self.known, self.headers = known, {}
        self.answered, self.found = Counter(), {}
        if scopes:
            row, self.headers["X-API-Key"] = ApiKey.issue("fuzz", list(scopes), customers_a_day=0)
            ApiKey.objects.filter(pk=row.pk).update(requests_a_minute=2_000_000_000)  # what is looked for lies behind the limit

    def test_of(self, operation, mode):
        """A function of a case, for Hypothesis to call."""

        def ask(case, place):
            if mode == GenerationMode.POSITIVE and place % 5:
                # An id from the air is nobody's: most of the time ask for somebody who is there.
                for name in set(self.known) & set(case.path_parameters or {}):
                    case.path_parameters[name] = self.known[name][place % len(self.known[name])]
            answer = case.call(headers=self.headers)
            self.answered[answer.status_code] += 1
            try:
                case.validate_response(answer, excluded_checks=[schemathesis.checks.ignored_auth])
            except (FailureGroup, AssertionError) as problem:
                for each in getattr(problem, "exceptions", [problem]):
                    self._keep(each, operation, mode, case, answer)

        return ask

    def _keep(self, problem, operation, mode, case, answer):
        if isinstance(problem, RejectedPositiveData) and answer.json()["error"].get("field") in BEYOND_A_SCHEMA:
            return
        kind = f"{operation.method.upper()} {operation.path} ({mode.value}): {type(problem).__name__}"
        told = f"{problem}\n  {case.as_curl_command()}\n  {answer.status_code} {answer.text[:300]}"
        self.found.setdefault(kind, told)

    def round(self, operations, each, number):
        """So many cases of every operation, valid ones and broken ones."""
        ways = settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for operation in operations:
            # Any text is an id or a header: there is nothing to break where nothing else is asked.
            modes = GenerationMode if operation.query or operation.body else [GenerationMode.POSITIVE]
            for mode in modes:
                generated = given(operation.as_strategy(generation_mode=mode), st.integers(0, 19))
                ways(seed(number)(generated(self.test_of(operation, mode))))()


@pytest.fixture
def quiet():
    """No log: thousands of lines about what was refused."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def known(transactional_db):
    """Ids of a small demo shop, segmented and scored."""
    call_command("seed_demo", customers=400, seed=7, stdout=StringIO())
    call_command("segment", stdout=StringIO())
    call_command("predict", stdout=StringIO())
    buyers, others = Customer.objects.filter(order_count__gt=1), Customer.objects.filter(order_count=0)
    ids = [*buyers.values_list("customer_id", flat=True)[:3], others.values_list("customer_id", flat=True)[0]]
    hooks = [endpoints.add(f"https://shop.example/{place}", list(EVENTS), description="", by=None) for place in range(10)]
    return {
        "customer_id": ids,
        "archetype_id": list(Archetype.objects.values_list("archetype_id", flat=True)[:3]),
        "webhook_id": [hook.pk for hook in hooks],
        "delivery_id": [endpoints.send_test(hook).pk for hook in hooks[:3]],
    }


@pytest.fixture
def operations(known):
    """Those of the schema as a client gets it, asked of the site without a network between."""
    document = Client(headers={"X-API-Key": ApiKey.issue("fuzz", ["read"])[1]}).get("/api/schema").json()
    loaded = schemathesis.openapi.from_dict(document)
    loaded.app = application
    loaded.config.generation.update(with_security_parameters=False)
    return [found.ok() for found in loaded.get_all_operations()]


@pytest.mark.slow
@pytest.mark.timeout(7200 if CASES else 300)
def test_generated_requests_get_what_the_schema_says(operations, known, quiet):
    askers = {name: (Asker(known, scopes), each) for name, (scopes, each) in CALLERS.items()}
    number = sent = 0
    while not number or sent < CASES:
        for asker, each in askers.values():
            asker.round(operations, each, SEED + number)
        number += 1
        sent = sum(asker.answered.total() for asker, _ in askers.values())
    for name, (asker, _) in askers.items():
        print(f"\n{name}: {asker.answered.total():,} cases, {dict(sorted(asker.answered.items()))}, seed {SEED}")
    found = {f"{name}: {kind}": told for name, (asker, _) in askers.items() for kind, told in asker.found.items()}
    assert not found, "\n\n".join(f"{where}\n  {what}" for where, what in found.items())
    assert sent > 10 * len(operations)
    assert set(askers["nobody"][0].answered) == {200, 401}
