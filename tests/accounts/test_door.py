"""Signing in: wrong passwords are counted by name and address, so that nobody guesses long or locks somebody else out."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import DatabaseError, connection
from django.test import Client, RequestFactory

from accounts import counting, door
from accounts.models import User
from tests.factories import make_shop

pytestmark = pytest.mark.django_db
RIGHT, WRONG = "sewing-room-7", "guessed"
FIVE_PAST_NOON = datetime(2026, 11, 26, 12, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(FIVE_PAST_NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def few_tries(monkeypatch):
    monkeypatch.setattr(door, "TRIES_OF_A_NAME", 3)
    monkeypatch.setattr(door, "TRIES_OF_AN_ADDRESS", 6)


@pytest.fixture(autouse=True, params=["rows", "Redis"] if django_settings.REDIS_URL else ["rows"])
def store(request, settings, monkeypatch):
    monkeypatch.setattr(counting, "_quiet_until", 0.0)
    if request.param == "rows":
        settings.REDIS_URL = ""


@pytest.fixture
def address():
    """One that no other test, nor this one the last time, has knocked from."""
    return f"10.{random.randrange(256)}.{random.randrange(256)}.{random.randrange(256)}"


@pytest.fixture(autouse=True)
def ines():
    make_shop()
    return User.objects.create_user("ines", password=RIGHT, role=User.Role.ADMIN)


def sign_in(address, password, name="ines", **headers):
    return Client(REMOTE_ADDR=address, headers=headers).post("/login/", {"username": name, "password": password})


def statuses(address, password, times, name="ines"):
    return [sign_in(address, password, name).status_code for _ in range(times)]


def test_after_too_many_wrong_passwords_the_right_one_has_to_wait(address, frozen):
    assert statuses(address, WRONG, 3) == [200] * 3
    answer = sign_in(address, RIGHT)
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    assert "That was too many tries; wait 10 minutes, then try again." in answer.content.decode()
    assert "_auth_user_id" not in answer.wsgi_request.session
    frozen.shift(timedelta(minutes=9, seconds=59))
    assert "wait a minute, then" in sign_in(address, RIGHT).content.decode()
    frozen.shift(timedelta(seconds=1))
    assert sign_in(address, RIGHT).status_code == 302


def test_nobody_locks_out_somebody_elsewhere_or_a_colleague(address):
    User.objects.create_user("ada", password=RIGHT)
    assert statuses(address, WRONG, 4) == [200, 200, 200, 429]
    assert sign_in("192.0.2.1", RIGHT).status_code == 302
    assert sign_in(address, RIGHT, "ada").status_code == 302


def test_right_passwords_are_not_counted(address):
    assert statuses(address, RIGHT, 5) == [302] * 5
    assert statuses(address, WRONG, 3) == [200] * 3


def test_one_address_tries_no_more_names_than_it_may(address):
    told = [sign_in(address, WRONG, f"person {n}").status_code for n in range(7)]
    assert told == [200] * 6 + [429]
    assert sign_in(address, RIGHT).status_code == 429
    assert sign_in("192.0.2.2", RIGHT).status_code == 302


def test_a_name_that_is_nobodys_is_answered_like_one_that_is_somebodys(address):
    for name in ("ines", "nobody"):
        assert statuses(address, WRONG, 3, name) == [200] * 3
    assert [sign_in(address, WRONG, name).status_code for name in ("ines", "nobody")] == [429, 429]


def test_one_name_in_many_spellings_is_one(address):
    for name in ("ines", "INES", " ines "):
        sign_in(address, WRONG, name)
    assert sign_in(address, WRONG, "\uff29nes").status_code == 429  # a full-width I


def test_an_empty_form_is_no_try(address):
    assert statuses(address, "", 5) == [200] * 5
    assert sign_in(address, RIGHT).status_code == 302


def test_where_nothing_can_be_counted_one_gets_in(address, settings, monkeypatch):
    def fails(*args):
        raise DatabaseError("database is locked")

    settings.REDIS_URL = ""
    monkeypatch.setattr(counting, "_count_in_rows", fails)
    assert sign_in(address, RIGHT).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_are_counted_exactly(address):
    gate, told = threading.Barrier(8), []

    def knock():
        request = RequestFactory(REMOTE_ADDR=address).post("/login/")
        gate.wait()
        try:
            told.append(bool(door.count_try(request, "ines")))
        except door.TooManyTries:
            told.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (told.count(True), told.count(False)) == (3, 5)


# --- The administration ------------------------------------------------------------------------------------------------


def test_the_administration_has_no_door_of_its_own(address):
    stranger = Client(REMOTE_ADDR=address)
    at_the_door = stranger.get("/admin/", follow=True)
    assert at_the_door.redirect_chain[-1] == ("/login/?next=/admin/", 302)
    answer = stranger.post("/admin/login/", {"username": "ines", "password": RIGHT})
    assert answer["Location"] == "/login/?next=/admin/"
    assert stranger.get("/account/").status_code == 302
    answer = stranger.post("/login/", {"username": "ines", "password": RIGHT, "next": "/admin/"}, follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]
    assert answer.status_code == 200


def test_who_is_in_and_no_admin_is_told_so_and_not_sent_to_and_fro():
    client = Client()
    client.force_login(User.objects.create_user("ada"))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "Only admins may open the administration" in answer.content.decode()


# --- Where a request comes from ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "told"),
    [
        (0, "203.0.113.9", "192.0.2.1"),  # nobody of ours vouches for it
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first was sent along
        (2, "198.51.100.1, 203.0.113.9,10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),  # came past the outer one
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::7]:4711", "2001:db8:1:2::"),
        (1, "[2001:db8:1:2::7]", "2001:db8:1:2::"),
        (1, "unknown", "192.0.2.1"),
    ],
)
def test_only_what_a_proxy_of_ours_saw_is_believed(settings, proxies, forwarded, told):
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert door.address_of(RequestFactory(REMOTE_ADDR="192.0.2.1", headers=headers).get("/")) == told


def test_an_invented_address_opens_no_door(address):
    told = [sign_in(address, WRONG, **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(4)]
    assert told == [200, 200, 200, 429]
