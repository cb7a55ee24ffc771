"""Signing in, the account, and the first page."""

import pytest
from django.shortcuts import get_object_or_404
from django.test import Client
from django.urls import reverse

from accounts.models import Shop, User
from tests.factories import make_customer, make_ticket


def test_signing_in_leads_to_where_one_wanted_to_be(client: Client, person):
    response = client.post("/login/", {"username": "ines", "password": "sewing-room-7", "next": "/archetypes/"})
    assert response.headers["Location"] == "/archetypes/"


def test_a_wrong_password_is_said_in_words(client: Client, person):
    page = client.post("/login/", {"username": "ines", "password": "wrong"}).content.decode()
    assert "Please enter a correct username and password" in page
    assert 'name="username"' in page


def test_signing_in_never_leads_to_another_site(client: Client, person):
    response = client.post("/login/", {"username": "ines", "password": "sewing-room-7", "next": "https://elsewhere.example/"})
    assert response.headers["Location"] == "/"


def test_signing_out_needs_a_form_and_ends_the_session(visitor: Client):
    assert visitor.get("/logout/").status_code == 405
    assert visitor.post("/logout/").headers["Location"] == "/login/"
    assert visitor.get("/account/").status_code == 302


def test_the_account_says_who_one_is_and_what_one_may_do(visitor: Client):
    page = visitor.get("/account/").content.decode()
    assert "Ines Park" in page
    assert "Marketer" in page


def test_a_password_can_be_changed(visitor: Client, person):
    new = {"old_password": "sewing-room-7", "new_password1": "thimble-and-thread-9", "new_password2": "thimble-and-thread-9"}
    page = visitor.post("/account/password/", new, follow=True).content.decode()
    assert "Your password is changed." in page
    person.refresh_from_db()
    assert person.check_password("thimble-and-thread-9")


def test_an_empty_shop_begins_with_bringing_in_customers(visitor: Client):
    page = visitor.get("/").content.decode()
    assert "Bring in your first customers" in page


def test_an_admin_is_shown_where_the_shop_is_set_and_where_keys_are(client: Client, shop):
    client.force_login(User.objects.create_user("root", password="sewing-room-7", role=User.Role.ADMIN))
    page = " ".join(client.get("/").content.decode().split())
    assert "This shop is called “Heddle &amp; Hem”; it counts in USD and its days follow UTC." in page
    for name in ("admin:accounts_shop_change", "keys", "api-docs"):
        address = reverse(name, args=[shop.pk] if name.endswith("_change") else [])
        assert f'href="{address}"' in page
        assert client.get(address).status_code == 200


def test_who_is_no_admin_is_shown_neither(visitor: Client):
    page = visitor.get("/").content.decode()
    assert "/admin/" not in page
    assert "API" not in page


def test_what_is_not_there_is_said_in_our_words_and_inside_the_frame(visitor: Client):
    response = visitor.get("/no/such/page/")
    page = response.content.decode()
    assert response.status_code == 404
    assert "The address may be misspelt, or what it showed is gone." in page
    assert "Back to customers" in page
    assert 'aria-label="Main"' in page


def test_djangos_own_sentence_for_a_missing_row_is_never_shown(visitor: Client, shop, monkeypatch: pytest.MonkeyPatch):
    def find(pk: object) -> None:
        get_object_or_404(Shop, pk=shop.pk + 1)

    monkeypatch.setattr("support.views.conversation", find)
    page = visitor.get(f"/tickets/{make_ticket(make_customer()).pk}/").content.decode()
    assert "matches the given query" not in page
    assert "The address may be misspelt, or what it showed is gone." in page


def test_who_is_not_signed_in_learns_no_more_than_that(client: Client, shop):
    page = client.get("/no/such/page/").content.decode()
    assert "There is nothing here" in page
    assert 'aria-label="Main"' not in page


def test_an_agent_is_told_who_may_import(agent: Client):
    assert "Importing is for marketers and admins" in agent.get("/").content.decode()


def test_a_shop_with_customers_begins_with_them(visitor: Client):
    make_customer()
    assert visitor.get("/").headers["Location"] == "/customers/"


@pytest.mark.parametrize("address", ["/customers/", "/archetypes/", "/account/", "/jobs/"])
def test_every_page_of_an_empty_shop_opens(visitor: Client, address: str):
    assert visitor.get(address).status_code == 200


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(visitor: Client):
    policy = visitor.get("/customers/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
