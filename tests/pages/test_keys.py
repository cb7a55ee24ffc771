"""The page of API keys: for admins, and each key is shown once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, User

KEYS = "/settings/keys/"
NEW = {"name": "dashboard", "scopes": ["read"], "origins": "", "days": 365, "requests_a_minute": "", "customers_a_day": 2000}


@pytest.fixture
def root(client: Client, shop) -> Client:
    client.force_login(User.objects.create_user("root", password="sewing-room-7", role=User.Role.ADMIN))
    return client


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def secret_in(response) -> str:
    return re.search(r'<code id="secret">([^<]+)</code>', response.content.decode())[1]


def test_an_empty_list_says_what_a_key_is_for(root):
    assert "No keys yet" in words(root.get(KEYS))


def test_the_list_tells_what_each_key_may_and_when_it_was_used(root):
    now = timezone.now()
    row, _ = ApiKey.issue("dashboard", ["read", "query"], origins=["https://shop.example"])
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=now - timedelta(hours=2), harvest_stopped_at=now)
    old, _ = ApiKey.issue("old", ["read"])
    old.revoke(now)
    page = words(root.get(KEYS))
    for told in (row.prefix, "query", "https://shop.example", "Servers only", "2 h ago", "Never", "Works", "Revoked"):
        assert told in page
    assert "Asked for more than 2,000 customers a day" in page


def test_a_new_key_is_shown_once_and_kept_nowhere(root):
    response = root.post(
        KEYS + "new/", {**NEW, "scopes": ["read", "read:pii"], "origins": "https://a.example\nhttps://b.example"}
    )
    row, secret = ApiKey.objects.get(), secret_in(response)
    assert response["Cache-Control"] == "no-store"
    assert ApiKey.digest_of(secret) == row.digest
    assert (row.scopes, row.origins) == (["read", "read:pii"], ["https://a.example", "https://b.example"])
    assert row.created_by.username == "root"
    assert f'data-copy="{secret}"' in response.content.decode()
    for path in (KEYS, f"{KEYS}{row.prefix}/", "/"):
        assert secret not in root.get(path).content.decode()


def test_a_new_key_lives_as_long_as_asked_and_a_year_at_most(root):
    root.post(KEYS + "new/", {**NEW, "days": 30})
    assert ApiKey.objects.get().expires_at - timezone.now() < timedelta(days=30)
    root.post(KEYS + "new/", {**NEW, "name": "year"})
    row = ApiKey.objects.get(name="year")
    assert row.expires_at - row.created_at == timedelta(days=365)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"scopes": []}, "Choose at least one."),
        ({"scopes": ["everything"]}, "everything is not one of the available choices"),
        ({"origins": "shop.example"}, "is no origin"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"days": 366}, "less than or equal to 365"),
        ({"requests_a_minute": 0}, "greater than or equal to 1"),
        ({"customers_a_day": ""}, "This field is required."),
    ],
)
def test_a_wrong_key_is_not_made_and_the_field_says_why(root, wrong, said):
    response = root.post(KEYS + "new/", {**NEW, **wrong})
    assert response.status_code == 422
    assert said in words(response)
    assert not ApiKey.objects.exists()


def test_name_pages_and_limits_can_be_changed_and_nothing_else(root):
    row, _ = ApiKey.issue("dashboard", ["read"])
    form = {"name": "shop page", "origins": "https://shop.example", "requests_a_minute": 60, "customers_a_day": 10}
    response = root.post(f"{KEYS}{row.prefix}/", {**form, "scopes": ["read:pii"], "expires_at": "2030-01-01"}, follow=True)
    assert "The key “shop page” is changed." in words(response)
    changed = ApiKey.objects.get()
    assert (changed.name, changed.origins, changed.requests_a_minute) == ("shop page", ["https://shop.example"], 60)
    assert (changed.scopes, changed.expires_at) == (["read"], row.expires_at)
    assert root.post(f"{KEYS}{row.prefix}/", {**form, "requests_a_minute": 0}).status_code == 422


def test_rotating_shows_the_new_key_and_says_how_long_the_old_one_works(root):
    old, _ = ApiKey.issue("dashboard", ["query"])
    assert "another 24 hours" in words(root.get(f"{KEYS}{old.prefix}/rotate/"))
    assert ApiKey.objects.count() == 1
    response = root.post(f"{KEYS}{old.prefix}/rotate/")
    new = ApiKey.objects.exclude(pk=old.pk).get()
    assert ApiKey.digest_of(secret_in(response)) == new.digest
    assert "The old key works until" in words(response)
    assert "Replaced" in words(root.get(KEYS))


def test_revoking_asks_first_and_cannot_be_done_twice(root):
    row, _ = ApiKey.issue("dashboard", ["read"])
    assert "This key was never used" in words(root.get(f"{KEYS}{row.prefix}/revoke/"))
    ApiKey.objects.update(last_used_at=timezone.now())
    assert "stops working at once" in words(root.get(f"{KEYS}{row.prefix}/revoke/"))
    assert ApiKey.objects.get().revoked_at is None
    assert "is revoked." in words(root.post(f"{KEYS}{row.prefix}/revoke/", follow=True))
    ended = ApiKey.objects.get().revoked_at
    assert ended is not None
    for path in ("revoke", "rotate"):
        assert root.post(f"{KEYS}{row.prefix}/{path}/").status_code == 404
    assert ApiKey.objects.get().revoked_at == ended


@pytest.mark.parametrize("prefix", ["qk_00000000", "%00", "x" * 300, "é"])
def test_a_key_that_is_not_there_is_404(root, prefix):
    for path in ("", "rotate/", "revoke/"):
        assert root.get(f"{KEYS}{prefix}/{path}").status_code == 404


@pytest.mark.parametrize("who", ["visitor", "agent"])
def test_who_is_no_admin_is_told_to_ask_one(request, who):
    client = request.getfixturevalue(who)
    row, _ = ApiKey.issue("dashboard", ["read"])
    for path in ("", "new/", f"{row.prefix}/", f"{row.prefix}/rotate/", f"{row.prefix}/revoke/"):
        for response in (client.get(KEYS + path), *([client.post(KEYS + path, NEW)] if path else [])):
            assert response.status_code == 403
            assert "Only admins may see and manage the keys of the API; ask one of them" in words(response)
    assert ApiKey.objects.get().revoked_at is None
    assert f'href="{KEYS}"' not in client.get("/customers/").content.decode()


def test_a_stranger_is_sent_to_the_door(client: Client, shop):
    assert client.get(KEYS).status_code == 302


def test_admins_find_the_page_in_the_side_bar(root):
    assert f'href="{KEYS}"' in root.get("/customers/").content.decode()
    assert re.search(rf'href="{KEYS}"\s+aria-current="page"', root.get(KEYS).content.decode())


def test_the_list_costs_the_same_whatever_its_length(root, django_assert_max_num_queries):
    for n in range(60):
        ApiKey.issue(f"key {n}", ["read"])
    with django_assert_max_num_queries(10):
        page = words(root.get(KEYS))
    assert "1 to 50 of 60 keys" in page
