"""The webhook pages before a browser: the log follows by itself, nothing scrolls sideways, the policy refuses nothing."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from integrations.delivering import Tally, deliver_due, disable
from integrations.endpoints import add
from integrations.events import EVENTS
from integrations.webhooks import emit
from tests.browser.conftest import Site
from tests.integrations.receiver import Receiver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    """Three webhooks: one with a log of every kind, one that fails, one that was disabled."""
    main = add(receiver.url, list(EVENTS), description="Customer data platform")
    receiver.statuses = [204, 204, 500]
    for number in range(3):
        emit("segmentation.published", lambda number=number: {"run_id": number})
        deliver_due(Tally())
    emit("customer.archetype_changed", lambda: {"changes": []})
    old = add("https://hooks.example.com/services/T0000/B0000/" + "x" * 60, ["customer.archetype_changed"])
    disable(old, "Nothing could be delivered for 5 days. Last: It did not answer within 10 s.")
    return main, old


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 320)])
def test_the_pages_fit_and_break_no_rule(admin_site: Site, receiver, theme: str, width: int):
    main, old = open_webhooks(receiver)
    page = admin_site.page
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
    for path in ("", "new/", f"{main.pk}/", f"{old.pk}/", f"{main.pk}/edit/", f"{main.pk}/rotate/", f"{main.pk}/delete/"):
        admin_site.open(f"/settings/webhooks/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate("window.__violations ?? []") == []


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
