"""Keys: shown once, stored as a digest, ended by time, by hand or by a successor."""

import hashlib
import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey
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
        ApiKey.issue("a", ["read"], expires_at=timezone.now() + timedelta(days=366))


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"], "read", [1]])
def test_an_unknown_scope_makes_no_key(scopes):
    with pytest.raises(ValidationError):
        ApiKey.issue("a", scopes)
    assert not ApiKey.objects.exists()


def test_rotating_leaves_both_keys_working_for_a_day():
    limits = {"requests_a_minute": 7, "customers_a_day": 0}
    old, _ = ApiKey.issue("dashboard", ["read", "query"], origins=["https://shop.example"], **limits)
    now = timezone.now()
    new, _ = old.rotate(now)
    old.refresh_from_db()
    for same in ("name", "scopes", "origins", "requests_a_minute", "customers_a_day"):
        assert getattr(new, same) == getattr(old, same)
    assert old.works_at(now + timedelta(hours=23))
    assert not old.works_at(now + timedelta(hours=25))
    assert new.works_at(now + timedelta(days=300))


def test_rotating_does_not_lengthen_a_life():
    old, _ = ApiKey.issue("a", ["read"], expires_at=timezone.now() + timedelta(hours=1))
    ends = old.expires_at
    old.rotate(timezone.now())
    assert ApiKey.objects.get(pk=old.pk).expires_at == ends


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


def test_the_command_rotates(capsys):
    old, _ = ApiKey.issue("dashboard", ["query"])
    call_command("create_api_key", "dashboard", "--rotate", old.prefix)
    new = ApiKey.objects.exclude(pk=old.pk).get()
    assert new.scopes == ["query"]
    assert ApiKey.digest_of(capsys.readouterr().out.split()[-1]) == new.digest


def test_the_command_names_pages_and_limits():
    limits = ["--requests-a-minute", "30", "--customers-a-day", "5"]
    call_command("create_api_key", "page", "--origin", "https://shop.example", "--origin", "https://b.example", *limits)
    row = ApiKey.objects.get()
    assert (row.origins, row.is_publishable) == (["https://shop.example", "https://b.example"], True)
    assert (row.requests_a_minute, row.customers_a_day) == (30, 5)


def test_the_commands_list_rotate_and_revoke(capsys):
    old, secret = ApiKey.issue("dashboard", ["read", "query"], origins=["https://shop.example"])
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
    assert rows[1][2:4] == ["read,query", "https://shop.example"]
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
    "arguments",
    [
        ["a", "--scope", "everything"],
        ["a", "--origin", "shop.example"],
        ["a", "--requests-a-minute", "0"],
        ["a", "--customers-a-day", "-1"],
        ["a", "--rotate", "qk_00000000", "--origin", "https://shop.example"],
        ["a", "--days", "0"],
        ["a", "--days", "366"],
        ["a", "--rotate", "qk_00000000"],
        ["a", "--rotate", "qk_00000000", "--scope", "read"],
        [""],
        ["a" * 81],
    ],
)
def test_the_command_refuses_in_one_sentence(arguments):
    with pytest.raises(CommandError):
        call_command("create_api_key", *arguments)
    assert not ApiKey.objects.exists()
