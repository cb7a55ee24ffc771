"""The pages of webhooks, for admins."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from integrations.delivering import Tally, deliver_due, disable
from integrations.endpoints import add
from integrations.models import Attempt, Delivery, WebhookEndpoint
from integrations.webhooks import emit
from tests.factories import make_shop

pytestmark = pytest.mark.django_db
PUBLISHED = "segmentation.published"
FORM = {"url": "https://example.com/hooks", "description": "CRM", "events": [PUBLISHED]}


def person(role):
    client = Client()
    client.force_login(User.objects.create_user(f"{role}-1", role=role))
    return client


@pytest.fixture
def admin(db):
    make_shop()
    return person("admin")


def text(answer):
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.fixture
def sent(endpoint, receiver):
    receiver.statuses = [200, 500]
    emit(PUBLISHED, lambda: {"run_id": 1})
    deliver_due(Tally())
    emit(PUBLISHED, lambda: {"run_id": 2})
    deliver_due(Tally())
    return endpoint


@pytest.mark.parametrize("role", ["agent", "marketer"])
def test_only_admins_get_in_and_see_the_entry(endpoint, role):
    make_shop()
    client = person(role)
    emit(PUBLISHED, dict)
    address = f"/settings/webhooks/{endpoint.pk}/"
    for page in (
        "/settings/webhooks/",
        "/settings/webhooks/new/",
        address,
        f"{address}secret/",
        f"{address}edit/",
        f"{address}rotate/",
        f"{address}delete/",
    ):
        assert client.get(page).status_code == 403
    delivery = Delivery.objects.get()
    posts = [f"{address}{name}/" for name in ("test", "switch", "rotate", "delete", "edit")]
    for page in (*posts, "/settings/webhooks/new/", f"/settings/webhooks/deliveries/{delivery.pk}/replay/"):
        assert client.post(page, FORM).status_code == 403
    assert "/settings/webhooks/" not in text(client.get("/jobs/"))
    assert WebhookEndpoint.objects.get().is_enabled


def test_a_stranger_is_sent_to_the_door(db):
    assert Client().get("/settings/webhooks/").status_code == 302


def test_what_changes_something_is_not_a_link(admin, endpoint):
    for name in ("test", "switch"):
        assert admin.get(f"/settings/webhooks/{endpoint.pk}/{name}/").status_code == 405


def test_before_the_first_there_is_one_thing_to_do(admin):
    page = text(admin.get("/settings/webhooks/"))
    assert "No webhooks yet" in page
    assert re.search(r'href="/settings/webhooks/" aria-current="page"', page)


def test_a_webhook_is_added_and_its_secret_shown_once(admin):
    answer = admin.post("/settings/webhooks/new/", FORM)
    endpoint = WebhookEndpoint.objects.get()
    secret_page = f"/settings/webhooks/{endpoint.pk}/secret/"
    assert (answer.status_code, answer["Location"]) == (302, secret_page)
    assert endpoint.secret not in str(dict(admin.session))
    answer = admin.get(secret_page)
    assert "no-store" in answer["Cache-Control"]
    assert endpoint.secret in text(answer)
    again = admin.get(secret_page, follow=True)
    assert again.redirect_chain == [(f"/settings/webhooks/{endpoint.pk}/", 302)]
    assert endpoint.secret not in text(again)
    assert "A secret is shown once" in text(again)
    assert (endpoint.url, endpoint.events, endpoint.created_by.username) == (FORM["url"], [PUBLISHED], "admin-1")
    for page in ("/settings/webhooks/", f"/settings/webhooks/{endpoint.pk}/", f"/settings/webhooks/{endpoint.pk}/edit/"):
        assert "whsec_" not in text(admin.get(page))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": ""}, "Write the address"),
        ({"url": "javascript:alert(1)"}, "not an address"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "link-local"),
        ({"events": []}, "Choose at least one event"),
        ({"events": ["customer.born"]}, "customer.born"),
        ({"description": "x" * 121}, "at most 120"),
    ],
)
def test_a_wrong_form_is_told_in_words(admin, wrong, told):
    answer = admin.post("/settings/webhooks/new/", {**FORM, **wrong})
    assert answer.status_code == 422
    assert told in text(answer)
    assert not WebhookEndpoint.objects.exists()


def test_the_list_says_how_each_does(admin, sent):
    add("https://example.com/well", [PUBLISHED], description="Warehouse")
    page = text(admin.get("/settings/webhooks/"))
    assert "Failing for" in page
    assert "Warehouse" in page
    assert "Enabled" in page


def tags(answer):
    """What each tag says, and the level whose colour it has; "" for none."""
    found = re.findall(r'<span class="q-tag ?(?:q-(\w+))?">(.*?)</span>', text(answer))
    return {re.sub(r"<svg.*?</svg>|<[^>]+>", "", words).strip(): level for level, words in found}


def test_every_state_has_words_an_icon_and_a_colour_of_its_own(admin, sent):
    add("https://example.com/well", [PUBLISHED])
    off = add("https://example.com/off", [PUBLISHED])
    disable(off, "")
    dead = add("https://example.com/dead", [PUBLISHED])
    disable(dead, "Nothing could be delivered for 5 days.")
    page = admin.get("/settings/webhooks/")
    told = tags(page)
    failing = next(words for words in told if words.startswith("Failing for"))
    assert told == {"Enabled": "low", failing: "high", "Disabled": "", "Disabled by Quimbi": "critical"}
    assert len(re.findall(r'class="q-tag[^>]*><svg', text(page))) == 4


def test_every_state_of_a_message_has_words_and_a_colour_too(admin, sent):
    emit(PUBLISHED, dict)
    given_up = emit(PUBLISHED, dict)
    Delivery.objects.filter(event=given_up).update(state="abandoned", next_attempt_at=None)
    log = re.sub(r".*id=.log.", "", text(admin.get(f"/settings/webhooks/{sent.pk}/")))
    for words, level in {"Delivered": "low", "Failed": "high", "Given up": "critical", "On its way": "medium"}.items():
        assert re.search(rf'<span class="q-tag q-{level}"><svg[^>]*>.*?</svg>{words}</span>', log), words


# --- One message ----------------------------------------------------------------------------------------------------------


def page_of(delivery):
    return f"/settings/webhooks/deliveries/{delivery.pk}/"


def rows_of(answer):
    """The attempts as lists of their cells."""
    body = re.search(r"<tbody>(.*?)</tbody>", text(answer))[1]
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def body_on(answer):
    """What the page shows as the body, read as a browser reads it."""
    return html.unescape(re.search(r'<pre[^>]*id="body">(.*?)</pre>', answer.content.decode(), re.S)[1]).encode()


def test_a_message_shows_the_bytes_that_were_signed_folded(admin, endpoint, receiver):
    odd = {"text": "<b>“Zoë” & co</b>\n</pre> ", "share": 0.1, "none": None, "changes": [{"customer_id": "c1"}]}
    emit(PUBLISHED, lambda: odd)
    deliver_due(Tally())
    headers, _, body = receiver.received[0]
    answer = admin.get(page_of(Delivery.objects.get()))
    assert body_on(answer) == body
    assert receiver.is_signed_by(endpoint.secret)
    receiver.received[0] = (headers, "", body_on(answer))
    assert receiver.is_signed_by(endpoint.secret)
    assert json.loads(body)["data"] == odd
    assert re.search(r"<details> <summary[^>]*>Body, [\d,]+ bytes of JSON", text(answer))
    assert f"{len(body):,} bytes" in text(answer)
    assert headers["webhook-id"] in text(answer)
    assert f"webhook-timestamp {headers['webhook-timestamp']}" in text(answer)


def test_a_message_tells_every_attempt_its_answer_and_how_long_it_took(admin, endpoint, receiver):
    receiver.statuses = [500, 429, 204]
    emit(PUBLISHED, dict)
    for _ in range(2):
        Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        deliver_due(Tally())
    delivery = Delivery.objects.get()
    answer = admin.get(page_of(delivery))
    assert [(row[0], row[2]) for row in rows_of(answer)] == [
        ("2 of 10", "It answered 429."),
        ("1 of 10", "It answered 500."),
    ]
    assert all(re.fullmatch(r"\d+\.\d{3} s", row[3]) for row in rows_of(answer))
    assert "Next attempt" in text(answer)
    assert 'hx-trigger="every 10s"' in text(answer)
    Attempt.objects.update(duration_seconds=3.14159)
    assert "3.142 s" in text(admin.get(page_of(delivery)))
    Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    deliver_due(Tally())
    answer = admin.get(page_of(delivery))
    assert rows_of(answer)[0][2] == "It answered 204."
    assert "Next attempt" not in text(answer)
    assert "Delivered <time" in text(answer)
    assert "hx-trigger" not in text(answer)


def test_a_message_that_was_not_sent_yet_says_so_and_its_part_asks_for_itself(admin, endpoint):
    emit(PUBLISHED, dict)
    address = page_of(Delivery.objects.get())
    page = text(admin.get(address))
    assert "It is sent in a moment." in page
    assert "<tbody>" not in page
    assert "Send again" not in page
    part = text(admin.get(address, headers={"HX-Request": "true"}))
    assert part.strip().startswith('<section class="card" id="delivery"')
    assert 'hx-trigger="every 2s"' in part
    assert 'id="body"' not in part


def test_a_message_is_sent_again_from_its_page_and_counts_from_one(admin, sent, receiver):
    delivery = Delivery.objects.get(state="failed")
    answer = admin.post(f"{page_of(delivery)}replay/", {"from": "delivery"}, follow=True)
    assert answer.redirect_chain == [(page_of(delivery), 302)]
    deliver_due(Tally())
    assert [row[0] for row in rows_of(admin.get(page_of(delivery)))] == ["1 of 10", "1 of 10"]


def test_a_test_is_tried_once(admin, endpoint, receiver):
    receiver.statuses = [500]
    admin.post(f"/settings/webhooks/{endpoint.pk}/test/")
    deliver_due(Tally())
    answer = admin.get(page_of(Delivery.objects.get()))
    assert rows_of(answer)[0][0] == "1 of 1"
    assert "It will not be sent again by itself." in text(answer)


def test_the_log_leads_to_each_message_and_does_not_hold_what_was_sent(admin, sent):
    page = text(admin.get(f"/settings/webhooks/{sent.pk}/"))
    for delivery in Delivery.objects.all():
        assert f'href="{page_of(delivery)}"' in page
    assert "run_id" not in page


@pytest.mark.parametrize("role", ["agent", "marketer"])
def test_only_admins_see_a_message(endpoint, role):
    make_shop()
    emit(PUBLISHED, dict)
    assert person(role).get(page_of(Delivery.objects.get())).status_code == 403


@pytest.mark.parametrize("wrong", ["x", "dlv_" + "0" * 32, "a%00b", "x" * 2000])
def test_a_message_that_is_not_there_is_a_page_in_our_words(admin, wrong):
    answer = admin.get(f"/settings/webhooks/deliveries/{wrong}/")
    assert answer.status_code == 404
    assert "There is no such delivery; deliveries are kept for thirty days." in text(answer)


# --- The list and the forms -----------------------------------------------------------------------------------------------


def test_two_webhooks_of_one_host_are_told_apart_without_what_a_query_may_hide(admin):
    for path in ("orders", "people"):
        add(f"https://example.com/{path}?token=t0p", [PUBLISHED])
    page = text(admin.get("/settings/webhooks/"))
    assert "example.com/orders" in page
    assert "example.com/people" in page
    assert "t0p" not in page


def test_the_log_tells_state_answer_and_attempts(admin, sent):
    page = text(admin.get(f"/settings/webhooks/{sent.pk}/"))
    assert "Delivered" in page
    assert "It answered 500." in page
    assert "Next attempt" in page
    assert page.count("Send again</button>") == 2
    part = text(admin.get(f"/settings/webhooks/{sent.pk}/", headers={"HX-Request": "true"}))
    assert part.strip().startswith("<section")
    assert 'hx-trigger="every 10s"' in part


def test_a_long_log_is_read_page_by_page(admin, endpoint):
    for number in range(30):
        emit(PUBLISHED, lambda number=number: {"run_id": number})
    first = text(admin.get(f"/settings/webhooks/{endpoint.pk}/"))
    assert first.count("On its way") == 25
    after = re.search(r'href="(\?after=dlv_[0-9a-f]+)"', first)[1]
    second = text(admin.get(f"/settings/webhooks/{endpoint.pk}/{after}"))
    assert second.count("On its way") == 5
    assert "Newest" in second
    assert admin.get(f"/settings/webhooks/{endpoint.pk}/?after=%00x").status_code == 200


def test_the_test_button_sends_and_the_log_follows(admin, endpoint, receiver):
    page = text(admin.post(f"/settings/webhooks/{endpoint.pk}/test/", follow=True))
    assert "A test message is on its way" in page
    assert 'hx-trigger="every 2s"' in page
    deliver_due(Tally())
    assert receiver.messages[0]["type"] == "webhook.test"
    assert "hx-trigger" not in text(admin.get(f"/settings/webhooks/{endpoint.pk}/")).split('id="log"')[1]


def test_a_message_is_sent_again_by_its_button(admin, sent, receiver):
    delivered = Delivery.objects.get(state="delivered")
    page = text(admin.post(f"/settings/webhooks/deliveries/{delivered.pk}/replay/", follow=True))
    assert "sent again" in page
    page = text(admin.post(f"/settings/webhooks/deliveries/{delivered.pk}/replay/", follow=True))
    assert "on its way already" in page


def test_what_quimbi_disabled_is_told_until_it_is_enabled(admin, endpoint):
    disable(endpoint, "Nothing could be delivered for 5 days. Last: It answered 500.")
    for page in ("/settings/webhooks/", f"/settings/webhooks/{endpoint.pk}/"):
        shown = text(admin.get(page))
        assert "sends nothing to" in shown
        assert "Nothing could be delivered for 5 days." in shown
    assert "stopped working" in text(admin.get("/jobs/"))
    assert "enable it, then test it" in text(admin.post(f"/settings/webhooks/{endpoint.pk}/test/", follow=True))
    shown = text(admin.post(f"/settings/webhooks/{endpoint.pk}/switch/", {"to": "on"}, follow=True))
    assert "sends nothing to" not in shown
    assert "stopped working" not in text(admin.get("/jobs/"))


def test_one_that_a_person_disabled_is_no_alarm(admin, endpoint):
    shown = text(admin.post(f"/settings/webhooks/{endpoint.pk}/switch/", {"to": "off"}, follow=True))
    assert "nothing is sent there" in shown
    assert "sends nothing to" not in shown
    assert "stopped working" not in shown


def test_it_is_edited(admin, endpoint):
    page = text(admin.get(f"/settings/webhooks/{endpoint.pk}/edit/"))
    assert page.count("checked") == 3
    admin.post(f"/settings/webhooks/{endpoint.pk}/edit/", FORM)
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.events) == (FORM["url"], "CRM", [PUBLISHED])


def test_a_new_secret_is_asked_about_and_shown_once(admin, endpoint):
    assert "whsec_" not in text(admin.get(f"/settings/webhooks/{endpoint.pk}/rotate/"))
    answer = admin.post(f"/settings/webhooks/{endpoint.pk}/rotate/", follow=True)
    rotated = WebhookEndpoint.objects.get()
    assert rotated.previous_secret == endpoint.secret
    assert rotated.secret in text(answer)
    assert "no-store" in answer["Cache-Control"]
    assert "the one before too" in text(admin.get(f"/settings/webhooks/{endpoint.pk}/"))


def test_the_secret_is_shown_to_nobody_who_has_not_made_it(admin, endpoint):
    admin.post(f"/settings/webhooks/{endpoint.pk}/rotate/")
    endpoint.refresh_from_db()
    page = f"/settings/webhooks/{endpoint.pk}/secret/"
    other = Client()
    other.force_login(User.objects.create_user("ada", role="admin"))
    assert endpoint.secret not in text(other.get(page, follow=True))
    assert person("marketer").get(page).status_code == 403
    assert endpoint.secret in text(admin.get(page))


def test_a_second_new_secret_within_a_day_is_made_only_on_purpose(admin, endpoint):
    page = f"/settings/webhooks/{endpoint.pk}/rotate/"
    admin.post(page)
    first = WebhookEndpoint.objects.get()
    twice = text(admin.post(page, follow=True))
    assert WebhookEndpoint.objects.get().secret == first.secret
    assert "There is a new secret already" in twice
    assert first.secret in twice  # of two clicks the first one's secret was not seen yet
    assert 'name="void_previous"' in text(admin.get(page))
    assert WebhookEndpoint.objects.get().secret == first.secret
    on_purpose = text(admin.post(page, {"void_previous": "1"}, follow=True))
    assert WebhookEndpoint.objects.get().previous_secret == first.secret
    assert WebhookEndpoint.objects.get().secret in on_purpose


def test_it_is_deleted_after_a_question(admin, endpoint):
    assert "Delete this webhook?" in text(admin.get(f"/settings/webhooks/{endpoint.pk}/delete/"))
    assert WebhookEndpoint.objects.exists()
    assert "is deleted" in text(admin.post(f"/settings/webhooks/{endpoint.pk}/delete/", follow=True))
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize("wrong", ["x", "wh_" + "0" * 32, "a%00b", "x" * 2000])
def test_what_is_not_there_is_a_page_in_our_words(admin, wrong):
    for name in ("", "edit/", "rotate/", "secret/", "delete/"):
        answer = admin.get(f"/settings/webhooks/{wrong}/{name}")
        assert answer.status_code == 404
        assert "There is no such webhook" in text(answer)
    assert admin.post(f"/settings/webhooks/deliveries/{wrong}/replay/").status_code == 404


def test_what_somebody_wrote_is_text(admin):
    endpoint = add("https://example.com/<script>alert(1)</script>", [PUBLISHED], description="<img src=x onerror=alert(1)>")
    for page in ("/settings/webhooks/", f"/settings/webhooks/{endpoint.pk}/", f"/settings/webhooks/{endpoint.pk}/edit/"):
        shown = text(admin.get(page))
        assert "<img src=x" not in shown
        assert "<script>alert" not in shown
