"""What only a browser can tell: search while typing, themes, phones, keys, and that the policy refuses nothing."""

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from customers.models import Customer
from predictions.models import Prediction
from segmentation.models import Archetype
from tests.browser.conftest import Site, fits, in_every_shape
from tests.factories import NOW, make_customer, make_order, make_prediction, make_ticket

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = os.environ.get("QUIMBI_SHOTS", "")


def keep(page: Page, name: str) -> None:
    """Keep a screenshot where QUIMBI_SHOTS points to (the README shows one), of the page as it opens."""
    if SHOTS:
        page.mouse.move(720, 5)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(500)  # a tooltip fades
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_somebody_signs_in_and_sees_the_customers(live_server, page: Page, console_and_csp, shop_with_customers):
    page.goto(live_server.url)
    page.get_by_label("Username").fill("ines")
    page.get_by_label("Password").fill("sewing-room-7")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    page.get_by_label("Ines Park, account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_list_is_searched_while_typing_and_the_address_follows(site: Site):
    site.open("/customers/")
    page = site.page
    expect(page.locator("[data-row]")).to_have_count(5)
    page.keyboard.press("f")
    page.keyboard.type("sarah")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=sarah$"))
    expect(page.get_by_label("Search customers by name, e-mail or order number")).to_be_focused()
    expect(page.locator("#announce")).to_have_text("1 customer matches")
    page.go_back()
    expect(page.locator("[data-row]")).to_have_count(5)
    page.get_by_role("link", name="Awaiting first purchase").click()
    page.get_by_label("Search customers by name, e-mail or order number").fill("zzz")
    expect(page.get_by_text("No customer matches", exact=True).first).to_be_visible()
    page.get_by_role("link", name="Remove the search").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    assert page.evaluate("window.__violations") == []


def test_rows_and_places_are_reached_by_keys(site: Site):
    site.open("/customers/")
    page = site.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[data-row]").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sarah Whitcombe")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    page.get_by_label("Use single keys on this device").uncheck()
    page.get_by_role("button", name="Close").last.click()
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Sarah Whitcombe")).to_be_visible()
    page.evaluate("localStorage.setItem('singleKeys', 'on')")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Archetypes", exact=True)).to_be_visible()


def test_customer_360_fits_and_breaks_no_rule(site: Site):
    page = site.page
    site.open(f"/customers/{site.sarah.customer_id}/")
    for theme, width in in_every_shape(page):
        page.wait_for_selector("#radar ~ *, [data-chart][data-ready='1']", state="attached")
        expect(page.locator("[data-chart] svg")).to_be_visible()
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
        assert page.locator(".q-memb").count() == 13
        page.locator("[data-chart]").hover()  # the tooltip is where ECharts would write styles
        assert fits(page), (theme, width)
        expect(page.locator(".q-tabbar")).to_be_visible(visible=width < 992)
        assert page.evaluate("window.__violations") == [], (theme, width)
        keep(page, f"customer-360-{width}-{theme}")


def test_the_system_chooses_the_theme_until_somebody_does(site: Site):
    page = site.page
    page.emulate_media(color_scheme="dark")
    site.open("/customers/")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_label("Ines Park, account menu").click()
    page.get_by_role("button", name="Light").click()
    light = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == light
    page.get_by_label("Ines Park, account menu").click()
    page.get_by_role("button", name="Auto").click()
    assert page.evaluate(ground) == dark


def test_older_orders_are_added_below_and_orders_are_searched(site: Site):
    site.open(f"/customers/{site.sarah.customer_id}/")
    page = site.page
    orders = page.locator("#orders .q-tl > li:not(#orders-more)", has_text="Order #")
    expect(orders).to_have_count(8)
    page.get_by_role("link", name="Show 4 earlier orders").click()
    expect(orders).to_have_count(12)
    page.get_by_label("Search orders by product or number").fill("no such thing")
    expect(page.locator("#orders")).to_contain_text("No order of this customer matches")


