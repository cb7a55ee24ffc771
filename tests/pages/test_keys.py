"""The page of API keys: for admins, and each key is shown once."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiKey, User

KEYS = "/settings/keys/"
REQUESTS = "Give a whole number of requests a minute, from 1 to 1,000,000."
CUSTOMERS = "Give a whole number of customers a day, from 1 to 100,000,000, or 0 for no end."
NEW = {"name": "dashboard", "scopes": ["read"], "origins": "", "days": 365, "requests_a_minute": "", "customers_a_day": 2000}


@pytest.fixture
def root(client: Client, shop) -> Client:
    client.force_login(User.objects.create_user("root", password="sewing-room-7", role=User.Role.ADMIN))
    return client


@pytest.fixture
def key():
    return ApiKey.issue("dashboard", ["read"])[0]


def words(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def secret_in(response) -> str:
    return re.search(r'<code id="secret">([^<]+)</code>', response.content.decode())[1]


def test_an_empty_list_says_what_a_key_is_for(root):
    assert "No keys yet" in words(root.get(KEYS))


def test_the_list_tells_what_each_key_may_and_when_it_was_used(root):
    now = timezone.now()
    row, _ = ApiKey.issue("dashboard", ["read"], origins=["https://shop.example"])
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=now - timedelta(hours=2), harvest_stopped_at=now)
    old, _ = ApiKey.issue("old", ["query"])
    old.revoke(now)
    page = words(root.get(KEYS))
    for told in (row.prefix, "query", "https://shop.example", "Servers only", "2 h ago", "Never", "Works", "Revoked"):
        assert told in page
    assert "Asked for more than 2,000 customers a day" in page


@pytest.mark.parametrize(("ended", "told"), [("revoked_at", []), ("expires_at", ["Ended"]), (None, ["Ends"])])
def test_the_list_tells_no_end_that_a_key_will_not_live_to_see(root, key, ended, told):
    if ended:
        ApiKey.objects.update(**{ended: timezone.now()})
    assert re.findall(r'data-l="(End\w+)"', root.get(KEYS).content.decode()) == told


def test_a_new_key_is_shown_once_and_kept_nowhere(root):
    made = root.post(KEYS + "new/", {**NEW, "origins": "https://a.example\nhttps://b.example"})
    row = ApiKey.objects.get()
    response = root.get(made["Location"])
    secret = secret_in(response)
    assert response["Cache-Control"] == "no-store"
    assert ApiKey.digest_of(secret) == row.digest
    assert (row.scopes, row.origins) == (["read"], ["https://a.example", "https://b.example"])
    assert row.created_by.username == "root"
    assert f'data-copy="{secret}"' in response.content.decode()
    for path in (KEYS, f"{KEYS}{row.prefix}/", "/", made["Location"]):
        assert secret not in root.get(path, follow=True).content.decode()


def test_loading_the_page_that_shows_a_key_again_makes_none_and_says_what_to_do(root):
    shown = root.post(KEYS + "new/", NEW)["Location"]
    assert root.get(shown).status_code == 200
    again = root.get(shown, follow=True)
    assert again.redirect_chain == [(KEYS, 302)]
    assert "A key is shown once. If nobody has copied it, rotate it." in words(again)
    assert ApiKey.objects.count() == 1


def test_what_waits_to_be_shown_is_sealed_and_for_nobody_else(root):
    shown = root.post(KEYS + "new/", NEW)["Location"]
    waiting = [value for name, value in root.session.items() if name.startswith("shows key")]
    assert len(waiting) == 1
    assert "qk_" not in waiting[0]
    other = Client()
    other.force_login(User.objects.create_user("other", role=User.Role.ADMIN))
    assert other.get(shown).status_code == 302
    assert ApiKey.digest_of(secret_in(root.get(shown))) == ApiKey.objects.get().digest


def test_a_new_key_lives_as_long_as_asked_and_a_year_at_most(root):
    root.post(KEYS + "new/", {**NEW, "days": 30})
    assert ApiKey.objects.get().expires_at - timezone.now() < timedelta(days=30)
    root.post(KEYS + "new/", {**NEW, "name": "year"})
    row = ApiKey.objects.get(name="year")
    assert row.expires_at - row.created_at == timedelta(days=365)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Give the key a name, of at most 80 characters."),
        ({"name": "x" * 81}, "Give the key a name, of at most 80 characters."),
        ({"scopes": []}, "Choose at least one of these."),
        ({"scopes": ["everything"]}, "Choose at least one of these."),
        ({"origins": "shop.example"}, "is no origin"),
        ({"origins": "https://shop.example", "scopes": ["read", "query"]}, "only one with the scope read alone may name pages"),
        *(({"days": days}, "Give a whole number of days, from 1 to 365.") for days in ("", "0", "366", "1.5", "ten")),
        *(({"requests_a_minute": number}, REQUESTS) for number in ("0", "1000001", "ten")),
        *(({"customers_a_day": number}, CUSTOMERS) for number in ("", "-1", "100000001", "ten")),
    ],
)
def test_a_wrong_key_is_not_made_and_the_field_says_why_in_our_words(root, wrong, said):
    response = root.post(KEYS + "new/", {**NEW, **wrong})
    assert response.status_code == 422
    assert said in words(response)
    for theirs in ("Ensure this", "This field", "Enter a"):
        assert theirs not in words(response)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Give the key a name, of at most 80 characters."),
        *(({"requests_a_minute": number}, REQUESTS) for number in ("", "0", "1000001", "ten")),
        *(({"customers_a_day": number}, CUSTOMERS) for number in ("", "-1", "100000001", "ten")),
    ],
)
def test_a_wrong_change_is_refused_in_the_same_words(root, key, wrong, said):
    page = words(change(root, key, **wrong))
    assert said in page
    for theirs in ("Ensure this", "This field", "Enter a"):
        assert theirs not in page


def test_name_pages_and_limits_can_be_changed_and_nothing_else(root):
    row, _ = ApiKey.issue("dashboard", ["read"])
    form = {"name": "shop page", "origins": "https://shop.example", "requests_a_minute": 60, "customers_a_day": 10}
    response = root.post(f"{KEYS}{row.prefix}/", {**form, "scopes": ["read:pii"], "expires_at": "2030-01-01"}, follow=True)
    assert "The key “shop page” is changed." in words(response)
    changed = ApiKey.objects.get()
    assert (changed.name, changed.origins, changed.requests_a_minute) == ("shop page", ["https://shop.example"], 60)
    assert (changed.scopes, changed.expires_at) == (["read"], row.expires_at)
    assert root.post(f"{KEYS}{row.prefix}/", {**form, "requests_a_minute": 0}).status_code == 422


def change(client, key, **form):
    now = {"name": key.name, "origins": "\n".join(key.origins), "requests_a_minute": key.requests_a_minute}
    return client.post(f"{KEYS}{key.prefix}/", {**now, "customers_a_day": key.customers_a_day, **form}, follow=True)


def changed_in_the_administration(client, key, **form):
    form = {"name": key.name, "origins": "[]", "requests_a_minute": 600, "customers_a_day": 2000, **form}
    return client.post(reverse("admin:accounts_apikey_change", args=[key.pk]), form)


@pytest.mark.parametrize("change_it", [change, changed_in_the_administration])
def test_a_change_undoes_nothing_that_somebody_else_did_meanwhile(root, key, monkeypatch, change_it):
    real, ended = ApiKey.full_clean, timezone.now()

    def meanwhile(row, *args, **kwargs):  # the form has been filled from the row and is about to be stored
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=ended, replaced_at=ended, expires_at=ended, customers_a_day=5)
        real(row, *args, **kwargs)

    monkeypatch.setattr(ApiKey, "full_clean", meanwhile)
    change_it(root, key, name="shop page")
    key.refresh_from_db()
    assert (key.name, key.revoked_at, key.replaced_at, key.expires_at) == ("shop page", ended, ended, ended)
    assert key.customers_a_day == 5


def test_a_key_is_rotated_once_and_a_second_click_leads_to_the_same_new_key(root, key):
    for _ in range(2):
        response = root.post(f"{KEYS}{key.prefix}/rotate/")
    assert ApiKey.objects.count() == 2
    response = root.get(response["Location"], follow=True)
    assert ApiKey.digest_of(secret_in(response)) == ApiKey.objects.exclude(pk=key.pk).get().digest
    for again in (root.post, root.get):
        page = words(again(f"{KEYS}{key.prefix}/rotate/", follow=True))
        assert "The key “dashboard” was replaced already; rotate its successor." in page
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize(
    ("form", "limit"), [({}, 120), ({"requests_a_minute": 60}, 60), ({"requests_a_minute": 900}, 900), ({"origins": ""}, 600)]
)
def test_with_its_first_page_a_key_may_ask_less_unless_told(root, key, form, limit):
    change(root, key, **{"origins": "https://shop.example", **form})
    key.refresh_from_db()
    assert key.requests_a_minute == limit
    change(root, key, origins="https://other.example")
    assert ApiKey.objects.get().requests_a_minute == (120 if limit == 600 else limit)


def test_a_key_that_reads_more_than_figures_gets_no_page_later(root):
    people, _ = ApiKey.issue("people", ["read:pii"])
    for response in (
        change(root, people, origins="https://shop.example"),
        changed_in_the_administration(root, people, origins='["https://shop.example"]'),
    ):
        assert "only one with the scope read alone may name pages" in words(response)
    assert ApiKey.objects.get().origins == []


def test_the_administration_changes_neither_what_a_key_may_nor_how_long(root, key):
    ApiKey.objects.update(expires_at=timezone.now())
    ended = ApiKey.objects.get().expires_at
    page = root.get(reverse("admin:accounts_apikey_change", args=[key.pk])).content.decode()
    assert not re.search(r'name="(scopes|expires_at)', page)
    more = {"scopes": ["read:pii"], "expires_at_0": "2030-01-01", "expires_at_1": "12:00", "expires_at": "2030-01-01 12:00"}
    changed_in_the_administration(root, key, name="mine", **more)
    row = ApiKey.objects.get()
    assert (row.name, row.scopes, row.expires_at) == ("mine", ["read"], ended)


def test_rotating_shows_the_new_key_and_says_how_long_the_old_one_works(root):
    old, _ = ApiKey.issue("dashboard", ["query"])
    assert "another 24 hours" in words(root.get(f"{KEYS}{old.prefix}/rotate/"))
    assert ApiKey.objects.count() == 1
    response = root.post(f"{KEYS}{old.prefix}/rotate/", follow=True)
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
    for path in ("", "copy/", "rotate/", "revoke/"):
        assert root.get(f"{KEYS}{prefix}/{path}").status_code == 404


@pytest.mark.parametrize("who", ["visitor", "agent"])
def test_who_is_no_admin_is_told_to_ask_one(request, who):
    client = request.getfixturevalue(who)
    row, _ = ApiKey.issue("dashboard", ["read"])
    forms = ("new/", f"{row.prefix}/", f"{row.prefix}/rotate/", f"{row.prefix}/revoke/")
    reads = [client.get(KEYS + path) for path in ("", f"{row.prefix}/copy/", *forms)]
    for response in (*reads, *(client.post(KEYS + path, NEW) for path in forms)):
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
