"""Chromium before a site of its own, with a small shop in it and somebody signed in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.models import User
from customers.models import Customer
from tests.factories import make_customer, make_customers, make_shop, make_ticket
from tests.segments import publish


@dataclass(frozen=True)
class Site:
    """A page of the browser, the site's address, and the customer whom the tests look at."""

    page: Page
    address: str
    sarah: Customer

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")


@pytest.fixture(scope="session")
def profile(
    browser: Browser, browser_context_args: dict[str, Any], live_server: Any, django_db_setup: None
) -> Iterator[BrowserContext]:
    """One profile of the browser for all tests of a process, with a page of the site that stays open behind theirs.

    Chromium keeps the process of a site as long as one of its pages is open, and in it the styles and scripts that it has read:
    in a profile of its own every test's first page takes three times as long. It is closed before the database goes, which its
    last connections keep open.
    """
    profile = browser.new_context(**browser_context_args)
    profile.new_page().goto(f"{live_server.url}/login/")
    yield profile
    profile.close()


@pytest.fixture
def page(profile: BrowserContext, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new page in a profile that remembers nothing; what artifacts of failures are made of needs a profile of its own."""
    options = request.config.option
    if {options.tracing, options.video, options.screenshot} != {"off"}:
        yield request.getfixturevalue("context").new_page()
        return
    page = profile.new_page()
    yield page
    behind, *others = profile.pages
    for each in (*others, *(context for context in profile.browser.contexts if context is not profile)):
        each.close()
    behind.evaluate("localStorage.clear()")
    profile.clear_cookies()
    profile.clear_permissions()
    profile.unroute_all()


SHAPES = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
"""A theme and a width: a desk and a phone, by day and by night."""


def in_every_shape(page: Page, shapes: Iterable[tuple[str, int]] = SHAPES) -> Iterator[tuple[str, int]]:
    """The open page, loaded anew by somebody who has chosen the theme, at each width.

    To be gone through in a test, and not as its parameters: each would make a shop and open a page of its own.
    """
    for theme, width in shapes:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        page.reload()
        yield theme, width


def fits(page: Page) -> bool:
    """Whether nothing scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def sign_in(page: Page, address: str, person: User) -> None:
    """Give the page the cookie of a session, without the form."""
    client = Client()
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])


@pytest.fixture
def shop_with_customers(transactional_db: None) -> Customer:
    make_shop()
    User.objects.create_user("ines", password="sewing-room-7", first_name="Ines", last_name="Park", role=User.Role.MARKETER)
    sarah = make_customer("Sarah Whitcombe", orders=12)
    make_ticket(sarah, subject="Thread dye lot question")
    others = make_customers([f"Ada Holm {number}" for number in range(3)], orders=1)
    publish(sarah, *others)
    make_customer("Noah Lind")
    return sarah


@pytest.fixture
def site(live_server, page: Page, console_and_csp: list[str], shop_with_customers: Customer) -> Site:
    """Signed in; at its end nothing may have been refused by the policy or written to the console."""
    sign_in(page, live_server.url, User.objects.get(username="ines"))
    return Site(page, live_server.url, shop_with_customers)
