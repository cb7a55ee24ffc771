"""Every route × verb × caller: nobody, people of each role, keys of each scope, keys that have ended.

One shop for all of it, and each request undone after it. What a caller may do is declared in `declared.py`; the differences
are told together, so that a change of the rules shows as a list.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.client import ClientHandler
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import ApiKey, User
from customers.importing.rejects import path_of
from customers.models import DataImport
from integrations.models import Delivery, WebhookEndpoint, WebhookEvent
from jobs.models import Job
from tests.access.declared import (
    ADMIN,
    AGENT,
    ENDED_KEYS,
    EVERYBODY,
    MARKETER,
    NOBODY,
    PEOPLE,
    ROUTES,
    WORKING_KEYS,
    Route,
)
from tests.factories import make_customer, make_shop, make_ticket
from tests.published import publish

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DOOR = re.compile(r"/(admin/)?login/\?next=")
ONCE_ONLY = re.compile(r'"request_id": ?"[^"]*"|(?<=csrfmiddlewaretoken" value=")\w+|(?<="X-CSRFToken": ")\w+')
"""What differs between two answers that say the same."""
NOT_AN_ENDPOINT = "^api(?:/.*)?$"


@dataclass(frozen=True)
class Answer:
    """What came back, as far as it tells whether somebody was let in."""

    status: int
    location: str = ""
    body: str = ""

    @property
    def is_the_door(self) -> bool:
        """Whether the caller is asked to sign in."""
        return self.status == 302 and bool(DOOR.match(self.location))

    @property
    def lets_in(self) -> bool:
        """Whether the request was taken: done, or refused for what it says and not for who sends it."""
        return not self.is_the_door and (self.status < 400 or self.status in {400, 409, 422})

    def __str__(self) -> str:
        return f"{self.status} {self.location}".strip()


class Shop:
    """The ids of one of everything, ids of other things, and ids of nothing."""

    def __init__(self, marketer: User) -> None:
        make_shop(is_demo=True)
        published = publish()
        sarah = make_customer("Sarah Johnson", orders=1, customer_id="c1", phone="555-0100")
        published.join(sarah)
        webhook = WebhookEndpoint.objects.create(url="https://example.com/hooks", events=["segmentation.published"])
        event = WebhookEvent.objects.create(type="webhook.test", payload={})
        delivery = Delivery.objects.create(endpoint=webhook, event=event, state="delivered", next_attempt_at=None)
        job = Job.objects.create(kind="segment", title="Segmentation", state=Job.State.FAILED)
        token = "7" * 32
        DataImport.objects.create(token=token, kind="orders", path="/none", original_name="orders.csv", created_by=marketer)
        path_of(token).parent.mkdir(parents=True, exist_ok=True)
        path_of(token).write_text("line,column,reason\n")
        key = ApiKey.issue("dashboard", ["read"])[0]
        self.ids = {
            "customer": sarah.customer_id,
            "archetype": published.archetype.archetype_id,
            "ticket": str(make_ticket(sarah).pk),
            "job": str(job.pk),
            "import": token,
            "webhook": webhook.pk,
            "delivery": delivery.pk,
            "key": key.prefix,
        }
        self.missing = {
            **{"customer": "c0", "archetype": "arch_00000000", "ticket": "999999", "import": "0" * 32, "key": "qk_00000000"},
            **{"job": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "webhook": "wh_" + "0" * 32, "delivery": "dlv_" + "0" * 32},
        }
        self.foreign = {
            **{"customer": self.ids["archetype"], "archetype": self.ids["customer"], "import": str(job.pk.hex)},
            **{"webhook": delivery.pk, "delivery": webhook.pk, "key": webhook.pk, "ticket": "888888"},
            **{"job": str(uuid.UUID(token))},
        }


@pytest.fixture
def people() -> dict[str, User]:
    return {role: User.objects.create_user(role, role=role) for role in User.Role.values}


@pytest.fixture
def shop(people) -> Shop:
    return Shop(people[MARKETER])


class Caller(RequestFactory):
    """Somebody who sends what it is told to with the headers and cookies that it was made with, and keeps nothing of an answer.

    One site answers all callers: a test client would start the middleware anew, which takes as long as most requests.
    """

    site = ClientHandler(enforce_csrf_checks=False)

    def request(self, **request: object) -> HttpResponse:
        return self.site(self._base_environ(**request))


@pytest.fixture
def callers(people, settings) -> dict[str, Caller]:
    settings.API_REQUESTS_A_MINUTE = 1_000_000

    def with_key(**ended: object) -> Callable[..., Caller]:
        def of(*scopes: str, origins: tuple[str, ...] = ()) -> Caller:
            row, secret = ApiKey.issue("test", list(scopes), origins=list(origins), requests_a_minute=1_000_000)
            ApiKey.objects.filter(pk=row.pk).update(**{"last_used_at": timezone.now() + timedelta(hours=1), **ended})
            return Caller(headers={"X-API-Key": secret})

        return of

    def signed_in(person: User) -> Caller:
        client, caller = Client(), Caller()
        client.force_login(person)
        caller.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
        return caller

    every_scope, just_now = ApiKey.Scope.values, timezone.now() - timedelta(seconds=1)
    return {
        NOBODY: Caller(),
        **{role: signed_in(person) for role, person in people.items()},
        **{f"key {scope}": with_key()(scope) for scope in every_scope},
        "key for pages": with_key()("read", origins=("https://shop.example",)),
        "key expired": with_key(expires_at=just_now)(*every_scope),
        "key revoked": with_key(revoked_at=just_now)(*every_scope),
    }


def ask(caller: Caller, verb: str, address: str, *, is_api: bool, body: dict[str, object]) -> Answer:
    """The answer to one request, whatever it did undone."""
    content: dict[str, object] = {"data": body, "content_type": "application/json"} if is_api else {"data": body}
    if verb in {"GET", "HEAD", "OPTIONS"} or (verb in {"PUT", "PATCH", "DELETE"} and not is_api):
        content = {}
    with transaction.atomic():
        got = getattr(caller, verb.lower())(address, **content)
        text = got.getvalue().decode()
        connection.set_rollback(True)
    return Answer(got.status_code, got.headers.get("Location", ""), ONCE_ONLY.sub("", text).replace(address, ""))


def refused_rightly(answer: Answer, route: Route, caller: str) -> bool:
    """Whether the answer tells this caller to sign in, to send a key, or that it may not; and nothing else."""
    if not route.is_api:
        return answer.status == 403 if caller in PEOPLE else answer.is_the_door
    return answer.status == (401 if caller == NOBODY or caller in ENDED_KEYS else 403)


def differences(route: Route, callers: dict[str, Caller], shop: Shop) -> Iterator[str]:
    """Each way in which the route does not keep to what it declares."""
    address = route.address.format(**shop.ids)
    nowhere, elsewhere = route.address.format(**shop.missing), route.address.format(**shop.foreign)
    for caller, sender in callers.items():
        for verb in VERBS:
            who = route.verbs.get("GET" if verb == "HEAD" else verb)
            answer = ask(sender, verb, address, is_api=route.is_api, body=route.body)
            told = f"{verb} {address} by {caller}: {answer}"
            if answer.status >= 500:
                yield told
            elif who is None:
                if answer.lets_in and verb != "OPTIONS":
                    yield f"{told}, though the route does not declare {verb}"
            elif caller in who:
                if not answer.lets_in and not (verb == "HEAD" and answer.status == 405):
                    yield f"{told}, though it is let in"
            elif not refused_rightly(answer, route, caller) and answer.status != 405:
                yield f"{told}, though it is not let in"
            if nowhere == address or who is None or verb == "HEAD":
                continue
            missing, foreign = (ask(sender, verb, each, is_api=route.is_api, body=route.body) for each in (nowhere, elsewhere))
            if missing.status != foreign.status:
                yield f"{told}; but a missing id {missing} and a foreign one {foreign}"
            elif caller in who and missing.status != 404:
                yield f"{told}; but a missing id {missing}"
            elif caller not in who and (missing.status, missing.body) != (answer.status, answer.body):
                yield f"{told}; but a missing id {missing}, which tells ids apart"


@pytest.mark.parametrize("part", ["api", "pages"])
def test_every_route_lets_in_whom_it_declares_and_nobody_else(part, callers, shop):
    routes = [route for route in ROUTES if route.is_api == (part == "api")]
    told = [line for route in routes for line in differences(route, callers, shop)]
    assert not told, "\n".join(told)


def test_every_route_is_declared():
    assert sorted({route.name for route in ROUTES}) == sorted(set(served()) - {NOT_AN_ENDPOINT})


def test_every_role_and_scope_is_a_caller(callers):
    assert set(callers) == EVERYBODY
    assert {f"key {scope}" for scope in ApiKey.Scope.values} | {"key for pages"} == WORKING_KEYS
    assert set(User.Role.values) == PEOPLE == {AGENT, MARKETER, ADMIN}


def test_the_admin_is_closed_to_everybody_but_admins(callers, shop):
    refused = [
        f"{verb} {address} by {caller}: {answer}"
        for caller, sender in callers.items()
        if caller != ADMIN
        for address in admin_addresses()
        for verb in (("GET", "POST") if caller in PEOPLE else ("GET",))
        if not (answer := ask(sender, verb, address, is_api=False, body={})).is_the_door and answer.status != 403
    ]
    assert refused == []


def served(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[str]:
    """The name of every route but the Django admin's; the pattern of one that has none."""
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or str(pattern.pattern)
        elif pattern.app_name != "admin":
            yield from served(pattern.url_patterns)


def admin_addresses() -> list[str]:
    """One of each of the Django admin's addresses but its door; every id is 1."""

    def of(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in patterns:
            address = before + re.sub(r"<[^>]*>", "1", str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from of(pattern.url_patterns, address)
            elif pattern.name not in {"login", "logout"} and "(?P" not in address:
                yield address

    return list(of(admin.site.get_urls(), "/admin/"))
