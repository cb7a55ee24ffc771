"""Chromium before a site of its own, with a small shop in it and somebody signed in."""

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from accounts.models import User
from customers.models import Customer
from tests.factories import make_customer, make_shop, make_ticket
from tests.segments import publish


@dataclass(frozen=True)
class Site:
    """A page of the browser, the site's address, and the customer whom the tests look at."""

    page: Page
    address: str
    sarah: Customer

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")


@pytest.fixture
def shop_with_customers(transactional_db: None) -> Customer:
    make_shop()
    User.objects.create_user("ines", password="sewing-room-7", first_name="Ines", last_name="Park", role=User.Role.MARKETER)
    sarah = make_customer("Sarah Whitcombe", orders=12)
    make_ticket(sarah, subject="Thread dye lot question")
    others = [make_customer(f"Ada Holm {number}", orders=1) for number in range(3)]
    publish(sarah, *others)
    make_customer("Noah Lind")
    return sarah


@pytest.fixture
def site(live_server, page: Page, console_and_csp: list[str], shop_with_customers: Customer) -> Site:
    """Signed in; at its end nothing may have been refused by the policy or written to the console."""
    client = Client()
    client.force_login(User.objects.get(username="ines"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return Site(page, live_server.url, shop_with_customers)
