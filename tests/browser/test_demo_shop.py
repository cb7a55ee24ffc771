"""The demo shop in a browser: what a visitor sees after `make demo`, and the README's pictures."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from customers.models import Customer
from predictions.runs import predict_everyone
from quimbi.demo import shop
from quimbi.demo.showcase import NEWCOMER_ID, REGULAR_ID
from segmentation.runs import segment_everyone
from tests.browser.conftest import Site, sign_in
from tests.emptying import kept_rows
from tests.factories import NOW

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = os.environ.get("QUIMBI_SHOTS", "")


def keep(page: Page, name: str) -> None:
    """A picture for the README, if it is asked for."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Six hundred invented customers, segmented and scored, and a marketer: for all tests of this file, which only read."""
    with kept_rows(django_db_blocker, invent):
        yield


def invent() -> None:
    shop.seed(600, 1, NOW)
    segment_everyone(NOW)
    predict_everyone(NOW)
    User.objects.create_user("ines", first_name="Ines", last_name="Park", role=User.Role.MARKETER)


@pytest.fixture
def demo_shop(live_server, rows: None, page: Page, console_and_csp: list[str]) -> Site:
    """The marketer is signed in."""
    sign_in(page, live_server.url, User.objects.get())
    return Site(page, live_server.url, Customer.objects.get(customer_id=REGULAR_ID))


def test_the_regular_of_the_demo_shop_reads_as_a_marketer_would(demo_shop):
    page: Page = demo_shop.page
    page.set_viewport_size({"width": 1440, "height": 1400})
    demo_shop.open(f"/customers/{REGULAR_ID}/")
    expect(page.get_by_role("heading", name="Odalys Fernwhistle")).to_be_visible()
    expect(page.locator(".q-axis")).to_have_count(13)
    expect(page.get_by_text("Full-price buyer").or_(page.get_by_text("Occasional saver")).first).to_be_visible()
    expect(page.get_by_text("of segmented customers")).to_be_visible()
    page.wait_for_selector("[data-chart] svg")
    expect(page.get_by_text("Points add up to the score")).to_be_visible()
    expect(page.get_by_role("heading", name="Recommended actions")).to_be_visible()
    keep(page, "customer-360")
    assert page.evaluate("window.__violations") == []


def test_who_to_rescue_first_is_one_click_away_and_the_most_expected_spend_leads(demo_shop):
    page: Page = demo_shop.page
    page.set_viewport_size({"width": 1440, "height": 1000})
    demo_shop.open("/customers/")
    page.get_by_role("link", name="Rescue first").click()
    expect(page.get_by_text("most expected spend first")).to_be_visible()
    at_risk = page.locator("tbody tr td:nth-child(4)").all_inner_texts()
    amounts = [int("".join(sign for sign in text if sign.isdigit()) or 0) for text in at_risk]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[0] > 0
    keep(page, "rescue-first")


def test_the_trust_page_answers_in_one_sentence_and_draws_what_was_said_against_what_happened(demo_shop):
    page: Page = demo_shop.page
    page.set_viewport_size({"width": 1440, "height": 1400})
    demo_shop.open("/predictions/")
    expect(page.get_by_text("Tested on this shop’s own past").or_(page.get_by_text("Of 100 customers")).first).to_be_visible()
    page.wait_for_selector("[data-chart] svg")
    keep(page, "trust")
    assert page.evaluate("window.__violations") == []


def test_the_newcomer_of_the_demo_shop_awaits_a_first_purchase(demo_shop):
    demo_shop.open(f"/customers/{NEWCOMER_ID}/")
    expect(demo_shop.page.get_by_text("Awaiting first purchase to analyze behavior").first).to_be_visible()


def test_the_archetypes_of_the_demo_shop_fit_a_phone(demo_shop):
    page: Page = demo_shop.page
    page.set_viewport_size({"width": 390, "height": 844})
    demo_shop.open("/archetypes/")
    expect(page.get_by_role("heading", name="Archetypes")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "archetypes-390.png"))
    page.set_viewport_size({"width": 1440, "height": 1100})
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "archetypes.png"))