def test_a_session_that_has_run_out_leads_to_the_door_and_not_into_the_page(site: Site):
    site.open("/customers/")
    page = site.page
    page.context.clear_cookies()
    page.get_by_label("Search customers by name, e-mail or order number").fill("sarah")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_server_that_does_not_answer_is_said_and_can_be_tried_again(site: Site, console_and_csp: list[str]):
    site.open("/customers/")
    page = site.page
    page.route("**/customers/?q=**", lambda route: route.abort())
    page.get_by_label("Search customers by name, e-mail or order number").fill("sarah")
    expect(page.get_by_role("alert").get_by_text("The server did not answer.")).to_be_visible()
    page.unroute("**/customers/?q=**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    console_and_csp.clear()


def test_every_page_works_without_scripts(live_server, browser, shop_with_customers):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/customers/")
    page.get_by_label("Username").fill("ines")
    page.get_by_label("Password").fill("sewing-room-7")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Search customers by name, e-mail or order number").fill("sarah")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.locator("[data-row]").click()
    page.get_by_role("link", name="Show 4 earlier orders").click()
    expect(page.locator("#orders li")).to_have_count(12)
    page.go_back()
    page.locator(".q-ticket summary").click()
    page.get_by_role("link", name="Read the messages").click()
    expect(page.get_by_role("heading", name="Thread dye lot question")).to_be_visible()
    expect(page.get_by_text("Hello")).to_have_count(2)
    context.close()


def test_a_row_is_opened_anywhere_and_its_address_can_be_selected(site: Site):
    page = site.page
    site.open("/customers/")
    row = page.locator("tbody tr", has_text="Sarah Whitcombe")
    row.locator("td").last.click(force=True)  # the link lies over it
    expect(page.get_by_role("heading", name="Sarah Whitcombe")).to_be_visible()
    page.go_back()
    row.get_by_text("@example.com").select_text()
    row.get_by_text("@example.com").click(click_count=3)
    expect(page.get_by_role("heading", name="Customers")).to_be_visible()
    assert site.sarah.email in page.evaluate("getSelection().toString()")


def test_a_ticket_opens_in_place_and_the_list_of_tickets_grows(site: Site):
    for number in range(8):
        make_ticket(site.sarah, messages=0, subject=f"Question {number}", created_at=NOW)
    site.open(f"/customers/{site.sarah.customer_id}/")
    page = site.page
    tickets = page.locator(".q-ticket")
    expect(tickets).to_have_count(6)
    page.get_by_role("link", name="Show 3 more").click()
    expect(tickets).to_have_count(9)
    opened = tickets.filter(has_text="Thread dye lot question")
    opened.locator("summary").click()
    expect(opened.get_by_text("Hello").first).to_be_visible()
    expect(page.get_by_role("heading", name="Sarah Whitcombe")).to_be_visible()
    assert page.evaluate("window.__violations") == []


def test_a_tracking_number_is_copied(site: Site):
    page = site.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    make_order(site.sarah, tracking_numbers=["1Z999AA1"], placed_at=NOW)
    site.open(f"/customers/{site.sarah.customer_id}/")
    page.get_by_role("button", name="Copy tracking number 1Z999AA1").click()
    expect(page.locator("#announce")).to_have_text("Copied 1Z999AA1")
    assert page.evaluate("navigator.clipboard.readText()") == "1Z999AA1"


def test_on_a_phone_the_list_is_sorted_by_a_choice(site: Site):
    page = site.page
    page.set_viewport_size({"width": 390, "height": 844})
    site.open("/customers/?q=ada")
    page.get_by_label("Sort by").select_option("Name, Z to A")
    expect(page).to_have_url(re.compile(r"\?q=ada&sort=name-down$"))
    expect(page.locator("[data-row]").first).to_have_text("Ada Holm 2")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_label("Sort by")).to_be_hidden()


def test_on_the_smallest_phone_nothing_scrolls_sideways_and_orders_come_before_behavior(site: Site):
    page = site.page
    page.set_viewport_size({"width": 320, "height": 700})
    Archetype.objects.update(name="Premium Fortnightly Routine Buyer, few purchases yet")
    make_order(site.sarah, tracking_numbers=["1Z999AA10123456784" * 3], number="#" + "9" * 40)
    site.open(f"/customers/{site.sarah.customer_id}/")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    orders, behavior = (page.get_by_role("heading", name=name).bounding_box() for name in ("Orders", "Behavior on 13 axes"))
    assert orders
    assert behavior
    assert orders["y"] < behavior["y"]


@pytest.mark.parametrize(
    "path", ["/customers/?q=ada&awaiting=1&lapse=low", "/customers/{}/", "/archetypes/?least=50", "/jobs/"]
)
def test_on_a_phone_what_is_pressed_is_at_least_32_pixels_high(site: Site, path: str):
    page = site.page
    page.set_viewport_size({"width": 390, "height": 844})
    site.open(path.format(site.sarah.customer_id))
    small = (
        "[...document.querySelectorAll('main :is(.btn, .q-back, .q-chip, .q-link, summary, select)')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 31.5).map(e => e.outerHTML)"
    )
    assert page.evaluate(small) == []


