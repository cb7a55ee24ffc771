"""The growth page in a browser: its chart, and that a changed rate redraws it in place."""

import re

import pytest
from playwright.sync_api import expect

from segmentation.models import Archetype, ArchetypeSnapshot
from tests.browser.conftest import Site, fits, in_every_shape
from tests.browser.test_pages import keep
from tests.growing import keep_months, keep_moves, score_everybody

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def growing(site: Site) -> Site:
    october = keep_months(30)[-1]
    score_everybody(active=october.active_after + 30, lapsed=october.lapsed_after)
    largest = ArchetypeSnapshot.objects.get()
    ArchetypeSnapshot.objects.update(member_count=600)
    smaller = Archetype.objects.create(archetype_id="arch_22222222", name="Twice-a-Year Weekday Planner", signature={})
    ArchetypeSnapshot.objects.create(
        **{
            field.name: getattr(largest, field.name)
            for field in ArchetypeSnapshot._meta.fields
            if field.name not in {"id", "archetype", "member_count"}
        },
        archetype=smaller,
        member_count=300,
    )
    one, other = largest.archetype.archetype_id, smaller.archetype_id
    keep_moves((one, one, 560), (one, other, 40), (other, other, 300), ("", one, 30))
    return site


def test_growth_fits_and_breaks_no_rule(growing: Site):
    page = growing.page
    growing.open("/growth/")
    for theme, width in in_every_shape(page):
        expect(page.locator("[data-chart] svg")).to_be_visible()
        page.locator("[data-chart]").hover()
        assert fits(page), (theme, width)
        assert page.evaluate("window.__violations") == [], (theme, width)
        keep(page, f"growth-{width}-{theme}")


def test_a_changed_rate_redraws_the_chart_in_place(growing: Site):
    page = growing.page
    growing.open("/customers/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Growth", exact=True)).to_be_visible()
    expect(page.locator("[data-chart][data-ready='1'] svg")).to_be_visible()
    page.get_by_label("Churn a month, %").fill("1")
    page.get_by_label("Months ahead", exact=True).last.fill("24")
    page.get_by_role("button", name="Project").click()
    expect(page).to_have_url(re.compile(r"churn=1&.*months=24"))
    expect(page.get_by_text("24 months ahead")).to_be_visible()
    expect(page.locator("[data-chart][data-ready='1'] svg")).to_be_visible()
    page.set_viewport_size({"width": 900, "height": 800})
    page.get_by_role("link", name="Back to the shop’s own").click()
    expect(page.get_by_text("Back to the shop’s own")).to_be_hidden()
    assert page.evaluate("window.__violations") == []


def test_on_the_smallest_phone_nothing_scrolls_sideways_and_fingers_hit(growing: Site):
    page = growing.page
    page.set_viewport_size({"width": 320, "height": 700})
    growing.open("/growth/?churn=2")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    small = (
        "[...document.querySelectorAll('main :is(.btn, .q-link, summary, select)')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 31.5).map(e => e.outerHTML)"
    )
    assert page.evaluate(small) == []
