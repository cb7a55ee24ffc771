"""The trust page before a browser: charts are drawn, nothing scrolls sideways, the policy refuses nothing."""

from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, fits, in_every_shape
from tests.predictions.told import happened, make_month, make_run, make_run_below_the_gate

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_fits_and_breaks_no_rule(site: Site):
    make_run(drift={"recency_days": 0.4, "repeats": 0.1})
    for month in range(1, 10):
        make_month(date(2026, month, 1), lapse_30=happened(400, 380, 600), churn=happened(1500, 1455, 500))
    page = site.page
    site.open("/predictions/")
    for shape in in_every_shape(page, (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 320))):
        expect(page.locator("[data-chart][data-ready='1'] svg")).to_have_count(2)
        page.locator("[data-chart]").first.hover()  # the tooltip is where ECharts would write styles
        for closed in page.locator("main details > summary").all():
            closed.click()
        assert fits(page), shape
        assert page.evaluate("window.__violations") == [], shape


def test_a_level_leads_to_its_customers_and_keys_lead_here(site: Site):
    make_run()
    page = site.page
    site.open("/customers/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="How good are these numbers")).to_be_visible()
    page.get_by_role("link", name="See the 500 customers at critical level").click()
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()


def test_below_a_gate_there_is_one_card(site: Site):
    make_run_below_the_gate()
    site.open("/predictions/")
    expect(site.page.locator("main .card")).to_have_count(1)
    assert site.page.evaluate("window.__violations") == []
