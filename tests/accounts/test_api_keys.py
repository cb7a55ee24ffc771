"""Keys: shown once, stored as a digest, ended by time, by hand or by a successor."""

import hashlib
import threading
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, NotRotated
from tests.factories import make_shop

pytestmark = pytest.mark.django_db
TOP = "/api/mcp/archetypes/top"


def test_only_the_digest_of_a_key_is_stored():
    row, secret = ApiKey.issue("dashboard", ["read"])
    row.refresh_from_db()
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    stored = [str(getattr(row, field.attname)) for field in ApiKey._meta.fields]
    assert not [value for value in stored if secret in value or secret.split("_")[2] in value]
    assert secret.startswith(row.prefix)


def test_a_key_has_256_random_bits():
    _, secret = ApiKey.issue("a", ["read"])
    assert len(secret.split("_", 2)[2]) == 43  # 32 bytes in base64


def test_a_key_lives_a_year_at_most():
    row, _ = ApiKey.issue("a", ["read"])
    assert row.expires_at == row.created_at + timedelta(days=365)
    assert row.works_at(row.expires_at - timedelta(seconds=1))
    assert not row.works_at(row.expires_at)
    with pytest.raises(ValidationError, match="365 days at most"):
        ApiKey.issue("a", ["read"], life=timedelta(days=366))


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"], "read", [1]])
def test_an_unknown_scope_makes_no_key(scopes):
    with pytest.raises(ValidationError):
        ApiKey.issue("a", scopes)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("may", [{"scopes": ["read", "query"]}, {"scopes": ["read"], "origins": ["https://shop.example"]}])
def test_rotating_leaves_both_keys_working_for_a_day(may):
    limits = {"requests_a_minute": 7, "customers_a_day": 0}
    old, _ = ApiKey.issue("dashboard", **may, **limits)
    now = timezone.now()
    new, _ = old.rotate(now)
    old.refresh_from_db()
    for same in ("name", "scopes", "origins", "requests_a_minute", "customers_a_day"):
        assert getattr(new, same) == getattr(old, same)
    assert old.works_at(now + timedelta(hours=23))
    assert not old.works_at(now + timedelta(hours=25))
    assert new.works_at(now + timedelta(days=300))


def test_a_key_is_rotated_once_however_many_try():
    key, _ = ApiKey.issue("dashboard", ["read"])
    one, other = ApiKey.objects.get(), ApiKey.objects.get()  # both were read while the key had no successor
    one.rotate(timezone.now())
    for again in (other, one):
        with pytest.raises(NotRotated, match="The key “dashboard” was replaced already; rotate its successor"):
            again.rotate(timezone.now())
    with pytest.raises(CommandError, match="was replaced already"):
        call_command("rotate_api_key", key.prefix)
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_key_that_ends_while_it_is_rotated_gets_no_successor(end):
    key, _ = ApiKey.issue("dashboard", ["read"])
    ApiKey.objects.update(**{end: timezone.now()})
    with pytest.raises(NotRotated, match="has ended already; make a new one"):
        key.rotate(timezone.now())
    assert ApiKey.objects.get().replaced_at is None


@pytest.mark.parametrize("scopes", [["read:pii"], ["read", "query"], ["write:webhooks"]])
def test_only_a_key_that_reads_figures_names_pages(scopes):
    with pytest.raises(ValidationError, match="only one with the scope read alone may name pages"):
        ApiKey.issue("a", scopes, origins=["https://shop.example"])
    assert not ApiKey.objects.exists()


def test_keys_that_named_pages_and_read_more_are_for_servers_since():
    migration = import_module("accounts.migrations.0006_pages_for_figures_only")
    figures, people = (ApiKey.issue(scope, [scope])[0] for scope in ("read", "read:pii"))
    ApiKey.objects.update(origins=["https://shop.example"])
    migration.take_pages_from_secret_keys(apps, None)
    for row, origins in ((figures, ["https://shop.example"]), (people, [])):
        row.refresh_from_db()
        assert row.origins == origins


@pytest.mark.parametrize("days", [1, 30, 365])
def test_a_successor_lives_as_long_as_the_key_was_made_for(days):
    key, _ = ApiKey.issue("a", ["read"], life=timedelta(days=days))
    ApiKey.objects.update(created_at=key.created_at - timedelta(hours=20), expires_at=key.expires_at - timedelta(hours=20))
    key.refresh_from_db()
    ends = key.expires_at
    for _ in range(3):
        key, _ = key.rotate(timezone.now())
        assert key.expires_at - key.created_at == timedelta(days=days)
    assert ApiKey.objects.earliest("pk").expires_at == min(
        ends, ApiKey.objects.earliest("pk").replaced_at + timedelta(hours=24)
    )


def test_a_key_for_a_day_stays_one_when_the_command_rotates_it():
    call_command("create_api_key", "dashboard", "--days", "1")
    call_command("rotate_api_key", ApiKey.objects.get().prefix)
    assert [key.expires_at - key.created_at for key in ApiKey.objects.all()] == [timedelta(days=1)] * 2


def test_keys_that_replace_each_other_are_a_family_and_know_their_neighbours():
    now = timezone.now()
    first, _ = ApiKey.issue("dashboard", ["read"])
    other, _ = ApiKey.issue("dashboard", ["read"])
    second, _ = first.rotate(now)
    third, _ = second.rotate(now)
    assert {key.family for key in (first, second, third)} == {first.prefix}
    assert (first.before(), second.before(), third.before()) == (None, first, second)
    assert (first.after(), second.after(), third.after()) == (second, third, None)
    assert (other.family, other.before(), other.after()) == (other.prefix, None, None)


