"""A write that is sent twice happens once."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client
from django.urls import path
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import idempotency
from accounts.idempotency import IdempotentWrites
from accounts.models import ApiKey, IdempotentAnswer, User
from quimbi.urls import urlpatterns as product

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.test_idempotency")]
threaded = pytest.mark.django_db(transaction=True)
PEOPLE = "/api/test/people"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
meanwhile = None


class PeopleView(IdempotentWrites):
    """Makes somebody; the name "nobody" is refused after the row is there, "crash" breaks."""

    def get(self, request: Request) -> Response:
        return Response({"people": User.objects.count()})

    def post(self, request: Request) -> Response:
        name = request.data["name"]
        person = User.objects.create(username=f"{name}-{User.objects.count()}", password=make_password(None))
        if meanwhile:
            meanwhile()
        if name == "nobody":
            raise ValidationError({"name": ["Nobody is no name."]})
        if name == "crash":
            raise RuntimeError("the power is gone")
        return Response({"username": person.username, "rate": 0.1}, status=201)

    def delete(self, request: Request) -> Response:
        User.objects.filter(username__startswith="ada").delete()
        return Response(status=204)


urlpatterns = [path("api/test/people", PeopleView.as_view()), *product]


@pytest.fixture
def secret(db):
    return ApiKey.issue("writer", ["read"])[1]


def post(secret, key, name="ada", **headers):
    client = Client(headers={"X-API-Key": secret, **({"Idempotency-Key": key} if key else {}), **headers})
    client.raise_request_exception = False
    return client.post(PEOPLE, json.dumps({"name": name}), content_type="application/json")


def told(answer):
    return answer.status_code, answer.content, answer.headers.get("Idempotency-Replayed")


def refused(answer, code):
    assert answer.status_code == 409, answer.content
    assert answer.json()["error"]["code"] == code
    return answer.headers.get("Retry-After")


def test_the_second_time_brings_back_the_first_answer(secret):
    first, second, third = (post(secret, "key-1") for _ in range(3))
    assert told(first)[2] is None
    assert told(second) == told(third) == (201, first.content, "true")
    assert User.objects.count() == 1


def test_without_the_header_every_request_counts(secret):
    assert {post(secret, None).status_code for _ in range(2)} == {201}
    assert User.objects.count() == 2
    assert not IdempotentAnswer.objects.exists()


def test_another_key_is_another_write(secret):
    post(secret, "key-1")
    assert told(post(secret, "key-2"))[2] is None
    assert User.objects.count() == 2


def test_the_same_key_for_something_else_is_a_conflict(secret):
    post(secret, "key-1")
    assert refused(post(secret, "key-1", name="ben"), "idempotency_conflict") is None
    client = Client(headers={"X-API-Key": secret, "Idempotency-Key": "key-1"})
    same_body = json.dumps({"name": "ada"})
    refused(client.delete(PEOPLE, same_body, content_type="application/json"), "idempotency_conflict")
    assert User.objects.count() == 1


def test_callers_do_not_share_keys(secret):
    _, other = ApiKey.issue("other", ["read"])
    post(secret, "key-1")
    assert told(post(other, "key-1", name="ben"))[2] is None
    assert User.objects.count() == 2


def test_an_answer_without_a_body_comes_back_without_one(secret):
    client = Client(headers={"X-API-Key": secret, "Idempotency-Key": "gone"})
    assert told(client.delete(PEOPLE)) == (204, b"", None)
    assert told(client.delete(PEOPLE)) == (204, b"", "true")


def test_what_was_refused_leaves_nothing_behind_and_the_key_free(secret):
    assert post(secret, "key-1", name="nobody").status_code == 400
    assert (User.objects.count(), IdempotentAnswer.objects.count()) == (0, 0)
    assert post(secret, "key-1", name="ada").status_code == 201


def test_what_broke_leaves_nothing_behind_and_the_key_free(secret):
    assert post(secret, "key-1", name="crash").status_code == 500
    assert (User.objects.count(), IdempotentAnswer.objects.count()) == (0, 0)
    assert post(secret, "key-1").status_code == 201


def test_while_the_first_runs_the_second_is_told_to_wait(secret, monkeypatch):
    seen = []

    def ask_again():
        monkeypatch.setattr("tests.api.test_idempotency.meanwhile", None)
        seen.append(post(secret, "key-1"))

    monkeypatch.setattr("tests.api.test_idempotency.meanwhile", ask_again)
    with time_machine.travel(NOON, tick=False):
        assert post(secret, "key-1").status_code == 201
    assert refused(seen[0], "in_progress") == "60"
    assert User.objects.count() == 1


def test_a_request_that_died_is_taken_over_when_the_answer_said(secret):
    with time_machine.travel(NOON, tick=False) as clock:
        post(secret, "key-1")
        IdempotentAnswer.objects.update(status=None, body="", claim="dead")
        clock.shift(17.5)
        answer = post(secret, "key-1")
        wait = int(refused(answer, "in_progress"))
        assert (wait, answer.json()["error"]["message"][-22:]) == (43, "send it again in 43 s.")
        clock.shift(42)
        assert refused(post(secret, "key-1"), "in_progress") == "1"
        clock.shift(1)
        assert told(post(secret, "key-1"))[::2] == (201, None)
        assert told(post(secret, "key-1"))[::2] == (201, "true")


def test_a_key_that_replaced_another_does_not_hear_what_that_one_was_answered(secret):
    _, new = ApiKey.objects.get().rotate(idempotency.timezone.now())
    post(secret, "key-1")
    assert told(post(new, "key-1"))[::2] == (201, None)


def test_who_was_taken_for_dead_undoes_what_was_done(secret, monkeypatch):
    monkeypatch.setattr(
        "tests.api.test_idempotency.meanwhile", lambda: IdempotentAnswer.objects.update(claim="somebody else's")
    )
    refused(post(secret, "key-1"), "in_progress")
    assert User.objects.count() == 0


def test_a_key_is_forgotten_after_a_day(secret):
    post(secret, "key-1")
    with time_machine.travel(idempotency.timezone.now() + idempotency.KEPT + timedelta(seconds=1)):
        assert told(post(secret, "key-1", name="ben"))[::2] == (201, None)
    assert IdempotentAnswer.objects.count() == 1


def test_a_read_has_no_use_for_a_key(secret):
    client = Client(headers={"X-API-Key": secret, "Idempotency-Key": "key-1"})
    assert [client.get(PEOPLE).status_code for _ in range(2)] == [200, 200]
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", [" ", "a b", "é", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_400_and_named(secret, key):
    error = post(secret, key).json()["error"]
    assert (error["code"], error["field"]) == ("invalid_parameter", "Idempotency-Key")
    assert User.objects.count() == 0


def test_a_stranger_claims_nothing():
    assert post("qk_wrong", "key-1").status_code == 401
    assert not IdempotentAnswer.objects.exists()


HOOK = {"url": "https://example.com/hooks", "events": ["segmentation.published"]}


def make_webhook(secret):
    client = Client(headers={"X-API-Key": secret, "Idempotency-Key": "key-1"})
    return client.post("/api/webhooks", HOOK, content_type="application/json")


def test_what_is_kept_shows_no_secret_and_is_told_again_all_the_same():
    _, secret = ApiKey.issue("writer", ["write:webhooks"])
    first = make_webhook(secret)
    assert first.json()["secret"].startswith("whsec_")
    kept = str(list(IdempotentAnswer.objects.values()))
    for told in ("whsec_", first.json()["secret"].removeprefix("whsec_"), "example.com"):
        assert told not in kept
    assert told_again(secret) == (201, first.content)


def told_again(secret):
    answer = make_webhook(secret)
    return answer.status_code, answer.content


def test_a_change_of_the_secret_key_loses_no_answer_while_the_former_one_is_named(settings):
    _, secret = ApiKey.issue("writer", ["write:webhooks"])
    first, former = make_webhook(secret), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [former]
    assert told_again(secret) == (201, first.content)
    settings.SECRET_KEY_FALLBACKS = []
    lost = make_webhook(secret)
    refused(lost, "idempotency_conflict")
    assert "can no longer be told; look whether it was done." in lost.json()["error"]["message"]


@threaded
def test_of_many_at_once_one_happens(secret):
    gate, answers = threading.Barrier(8), []

    def send():
        gate.wait()
        answers.append(post(secret, "key-1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.objects.count() == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert len(answers) == 8
    assert set(statuses) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
