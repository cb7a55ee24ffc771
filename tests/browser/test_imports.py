"""The import wizard in Chromium: choose a file, match its columns, watch the job, see the customers."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import customers.tasks  # noqa: F401
import segmentation.tasks  # noqa: F401  (what a worker knows how to do)
from accounts.models import User
from jobs import running
from jobs.models import Job
from tests.browser.conftest import SHAPES, fits, sign_in
from tests.browser.test_pages import keep
from tests.factories import make_shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 900}
HEADER = "Customer Email,Order No,Placed At,Total,Lineitem,Qty,Gift note\n"
ROWS = "".join(
    f"ada{n % 60}@example.com,{87000 + n},{1 + n % 9:02d}/{1 + n % 6:02d}/2026 14:02,${18 + n % 90}.40,Thread,{1 + n % 3},\n"
    for n in range(300)
)
BROKEN = "bea@example.net,88001,31/09/2026 10:00,$12.00,Bamboo batting,1,Happy quilting!\n"


@pytest.fixture
def marketer(live_server, page: Page, console_and_csp: list[str], transactional_db: None) -> Page:
    """Signed in to a shop without customers."""
    make_shop()
    ines = User.objects.create_user("ines", first_name="Ines", last_name="Park", role=User.Role.MARKETER)
    sign_in(page, live_server.url, ines)
    return page


def test_a_file_becomes_customers(live_server, marketer: Page, tmp_path: Path):
    """By somebody on a phone; every page on the way is looked at on a desk too, by day and by night."""
    page = marketer
    page.set_viewport_size(PHONE)
    file = tmp_path / "orders-2026.csv"
    file.write_text(HEADER + ROWS[: ROWS.index("\n") + 1] + BROKEN + ROWS[ROWS.index("\n") + 1 :])

    def look(name: str) -> None:
        for theme, width in (*SHAPES[:-2], *reversed(SHAPES[-2:])):  # as it was, at the end
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({**PHONE, "width": width})
            assert fits(page), (name, theme, width)
            keep(page, f"{name}-{width}-{theme}")
        assert page.evaluate("window.__violations") == [], name

    def choose(label: str, value: str) -> None:
        # The answer replaces the form: whoever chooses again before it is there calls the first question off.
        page.evaluate("document.getElementById('match').dataset.asked = ''")
        page.get_by_label(label, exact=True).select_option(value)
        expect(page.locator("#match:not([data-asked])")).to_be_visible()
        expect(page.get_by_label(label, exact=True)).to_have_value(value)

    page.goto(live_server.url)
    look("first-run")
    page.get_by_role("link", name="Choose a file").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    look("import-new")
    page.get_by_role("button", name="Upload and preview").click()

    expect(page.get_by_role("heading", name="Match columns")).to_be_visible()
    start = page.get_by_role("button", name="Import 301 rows of orders")
    expect(start).to_be_disabled()
    expect(page.get_by_label("Field for Gift note")).to_have_value("")
    look("import-open")
    choose("Field for Placed At", "placed_at")
    choose("Field for Lineitem", "product")
    choose("Field for Total", "")
    expect(page.get_by_text("Which column holds the amount")).to_be_visible()
    choose("Field for Total", "amount")
    expect(page.get_by_text("Which column holds the amount")).to_be_hidden()
    choose("Currency", "USD")
    choose("Time zone of dates", "America/Chicago")
    expect(page.locator("#announce")).to_have_text("Ready to import")
    expect(page.locator(".q-problem").first).to_contain_text("31/09/2026")
    expect(page.get_by_label("Run segmentation afterwards")).to_be_checked()
    look("import-match")
    start.click()

    expect(page.get_by_role("heading", name="Import orders-2026.csv")).to_be_visible()
    look("import-waiting")
    running.run(Job.objects.get(kind="import").pk)
    expect(page.get_by_text("301 rows read, 300 stored, 1 rejected.").first).to_be_visible()
    look("import-done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows, CSV").click()
    assert "31/09/2026" in Path(download.value.path()).read_text()
    page.get_by_role("link", name="Watch the segmentation").click()
    running.run(Job.objects.get(kind="segment").pk)
    expect(page.get_by_text("60 of 60 customers are segmented").first).to_be_visible()
    page.goto(f"{live_server.url}/customers/")
    expect(page.locator("[data-row]").first).to_be_visible()
    look("import-customers")


def test_the_wizard_works_without_scripts(live_server, browser, marketer: Page, tmp_path: Path):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(marketer.context.cookies())
    page = context.new_page()
    file = tmp_path / "orders.csv"
    file.write_text(HEADER + ROWS)
    page.goto(f"{live_server.url}/imports/new/")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and preview").click()
    page.get_by_label("Field for Placed At").select_option("placed_at")
    page.get_by_role("button", name="Check again").click()
    page.get_by_label("Currency", exact=True).select_option("USD")
    page.get_by_label("Time zone of dates").select_option("UTC")
    page.get_by_label("Order of day and month").select_option("dmy")
    page.get_by_role("button", name="Check again").click()
    page.get_by_role("button", name="Import 300 rows of orders").click()
    expect(page.get_by_role("heading", name="Import orders.csv")).to_be_visible()
    context.close()
