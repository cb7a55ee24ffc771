"""The documentation page and what its list says; in a browser it and the admin, under the policy without anything inline."""

import json

import pytest
from playwright.sync_api import expect

from accounts.models import User
from integrations.models import WebhookEndpoint
from quimbi.api_operations import told
from quimbi.api_schema import document

A_WEBHOOK = {"url": "https://example.com/hooks", "events": ["segmentation.published"]}
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def test_the_first_sentence_is_the_headline_and_the_rest_is_told_below_it():
    assert told("A new webhook. Only this answer shows its secret.") == ("A new webhook", "Only this answer shows its secret.")
    assert told("Send a message of\n  the type webhook.test, once.") == ("Send a message of the type webhook.test, once", "")
    assert told("One file.\n\nAsk\nagain.\n\n- or not") == ("One file", "Ask\nagain.\n\n- or not")
    assert told("") == ("", "")


def test_every_operation_has_a_headline_of_its_own():
    for operations in document()["paths"].values():
        for operation in operations.values():
            headline = operation["summary"]
            assert headline[0].isupper()
            assert not headline.endswith(".")
            assert "\n" not in headline
            assert "/api/" not in headline, "that is the view's docstring: its method has none"
            assert headline not in operation.get("description", "")


def test_a_choice_is_not_listed_a_second_time_as_its_own_explanation():
    tier = next(p for p in document()["paths"]["/api/mcp/customers"]["get"]["parameters"] if p["name"] == "tier")
    assert "vip" in tier["schema"]["enum"]
    assert "`vip`" not in tier.get("description", "")


@pytest.mark.django_db
def test_the_page_stands_in_the_product_with_ways_back_and_the_token_for_writing(person_client):
    text = person_client("admin").get("/api/docs").content.decode()
    assert "<h1>API documentation</h1>" in text
    for address in ("/customers/", "/settings/keys/", "/api/schema"):
        assert f'href="{address}"' in text
    assert 'data-csrf="' in text


@pytest.mark.django_db
def test_only_admins_are_sent_to_the_keys(person_client):
    assert "/settings/keys/" not in person_client("agent").get("/api/docs").content.decode()


@pytest.fixture
def signed_in(page, live_server, client):
    """A page whose visitor is signed in as an admin."""
    client.force_login(User.objects.create_user("ada", role="admin"))
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    return page


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_console_reads_and_writes_with_the_session_asks_for_keys_only_and_fits_a_phone(
    signed_in, live_server, console_and_csp
):
    page = signed_in
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/api/docs#/archetypes/top_archetypes")
    top = page.locator("#operations-archetypes-top_archetypes")
    top.get_by_role("button", name="Execute").click()
    top.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    assert page.evaluate(FITS)

    page.get_by_label("Find operations").fill("make a webhook")
    expect(page.locator(".opblock-summary-description")).to_have_text(["Make a webhook"])
    page.locator(".opblock-summary-control").click()
    page.locator("textarea").fill(json.dumps(A_WEBHOOK))
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="201").wait_for()
    assert WebhookEndpoint.objects.get().url == A_WEBHOOK["url"]
    assert page.evaluate(FITS)

    page.get_by_role("button", name="Authorize").click()
    dialog = page.locator(".modal-ux")
    expect(dialog).to_contain_text("X-API-Key")
    expect(dialog).not_to_contain_text("sessionid")
    dialog.get_by_role("textbox").fill("qk_1a2b3c4d_secret")
    dialog.get_by_role("button", name="Apply credentials").click()
    page.reload()
    page.locator(".authorize.locked").wait_for()  # reading the document takes the browser seconds on a busy machine
    assert page.evaluate("localStorage.getItem('authorized')") is None, "a key must not stay on the disk"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_admin_works_under_the_policy(signed_in, live_server, console_and_csp):
    signed_in.goto(f"{live_server.url}/admin/")
    signed_in.click("text=API keys")
    signed_in.click("text=Add API key")
    signed_in.fill("#id_name", "dashboard")
    signed_in.click("text=Save >> nth=0")
    assert signed_in.inner_text("#secret").startswith("qk_")
    signed_in.goto(f"{live_server.url}/admin/customers/customer/")
    signed_in.wait_for_selector("text=0 customers")
