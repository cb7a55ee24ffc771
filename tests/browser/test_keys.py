"""The page of API keys in a browser: a key is made, copied, rotated and revoked, and nothing is wider than a phone."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import ApiKey, User
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("QUIMBI_SHOTS", "")
SIZES = {"1440": (1440, 900), "390": (390, 844)}


@pytest.fixture
def keys(site: Site) -> Site:
    """An admin's site with keys in every state."""
    now = timezone.now()
    User.objects.filter(username="ines").update(role=User.Role.ADMIN)
    ines = User.objects.get(username="ines")
    pages = ["https://shop.example", "https://www.loom-and-needle.example"]
    used, _ = ApiKey.issue("Support sidebar", ["read", "read:pii", "query"], created_by=ines)
    ApiKey.objects.filter(pk=used.pk).update(last_used_at=now - timedelta(minutes=11), harvest_stopped_at=now)
    ApiKey.issue("Product page", ["read"], origins=pages, created_by=ines)[0].rotate(now, created_by=ines)
    ApiKey.issue("Every scope", list(ApiKey.Scope.values), created_by=ines)
    run_out, _ = ApiKey.issue("Spring sale", ["read"], origins=["https://shop.example", "https://www.shop.example:8443"])
    ApiKey.objects.filter(pk=run_out.pk).update(expires_at=now - timedelta(days=2), harvest_stopped_at=now)
    ApiKey.issue("Last year's newsletter tool with a rather long name", ["read", "write:campaigns"])[0].revoke(now)
    return site


def keep(site: Site, name: str) -> None:
    for theme in ("light", "dark"):
        site.page.emulate_media(color_scheme=theme)
        for size, (width, height) in SIZES.items():
            site.page.set_viewport_size({"width": width, "height": height})
            inside = site.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            assert inside, f"{name} is wider than {size}"
            if SHOTS:
                site.page.screenshot(path=f"{SHOTS}/keys-{name}-{theme}-{size}.png", full_page=True)
    site.page.set_viewport_size({"width": 1440, "height": 900})


def test_while_a_form_is_sent_its_button_rests_and_wakes_when_somebody_comes_back(keys: Site):
    page = keys.page
    keys.open("/settings/keys/new/")
    page.get_by_label("Name", exact=True).fill("Dashboard")
    page.evaluate(
        "window.sent = 0; addEventListener('submit', e => { window.sent += !e.defaultPrevented; e.preventDefault(); })"
    )
    button = page.get_by_role("button", name="Make key")
    button.click()
    expect(button).to_be_disabled()
    page.get_by_label("Name", exact=True).press("Enter")
    assert page.evaluate("window.sent") == 1
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(button).to_be_enabled()
    button.click()
    assert page.evaluate("window.sent") == 2


@pytest.mark.parametrize("scripts", [True, False])
def test_a_double_click_makes_one_key_and_shows_it(keys: Site, scripts: bool):
    page, sent = keys.page, []
    if not scripts:
        context = page.context.browser.new_context(java_script_enabled=False)
        context.add_cookies(page.context.cookies())
        page = context.new_page()
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(f"{keys.address}/settings/keys/new/")
    page.get_by_label("Name", exact=True).fill("Dashboard")
    page.get_by_role("button", name="Make key").dblclick()
    expect(page.get_by_role("heading", name="Copy this key now")).to_be_visible()
    made = ApiKey.objects.get(name="Dashboard")
    assert ApiKey.digest_of(page.locator("#secret").inner_text()) == made.digest
    assert len(sent) == 1 or not scripts


def test_a_key_is_made_copied_rotated_and_revoked(keys: Site, console_and_csp: list[str]):
    page = keys.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    keys.open("/settings/keys/")
    keep(keys, "list")
    for origin in page.get_by_text("https://shop.example", exact=True).all():
        assert origin.evaluate("each => each.offsetHeight < 1.5 * parseFloat(getComputedStyle(each).lineHeight)"), "broken"
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name", exact=True).fill("Dashboard")
    page.get_by_label("Web pages that may send it").fill("shop.example")
    page.get_by_role("button", name="Make key").click()
    expect(page.get_by_text("is no origin")).to_be_visible()
    console_and_csp.clear()  # the browser says that it was a 422
    keep(keys, "new")
    page.get_by_label("Web pages that may send it").fill("https://shop.example")
    page.get_by_role("button", name="Make key").click()
    secret = page.locator("#secret").text_content()
    page.get_by_role("button", name="Copy the key").click()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    keep(keys, "shown")
    page.reload()
    expect(page.get_by_text("A key is shown once. If nobody has copied it, rotate it.")).to_be_visible()
    assert ApiKey.objects.filter(name="Dashboard").count() == 1
    page.get_by_role("link", name="Rotate Dashboard").click()
    keep(keys, "rotate")
    page.get_by_role("button", name="Make the new key").click()
    expect(page.get_by_text("The old key works until")).to_be_visible()
    keep(keys, "rotated")
    page.get_by_role("link", name="Done, I have copied it").click()
    page.get_by_role("link", name="Revoke Support sidebar").click()
    keep(keys, "revoke")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("The key “Support sidebar” is revoked.")).to_be_visible()
    page.get_by_role("link", name="Dashboard").first.click()
    keep(keys, "change")
    assert page.evaluate("window.__violations") == []
