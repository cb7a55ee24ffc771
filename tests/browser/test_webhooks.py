"""The webhook pages before a browser: the log follows by itself, nothing scrolls sideways, the policy refuses nothing."""

import os

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from integrations.delivering import Tally, deliver_due, disable
from integrations.endpoints import add
from integrations.events import EVENTS
from integrations.models import Delivery, WebhookEndpoint
from integrations.webhooks import emit
from tests.browser.conftest import Site, fits, in_every_shape
from tests.integrations.receiver import Receiver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("QUIMBI_SHOTS", "")
CONTRAST = """tag => {
  const light = text => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => part / 255);
    const [r, g, b] = parts.map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(tag);
  const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return [style.backgroundColor, (bright + 0.05) / (dark + 0.05)];
}"""
"""A tag's ground, and how much its words stand out from it: 4.5 is what small text needs (WCAG 2.2, 1.4.3)."""


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def admin_site(site: Site) -> Site:
    User.objects.update(role=User.Role.ADMIN)
    return site


def open_webhooks(receiver):
    """A webhook with a log of every kind, one that Quimbi disabled, one that a person did, one that is well."""
    main = add(receiver.url, list(EVENTS), description="Customer data platform")
    receiver.statuses = [204, 204, 500]
    for number in range(3):
        emit("segmentation.published", lambda number=number: {"run_id": number})
        deliver_due(Tally())
    emit("customer.archetype_changed", lambda: {"changes": []})
    old = add("https://hooks.example.com/services/T0000/B0000/" + "x" * 60, ["customer.archetype_changed"])
    disable(old, "Nothing could be delivered for 5 days. Last: It did not answer within 10 s.")
    disable(add("https://hooks.example.com/off", ["customer.archetype_changed"]), "")
    add("https://hooks.example.com/well", ["customer.archetype_changed"])
    emit("segmentation.published", lambda: {"run_id": 4, "note": "x" * 900})
    Delivery.objects.filter(attempts=0, event__type="segmentation.published").update(state="abandoned", next_attempt_at=None)
    return main, old


def keep(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/webhooks-{name}.png", full_page=True)


def test_the_pages_fit_and_break_no_rule(admin_site: Site, receiver):
    main, old = open_webhooks(receiver)
    page = admin_site.page
    paths = {name: f"{main.pk}/{name}/" for name in ("edit", "rotate", "delete")}
    paths |= {"list": "", "new": "new/", "main": f"{main.pk}/", "old": f"{old.pk}/"}
    for state in ("delivered", "failed", "pending", "abandoned"):
        paths[state] = f"deliveries/{Delivery.objects.filter(state=state).first().pk}/"
    for name, path in paths.items():
        admin_site.open(f"/settings/webhooks/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        for folded in page.locator("main details").all():
            folded.locator("summary").click()
        for theme, width in (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 320)):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            keep(page, f"{name}-{theme}-{width}")
            assert fits(page), (path, theme, width)
        assert page.evaluate("window.__violations ?? []") == [], path


def test_states_are_told_apart_by_words_and_by_colours_that_can_be_read(admin_site: Site, receiver):
    main, _ = open_webhooks(receiver)
    page = admin_site.page
    for path in ("", f"{main.pk}/"):
        admin_site.open(f"/settings/webhooks/{path}")
        for theme, _ in in_every_shape(page, (("light", 1440), ("dark", 1440))):
            told = {tag.inner_text().partition(" for")[0]: tag.evaluate(CONTRAST) for tag in page.locator("main .q-tag").all()}
            states = set(told) - {"Failing"} if path else set(told)
            assert states == ({"Delivered", "Failed", "Given up", "On its way"} if path else
                              {"Enabled", "Failing", "Disabled", "Disabled by Quimbi"})  # fmt: skip
            assert len({told[state][0] for state in states}) == len(states), theme
            for words, (ground, contrast) in told.items():
                assert contrast >= 4.5, (theme, words, ground, contrast)


def test_a_message_shows_what_was_sent_and_can_be_sent_again(admin_site: Site, receiver):
    main, _ = open_webhooks(receiver)
    page = admin_site.page
    admin_site.open(f"/settings/webhooks/{main.pk}/")
    page.locator("#log tr", has_text="Delivered").first.get_by_role("link").click()
    expect(page.locator("#body")).to_be_hidden()
    page.get_by_text("bytes of JSON").click()
    assert page.locator("#body").text_content().encode() in [body for _, _, body in receiver.received]
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#delivery")).to_contain_text("On its way")
    receiver.statuses = [204]
    deliver_due(Tally())
    expect(page.locator("#delivery tbody tr")).to_have_count(2)
    expect(page.locator("#delivery")).to_contain_text("Delivered")


def test_a_double_click_adds_one_webhook_and_shows_its_secret_without_scripts_too(admin_site: Site, receiver):
    for scripts in (True, False):
        page = admin_site.page if scripts else without_scripts(admin_site)
        page.goto(f"{admin_site.address}/settings/webhooks/new/")
        page.get_by_label("Address").fill(f"{receiver.url}?{scripts}")
        page.get_by_label("Customers moved to another archetype").check()
        page.get_by_role("button", name="Add webhook").dblclick()
        expect(page.get_by_role("heading", name="Copy this secret now")).to_be_visible()
        assert page.locator("#secret").inner_text() == WebhookEndpoint.objects.last().secret
        assert WebhookEndpoint.objects.count() == (1 if scripts else 2)


def without_scripts(site: Site) -> Page:
    """Another window of the same visitor, who has switched scripts off."""
    context = site.page.context.browser.new_context(java_script_enabled=False)
    context.add_cookies(site.page.context.cookies())
    return context.new_page()


def test_one_is_added_tested_and_the_log_follows(admin_site: Site, receiver):
    page = admin_site.page
    admin_site.open("/jobs/")
    page.get_by_role("link", name="Webhooks").first.click()
    page.get_by_role("link", name="Add webhook").first.click()
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("Customers moved to another archetype").check()
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_role("heading", name="Copy this secret now")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#log")).to_contain_text("On its way")
    deliver_due(Tally())
    assert receiver.is_signed_by(secret)
    expect(page.locator("#log")).to_contain_text("Delivered")
    page.get_by_role("button", name="Send webhook.test").click()
    expect(page.locator("#log")).to_contain_text("On its way")