@pytest.fixture
def scored(site: Site) -> Site:
    """The same shop with predictions: Sarah is a VIP at critical risk, Vera of high value at high risk, the others are safe."""
    make_prediction(
        site.sarah, lapse_risk_score=0.741, churn_risk_score=0.91, tier=Prediction.Tier.VIP, value_at_risk=Decimal("1240.60")
    )
    vera = make_customer("Vera Vance", orders=8)
    make_prediction(vera, lapse_risk_score=0.62, tier=Prediction.Tier.HIGH, value_at_risk=Decimal("310.40"))
    for number, ada in enumerate(Customer.objects.filter(first_name="Ada").order_by("pk")):
        make_prediction(ada, lapse_risk_score=0.1 * number, tier=Prediction.Tier.LOW, value_at_risk=Decimal(4 * number))
    return site


def test_customers_are_filtered_with_the_keyboard_alone(scored: Site):
    page = scored.page
    scored.open("/customers/?q=a&sort=name")
    page.locator("summary", has_text="Lapse risk: any").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Critical").first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # a form is sent from any of its boxes
    expect(page).to_have_url(re.compile(r"\?q=a&sort=name&lapse=critical&lapse=high$"))
    expect(page.locator("[data-row]")).to_have_count(0)
    page.get_by_role("link", name="Remove the search").press("Enter")
    expect(page.locator("[data-row]")).to_have_text(["Sarah Whitcombe", "Vera Vance"])
    page.locator("summary", has_text="Value at risk: any").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("1000")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Apply")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_text(["Sarah Whitcombe"])
    page.locator("summary", has_text="Tier: any").press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("details.q-menu[open]")).to_have_count(0)
    expect(page.locator("summary", has_text="Tier: any")).to_be_focused()
    page.get_by_role("link", name="Value at risk: $1,000 or more, remove filter").press("Enter")
    expect(page.locator("[data-row]")).to_have_count(2)
    page.get_by_role("link", name="Clear all").press("Enter")
    expect(page.locator("[data-row]")).to_have_count(6)
    assert page.evaluate("window.__violations") == []


def test_a_search_while_typing_keeps_the_filters_and_an_order_taken_in_place(scored: Site):
    page = scored.page
    scored.open("/customers/?tier=vip&tier=high")
    page.get_by_role("link", name="Value at risk").click()
    expect(page).to_have_url(re.compile(r"\?tier=vip&tier=high&sort=rescue$"))
    page.get_by_label("Search customers by name, e-mail or order number").fill("vera")
    expect(page.locator("[data-row]")).to_have_text(["Vera Vance"])
    expect(page).to_have_url(re.compile(r"\?q=vera&tier=vip&tier=high&sort=rescue$"))
    page.get_by_role("link", name="Tier: VIP, High value, remove filter").click()
    expect(page).to_have_url(re.compile(r"\?q=vera&sort=rescue$"))


def test_the_list_of_whom_to_rescue_fits_with_every_menu_open(scored: Site):
    page = scored.page
    scored.open("/customers/")
    page.get_by_role("link", name="Rescue first").click()
    for theme, width in in_every_shape(page):
        expect(page.locator("[data-row]")).to_have_text(["Sarah Whitcombe", "Vera Vance"])
        expect(page.get_by_text("Customers at high or critical lapse risk, most expected spend first.")).to_be_visible()
        keep(page, f"customers-{width}-{theme}")
    scored.open("/customers/?lapse=critical&lapse=high&lapse=medium&tier=vip&tier=high&churn=critical&churn=high&at_risk=100")
    for shape in in_every_shape(page):
        for menu in page.locator(".q-filter summary").all():
            menu.click()
            expect(page.locator("details.q-menu[open] .q-pop")).to_be_in_viewport(ratio=1)
            assert fits(page), shape
        assert page.evaluate("window.__violations") == [], shape


def test_filters_work_without_scripts(live_server, browser, scored: Site):
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(scored.page.context.cookies())
    page = context.new_page()
    page.goto(f"{live_server.url}/customers/?tier=vip&tier=high")
    page.locator("summary", has_text="Lapse risk: any").click()
    page.get_by_label("Critical").first.check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("[data-row]")).to_have_text(["Sarah Whitcombe"])
    page.get_by_label("Search customers by name, e-mail or order number").fill("vera")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("Without the lapse risk filter there would be 1.")).to_be_visible()
    context.close()