def test_keys_of_before_are_families_of_their_own():
    migration = import_module("accounts.migrations.0007_families_of_keys")
    key, _ = ApiKey.issue("dashboard", ["read"])
    ApiKey.objects.update(family="")
    migration.each_key_by_itself(apps, None)
    assert ApiKey.objects.get().family == key.prefix


def test_the_command_prints_the_key_alone_on_the_last_line(capsys):
    call_command("create_api_key", "dashboard", "--scope", "read", "--scope", "query")
    last = capsys.readouterr().out.rstrip("\n").splitlines()[-1]
    row = ApiKey.objects.get()
    assert ApiKey.digest_of(last) == row.digest
    assert (row.name, row.scopes) == ("dashboard", ["read", "query"])


def test_the_command_gives_read_without_a_scope(capsys):
    call_command("create_api_key", "dashboard")
    assert ApiKey.objects.get().scopes == ["read"]


def test_the_command_shortens_a_life():
    call_command("create_api_key", "dashboard", "--days", "30")
    row = ApiKey.objects.get()
    assert timedelta(days=29) < row.expires_at - row.created_at <= timedelta(days=30)


def test_the_command_names_pages_and_limits():
    limits = ["--requests-a-minute", "30", "--customers-a-day", "5"]
    call_command("create_api_key", "page", "--origin", "https://shop.example", "--origin", "https://b.example", *limits)
    row = ApiKey.objects.get()
    assert row.origins == ["https://shop.example", "https://b.example"]
    assert (row.requests_a_minute, row.customers_a_day) == (30, 5)


def test_the_commands_list_rotate_and_revoke(capsys):
    old, secret = ApiKey.issue("dashboard", ["read"], origins=["https://shop.example"])
    call_command("rotate_api_key", old.prefix)
    new = ApiKey.objects.exclude(pk=old.pk).get()
    told = capsys.readouterr().out
    assert ApiKey.digest_of(told.split()[-1]) == new.digest
    call_command("revoke_api_key", new.prefix)
    assert capsys.readouterr().out == f"{new} is revoked.\n"
    call_command("list_api_keys")
    told = capsys.readouterr().out
    rows = [line.split("\t") for line in told.splitlines()]
    assert rows[0][:4] == ["prefix", "state", "scopes", "origins"]
    assert {row[0]: row[1] for row in rows[1:]} == {old.prefix: "replaced", new.prefix: "revoked"}
    assert rows[1][2:4] == ["read", "https://shop.example"]
    assert secret not in told


@pytest.mark.parametrize("command", ["rotate_api_key", "revoke_api_key"])
def test_a_key_that_has_ended_or_never_was_is_neither_rotated_nor_revoked(command):
    row, _ = ApiKey.issue("dashboard", ["read"])
    row.revoke(timezone.now())
    for prefix in (row.prefix, "qk_00000000"):
        with pytest.raises(CommandError, match="No working key begins with"):
            call_command(command, prefix)
    assert ApiKey.objects.count() == 1


def test_a_key_says_how_it_stands():
    now = timezone.now()
    key, _ = ApiKey.issue("a", ["read"])
    assert key.state_at(now) == "works"
    assert key.state_at(key.expires_at) == "expired"
    key.rotate(now)
    assert key.state_at(now) == "replaced"
    assert key.state_at(now + timedelta(hours=24)) == "expired"
    key.revoke(now)
    assert key.state_at(now) == "revoked"


def test_revoking_twice_keeps_the_first_time():
    now = timezone.now()
    key, _ = ApiKey.issue("a", ["read"])
    key.revoke(now)
    key.revoke(now + timedelta(hours=1))
    assert key.revoked_at == now


@pytest.mark.django_db(transaction=True)
def test_nothing_fails_while_a_key_is_rotated_and_the_old_one_ends_a_day_later():
    make_shop()
    old, old_secret = ApiKey.issue("dashboard", ["read"], requests_a_minute=100_000)
    statuses, done = [], threading.Event()

    def ask():
        client = Client(headers={"X-API-Key": old_secret})
        while not done.is_set():
            statuses.append(client.get(TOP).status_code)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    now = timezone.now()
    try:
        _, new_secret = old.rotate(now)
        new_client = Client(headers={"X-API-Key": new_secret})
        statuses += [new_client.get(TOP).status_code for _ in range(20)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    old_client = Client(headers={"X-API-Key": old_secret})
    with time_machine.travel(now + timedelta(hours=23, minutes=59)):
        assert (old_client.get(TOP).status_code, new_client.get(TOP).status_code) == (200, 200)
    with time_machine.travel(now + timedelta(hours=24, minutes=1)):
        assert (old_client.get(TOP).status_code, new_client.get(TOP).status_code) == (401, 200)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "--scope", "everything"], "invalid choice"),
        (["a", "--origin", "shop.example"], "is no origin"),
        (["a", "--requests-a-minute", "0"], "Give a whole number of requests a minute, from 1 to 1,000,000."),
        (["a", "--customers-a-day", "-1"], "Give a whole number of customers a day, from 1 to 100,000,000, or 0 for no end."),
        (["a", "--scope", "read:pii", "--origin", "https://shop.example"], "only one with the scope read alone may name pages"),
        (["a", "--days", "0"], "--days takes 1 to 365."),
        (["a", "--days", "366"], "--days takes 1 to 365."),
        ([""], "Give the key a name, of at most 80 characters."),
        (["a" * 81], "Give the key a name, of at most 80 characters."),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments, said):
    with pytest.raises(CommandError) as refusal:
        call_command("create_api_key", *arguments)
    assert said in str(refusal.value)
    assert not ApiKey.objects.exists()
