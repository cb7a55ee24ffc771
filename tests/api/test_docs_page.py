"""The documentation page and the admin in a real browser, under the policy without anything inline."""

import pytest

from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed_in(page, live_server, client):
    """A page whose visitor is signed in as an admin."""
    client.force_login(User.objects.create_user("ada", role="admin"))
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    return page


def test_the_documentation_lists_every_endpoint_and_tries_one_offline(signed_in, live_server, console_and_csp):
    signed_in.goto(f"{live_server.url}/api/docs")
    signed_in.wait_for_selector("#operations-archetypes-top_archetypes")
    signed_in.click("#operations-archetypes-top_archetypes button.opblock-summary-control")
    signed_in.click("text=Try it out")
    signed_in.click("text=Execute")
    signed_in.wait_for_selector(".live-responses-table .response-col_status >> text=200")


def test_the_admin_works_under_the_policy(signed_in, live_server, console_and_csp):
    signed_in.goto(f"{live_server.url}/admin/")
    signed_in.click("text=API keys")
    signed_in.click("text=Add API key")
    signed_in.fill("#id_name", "dashboard")
    signed_in.click("text=Save >> nth=0")
    assert signed_in.inner_text("#secret").startswith("qk_")
    signed_in.goto(f"{live_server.url}/admin/customers/customer/")
    signed_in.wait_for_selector("text=0 customers")
