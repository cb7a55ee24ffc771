"""A form that is sent twice does its work once: by a second click, at the same moment, or by going back."""

import re
import threading

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import views
from accounts.idempotency import KEPT, forget_expired
from accounts.models import ApiKey, IdempotentAnswer, User
from integrations.models import WebhookEndpoint
from tests.factories import make_shop

NEW_KEY, NEW_WEBHOOK = "/settings/keys/new/", "/settings/webhooks/new/"
KEY = {"name": "dashboard", "scopes": ["read"], "origins": "", "days": 365, "requests_a_minute": "", "customers_a_day": 2000}
WEBHOOK = {"url": "https://example.com/hooks", "description": "CRM", "events": ["segmentation.published"]}
FORMS = pytest.mark.parametrize(("page", "form", "made"), [(NEW_KEY, KEY, ApiKey), (NEW_WEBHOOK, WEBHOOK, WebhookEndpoint)])


@pytest.fixture
def root(db):
    make_shop()
    client = Client()
    client.force_login(User.objects.create_user("root", role=User.Role.ADMIN))
    return client


def again(client):
    """The same browser in another tab, or with its next click."""
    other = Client()
    other.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return other


def token_in(response):
    return re.search(r'name="once" value="([\w-]{20,})"', response.content.decode())[1]


def opened(client, page, form):
    return {**form, "once": token_in(client.get(page))}


def secret_in(response):
    found = re.search(r'<code[^>]* id="secret">([^<]+)</code>|<code id="secret">([^<]+)</code>', response.content.decode())
    return found and (found[1] or found[2])


@FORMS
def test_the_same_form_sent_twice_makes_one_thing_and_shows_it_once(root, page, form, made):
    sent = opened(root, page, form)
    first, second = root.post(page, sent), root.post(page, sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert made.objects.count() == 1
    assert secret_in(root.get(second["Location"]))
    assert secret_in(root.get(second["Location"], follow=True)) is None
    late = root.post(page, sent, follow=True)
    assert "shown once" in late.content.decode()
    assert secret_in(late) is None
    assert made.objects.count() == 1


@FORMS
def test_two_forms_that_say_the_same_make_two(root, page, form, made):
    for _ in range(2):
        root.post(page, opened(root, page, form))
    assert made.objects.count() == 2


@FORMS
def test_a_form_that_was_changed_after_going_back_is_another_one(root, page, form, made):
    sent = opened(root, page, form)
    root.post(page, sent)
    name = "name" if "name" in form else "description"
    root.post(page, {**sent, name: "another"})
    assert made.objects.count() == 2


@FORMS
def test_a_form_that_was_refused_can_be_sent_again(root, page, form, made):
    sent = opened(root, page, form)
    wrong = "name" if "name" in form else "url"
    refused = root.post(page, {**sent, wrong: ""})
    assert refused.status_code == 422
    assert token_in(refused)
    assert root.post(page, sent).status_code == 302
    assert made.objects.count() == 1


@FORMS
def test_a_form_without_a_token_does_its_work_each_time(root, page, form, made):
    for _ in range(2):
        assert root.post(page, form).status_code == 302
    assert made.objects.count() == 2


@FORMS
def test_the_token_of_one_person_means_nothing_to_another(root, page, form, made):
    other = Client()
    other.force_login(User.objects.create_user("other", role=User.Role.ADMIN))
    sent = opened(root, page, form)
    answers = [client.post(page, sent) for client in (root, other)]
    assert answers[0]["Location"] != answers[1]["Location"]
    assert made.objects.count() == 2


def test_what_breaks_in_the_middle_leaves_nothing_and_can_be_sent_again(root, monkeypatch):
    sent = opened(root, NEW_KEY, KEY)
    root.raise_request_exception = False

    def breaks(*args):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(views, "to_the_key", breaks)
        assert root.post(NEW_KEY, sent).status_code == 500
    assert not ApiKey.objects.exists()
    assert not IdempotentAnswer.objects.exists()
    assert secret_in(root.post(NEW_KEY, sent, follow=True))


def test_nothing_secret_lies_beside_the_token_and_it_goes_after_a_day(root):
    root.post(NEW_KEY, opened(root, NEW_KEY, KEY))
    kept = IdempotentAnswer.objects.get()
    assert kept.body == f"/settings/keys/{ApiKey.objects.get().prefix}/copy/"
    assert kept.asked == "POST /settings/keys/new/"
    forget_expired(timezone.now() + KEPT * 2)
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
@FORMS
def test_of_many_clicks_at_the_same_moment_each_leads_to_the_one_thing(page, form, made):
    make_shop()
    root = Client()
    root.force_login(User.objects.create_user("root", role=User.Role.ADMIN))
    sent = opened(root, page, form)
    gate, led_to, problems = threading.Barrier(6), [], []

    def click():
        mine = again(root)
        try:
            gate.wait()
            led_to.append(mine.post(page, sent)["Location"])
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(6)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert problems == []
    assert len(led_to) == 6
    assert len(set(led_to)) == 1
    assert made.objects.count() == 1
    assert secret_in(again(root).get(led_to[0]))
    assert secret_in(again(root).get(led_to[0], follow=True)) is None
