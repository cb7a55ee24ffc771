"""From an event to its receiver: claimed, sent, settled; retried, given up, disabled, replayed."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import delivering, http, tasks
from integrations.delivering import RETRY_SECONDS, Outcome, Tally, claim, deliver_due, disable, settle
from integrations.endpoints import MOST_ENDPOINTS, NotNow, add, change, delete, replay, rotate, send_test, switch
from integrations.events import EVENTS
from integrations.models import Attempt, Delivery, WebhookEndpoint, WebhookEvent
from integrations.tasks import start_delivering, start_due_deliveries
from integrations.webhooks import emit, emit_changes
from jobs import running
from jobs.models import Job
from tests.integrations.receiver import Receiver

pytestmark = pytest.mark.django_db
PUBLISHED, MOVED = "segmentation.published", "customer.archetype_changed"


def happen(number=1):
    return emit(PUBLISHED, lambda: {"run_id": number})


def deliver():
    tally = Tally()
    deliver_due(tally)
    return tally.delivered, tally.failed


def ago(**duration):
    return ExpressionWrapper(Now() - timedelta(**duration), output_field=DateTimeField())


def make_due():
    """The waiting is over."""
    Delivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=ago(seconds=1))


def seconds_to_next(delivery):
    delivery.refresh_from_db()
    return (delivery.next_attempt_at - timezone.now()).total_seconds()


def test_a_message_is_signed_and_says_what_happened(endpoint, receiver):
    event = happen(7)
    assert deliver() == (1, 0)
    headers, path, _ = receiver.received[0]
    assert path == "/hooks"
    assert headers["webhook-id"] == event
    assert headers["Content-Type"] == "application/json"
    assert receiver.is_signed_by(endpoint.secret)
    message = receiver.messages[0]
    assert set(message) == {"type", "timestamp", "data"}
    assert (message["type"], message["data"]) == (PUBLISHED, {"run_id": 7})
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 204)
    assert delivery.next_attempt_at is None
    assert delivery.delivered_at is not None


def test_a_changed_body_another_id_or_another_secret_is_noticed(endpoint, receiver):
    happen()
    deliver()
    headers, path, body = receiver.received[0]
    receiver.received = [(headers, path, body.replace(b"1", b"2")), ({**headers, "webhook-id": "evt_2"}, path, body)]
    assert not receiver.is_signed_by(endpoint.secret, at=0)
    assert not receiver.is_signed_by(endpoint.secret, at=1)
    receiver.received = [(headers, path, body)]
    assert not receiver.is_signed_by("whsec_" + "A" * 43 + "=")


def test_only_who_listens_hears(endpoint, receiver):
    other = add(f"{receiver.url}/other", ["customer.archetype_changed"])
    happen()
    assert deliver() == (1, 0)
    assert not other.deliveries.exists()


def test_an_unknown_event_type_is_a_mistake_of_ours(endpoint):
    with pytest.raises(ValueError, match="none of"):
        emit("customer.born", lambda: {})


def test_nobody_listening_costs_one_query(db):
    for tell in (happen, lambda: emit_changes("customer.archetype_changed", lambda: 1 / 0, {})):
        with CaptureQueriesContext(connection) as queries:
            assert not tell()
        assert len(queries) == 1
    assert not WebhookEvent.objects.exists()
    assert not Job.objects.exists()


def test_an_event_is_there_if_and_only_if_what_it_tells_is(endpoint):
    def half_done():
        with transaction.atomic():
            assert happen()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert not WebhookEvent.objects.exists()
    assert not Delivery.objects.exists()


def test_a_job_is_started_after_the_commit_and_only_one_waits(endpoint, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        happen()
        happen()
        assert not Job.objects.exists()
    job = Job.objects.get()
    assert (job.kind, job.only_one_of, job.state) == ("deliver-webhooks", "webhooks", "queued")


def test_changes_travel_by_five_hundred(endpoint, receiver):
    sent = emit_changes("customer.archetype_changed", lambda: [{"customer_id": str(n)} for n in range(1_001)], {"run_id": 1})
    assert sent == 3
    assert deliver() == (3, 0)
    assert [len(message["data"]["changes"]) for message in receiver.messages] == [500, 500, 1]
    assert {message["data"]["run_id"] for message in receiver.messages} == {1}
    ids = [change["customer_id"] for message in receiver.messages for change in message["data"]["changes"]]
    assert ids == [str(n) for n in range(1_001)]
    assert max(len(body) for _, _, body in receiver.received) < 64 * 1024


# --- Attempts that fail ---------------------------------------------------------------------------------------------------


def test_a_failed_message_is_sent_again_with_the_same_id_and_body(endpoint, receiver):
    receiver.statuses = [500, 503, 200]
    happen()
    for expected in ((0, 1), (0, 1), (1, 0)):
        assert deliver() == expected
        assert deliver() == (0, 0)  # not before its time
        make_due()
    ids = {headers["webhook-id"] for headers, _, _ in receiver.received}
    assert len(ids) == 1
    assert len({body for _, _, body in receiver.received}) == 1
    assert Delivery.objects.get().attempts == 3
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_the_waits_grow_by_the_schedule_and_then_it_is_given_up(endpoint, receiver):
    receiver.statuses = [500]
    happen()
    delivery = Delivery.objects.get()
    for wait in RETRY_SECONDS:
        assert deliver() == (0, 1)
        assert wait - 2 < seconds_to_next(delivery) < wait * 1.2 + 2
        assert delivery.state == "failed"
        make_due()
    assert deliver() == (0, 1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("abandoned", 10, None)
    assert delivery.last_error == "It answered 500."


def test_who_hangs_is_left_and_asked_again(endpoint, receiver, monkeypatch):
    receiver.hangs = True
    happen()
    with monkeypatch.context() as hurried:
        hurried.setattr(http, "ATTEMPT_SECONDS", 0.3)
        assert deliver() == (0, 1)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.last_status) == ("failed", None)
    assert "did not answer" in delivery.last_error
    receiver.hangs = False
    make_due()
    assert deliver() == (1, 0)


def test_where_nobody_answers_the_others_wait_and_follow_at_once_when_one_arrives(endpoint, receiver):
    receiver.breaks_off = True
    for number in range(5):
        happen(number)
    assert deliver() == (0, 1)
    assert len(receiver.received) == 1
    first = Delivery.objects.get(attempts=1)
    assert seconds_to_next(first) < 10
    assert all(seconds_to_next(other) > 250 for other in Delivery.objects.filter(attempts=0))
    happen(5)
    assert deliver() == (0, 0)
    receiver.breaks_off = False
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=ago(seconds=1))
    assert deliver() == (6, 0)


def test_who_is_too_busy_is_left_alone_for_as_long_as_asked(endpoint, receiver):
    receiver.statuses, receiver.headers = [429, 200], {"Retry-After": "1200"}
    for number in range(3):
        happen(number)
    assert deliver() == (0, 1)
    happen(3)
    assert all(1_100 < seconds_to_next(delivery) <= 1_200 for delivery in Delivery.objects.all())
    assert deliver() == (0, 0)
    make_due()
    assert deliver() == (4, 0)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_is_too_busy_without_saying_for_how_long_is_asked_again_with_one_message(endpoint, receiver, status):
    receiver.statuses = [status, 200]
    happen(1)
    happen(2)
    assert deliver() == (0, 1)
    first, other = Delivery.objects.order_by("-attempts")
    assert seconds_to_next(first) < 10
    assert seconds_to_next(other) > 250
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=ago(seconds=1))
    assert deliver() == (2, 0)


def test_no_receiver_makes_us_wait_for_more_than_an_hour(endpoint, receiver):
    receiver.statuses, receiver.headers = [503], {"Retry-After": "999999"}
    happen()
    assert deliver() == (0, 1)
    assert 3_500 < seconds_to_next(Delivery.objects.get()) <= 3_600


def test_a_persons_test_is_sent_in_the_middle_of_a_pause_and_ends_it_when_it_arrives(endpoint, receiver):
    receiver.statuses, receiver.headers = [429, 200], {"Retry-After": "1200"}
    happen(1)
    happen(2)
    assert deliver() == (0, 1)
    send_test(endpoint)
    assert deliver() == (2, 0)
    assert [message["type"] for message in receiver.messages] == [PUBLISHED, "webhook.test", PUBLISHED]


def test_a_refused_message_does_not_hold_up_the_others(endpoint, receiver):
    receiver.statuses = [400, 200]
    happen(1)
    happen(2)
    assert deliver() == (1, 1)


def test_a_slow_receiver_holds_up_nobody_else(endpoint, receiver, monkeypatch):
    """The slow one answers its first message only when the other has had one that happens in the middle of that."""
    monkeypatch.setattr(http, "ATTEMPT_SECONDS", 30.0)
    other = Receiver()
    add(other.url, [MOVED])
    endpoint.events = [PUBLISHED]
    endpoint.save()
    for number in range(3):
        happen(number)
    receiver.may_answer.clear()

    def meanwhile():
        if receiver.received and not WebhookEvent.objects.filter(type=MOVED).exists():
            emit_changes(MOVED, lambda: [{"customer_id": "sarah"}], {})
        if other.received:
            receiver.may_answer.set()

    tally = Tally()
    try:
        deliver_due(tally, between=meanwhile)
    finally:
        other.close()
    assert (tally.delivered, tally.failed) == (4, 0)
    assert [message["data"]["run_id"] for message in receiver.messages] == [0, 1, 2]


def test_what_is_under_way_when_the_worker_stops_is_settled_and_nothing_more_is_begun(endpoint, receiver):
    class Stopping(Exception):
        pass

    for number in range(3):
        happen(number)

    def stop_once_something_is_under_way():
        if receiver.received:
            raise Stopping

    with pytest.raises(Stopping):
        deliver_due(Tally(), between=stop_once_something_is_under_way)
    delivered = Delivery.objects.filter(state="delivered").count()
    assert delivered == len(receiver.received)
    assert Delivery.objects.filter(attempts=0).count() == 3 - delivered


def test_a_redirect_is_a_failure_that_says_what_to_do(endpoint, receiver):
    receiver.statuses, receiver.headers = [301], {"Location": f"{receiver.url}/elsewhere"}
    happen()
    assert deliver() == (0, 1)
    assert [path for _, path, _ in receiver.received] == ["/hooks"]
    assert "redirect" in Delivery.objects.get().last_error


def test_410_disables_at_once_and_gives_up_what_waits(endpoint, receiver, caplog):
    receiver.statuses = [500, 410]
    happen(1)
    deliver()
    happen(2)
    deliver()
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert "410" in endpoint.disabled_reason
    assert set(Delivery.objects.values_list("state", "next_attempt_at")) == {("abandoned", None)}
    assert "is disabled" in caplog.text
    assert "/hooks" not in caplog.text  # a path may be a secret
    assert happen(3) is None


def test_five_days_of_nothing_but_failures_disable(endpoint, receiver, caplog):
    receiver.statuses = [500]
    happen(1)
    deliver()
    WebhookEndpoint.objects.update(failing_since=ago(days=4, hours=23))
    make_due()
    deliver()
    assert WebhookEndpoint.objects.get().is_enabled
    WebhookEndpoint.objects.update(failing_since=ago(days=5, seconds=1))
    make_due()
    deliver()
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert endpoint.disabled_reason == "Nothing could be delivered for 5 days. Last: It answered 500."
    assert "is disabled" in caplog.text
    assert not Delivery.objects.exclude(state="abandoned").exists()


def test_one_success_ends_the_counting(endpoint, receiver):
    receiver.statuses = [500, 200, 500]
    happen(1)
    deliver()
    WebhookEndpoint.objects.update(failing_since=ago(days=6))
    make_due()
    receiver.statuses = [200]
    deliver()
    receiver.statuses = [500]
    happen(2)
    deliver()
    endpoint.refresh_from_db()
    assert endpoint.is_enabled
    assert endpoint.failing_since > timezone.now() - timedelta(minutes=5)


def test_a_failure_long_after_an_earlier_message_was_given_up_begins_a_new_count(endpoint, receiver):
    receiver.statuses = [500]
    happen(1)
    deliver()
    Delivery.objects.update(state="abandoned", next_attempt_at=None)
    WebhookEndpoint.objects.update(failing_since=ago(days=30))
    happen(2)
    assert deliver() == (0, 1)
    endpoint.refresh_from_db()
    assert endpoint.is_enabled
    assert endpoint.failing_since > timezone.now() - timedelta(minutes=5)


def test_a_failure_while_an_earlier_message_is_still_tried_goes_on_counting(endpoint, receiver):
    receiver.statuses = [500]
    happen(1)
    deliver()
    WebhookEndpoint.objects.update(failing_since=ago(days=6))
    happen(2)
    assert deliver() == (0, 1)
    assert not WebhookEndpoint.objects.get().is_enabled


def test_another_address_begins_afresh_and_gets_what_waited(endpoint, receiver):
    receiver.statuses = [500]
    happen(1)
    deliver()
    WebhookEndpoint.objects.update(failing_since=ago(days=6), paused_until=timezone.now() + timedelta(minutes=5))
    endpoint.refresh_from_db()
    change(endpoint, url=endpoint.url, description="The same address")
    assert deliver() == (0, 0)
    change(endpoint, url=f"{receiver.url}/new")
    assert deliver() == (0, 1)
    assert receiver.received[-1][1] == "/hooks/new"
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.paused_until) == (True, None)
    assert endpoint.failing_since > timezone.now() - timedelta(minutes=5)


def test_what_the_old_address_answers_says_nothing_about_the_new_one(endpoint, receiver):
    happen()
    claimed = claim(Delivery.objects.get().pk)
    change(WebhookEndpoint.objects.get(), url=f"{receiver.url}/new")
    settle(claimed, Outcome(410, "It answered 410."))
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.failing_since) == (True, None)


def test_what_happened_before_it_was_enabled_is_not_sent(endpoint, receiver):
    """A long transaction that began before somebody disabled it leaves its message afterwards."""
    happen(1)
    WebhookEndpoint.objects.update(is_enabled=False)
    endpoint.refresh_from_db()
    switch(endpoint, on=True)
    assert Delivery.objects.get().state == "abandoned"
    happen(2)
    assert deliver() == (1, 0)
    assert receiver.messages[0]["data"] == {"run_id": 2}


def test_enabling_what_is_enabled_gives_nothing_up(endpoint, receiver):
    happen()
    switch(endpoint, on=True)
    assert deliver() == (1, 0)


@pytest.mark.parametrize(("outcome", "state"), [(Outcome(500, "It answered 500."), "abandoned"), (Outcome(200), "delivered")])
def test_what_is_under_way_while_it_is_disabled_and_enabled_again_is_not_tried_again(endpoint, outcome, state):
    happen()
    claimed = claim(Delivery.objects.get().pk)
    switch(endpoint, on=False)
    switch(endpoint, on=True)
    settle(claimed, outcome)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_attempt_at) == (state, None)


def test_enabling_begins_afresh(endpoint, receiver):
    disable(endpoint, "Nothing could be delivered for 5 days.")
    switch(endpoint, on=True)
    assert (endpoint.is_enabled, endpoint.disabled_reason, endpoint.failing_since) == (True, "", None)
    happen()
    assert deliver() == (1, 0)


def test_a_person_who_disables_gives_no_reason_and_what_waits_is_given_up(endpoint, receiver):
    happen()
    switch(endpoint, on=False)
    assert endpoint.disabled_reason == ""
    assert Delivery.objects.get().state == "abandoned"
    assert deliver() == (0, 0)


def test_an_attempt_that_fails_while_it_is_disabled_is_the_last(endpoint):
    happen()
    claimed = claim(Delivery.objects.get().pk)
    switch(endpoint, on=False)
    assert Delivery.objects.get().state == "pending"  # it is being sent
    settle(claimed, Outcome(500, "It answered 500."))
    assert Delivery.objects.get().state == "abandoned"


def test_an_endpoint_that_is_deleted_in_the_middle_takes_its_message_along(endpoint, receiver, caplog):
    happen()
    claimed = claim(Delivery.objects.get().pk)
    delete(endpoint)
    settle(claimed, delivering.send(claimed, timezone.now()))
    assert len(receiver.received) == 1
    assert not Delivery.objects.exists()
    assert caplog.text == ""
    assert deliver() == (0, 0)


def test_what_breaks_in_our_own_code_is_a_failed_attempt_and_logged(endpoint, receiver, monkeypatch, caplog):
    monkeypatch.setattr(http, "post", lambda *args: 1 / 0)
    happen()
    assert deliver() == (0, 1)
    assert "server log" in Delivery.objects.get().last_error
    assert "ZeroDivisionError" in caplog.text


# --- Claims ---------------------------------------------------------------------------------------------------------------


def test_a_claimed_delivery_is_nobody_elses(endpoint):
    happen()
    pk = Delivery.objects.get().pk
    assert claim(pk).attempts == 1
    assert claim(pk) is None
    assert deliver() == (0, 0)


def test_a_sender_that_dies_leaves_it_due_again_and_counted(endpoint, receiver):
    happen()
    claimed = claim(Delivery.objects.get().pk)
    delivering.send(claimed, timezone.now())  # and then the power fails
    make_due()
    assert deliver() == (1, 0)
    assert len(receiver.received) == 2
    assert len({headers["webhook-id"] for headers, _, _ in receiver.received}) == 1
    assert Delivery.objects.get().attempts == 2
    settle(claimed, Outcome(500, "late"))
    assert Delivery.objects.get().state == "delivered"


def test_a_delivery_whose_every_sender_dies_is_given_up(endpoint):
    happen()
    for _ in range(10):
        assert claim(Delivery.objects.get().pk)
        make_due()
    assert claim(Delivery.objects.get().pk) is None
    assert deliver() == (0, 0)
    assert Delivery.objects.get().state == "abandoned"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_same_instant_send_each_message_once(endpoint, receiver):
    for number in range(12):
        happen(number)
    barrier, problems = threading.Barrier(3), []

    def work():
        try:
            barrier.wait()
            deliver_due(Tally())
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert problems == []
    assert sorted(message["data"]["run_id"] for message in receiver.messages) == list(range(12))
    assert set(Delivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


# --- Secrets, tests, replays ----------------------------------------------------------------------------------------------


def test_for_a_day_after_a_rotation_both_secrets_are_good(endpoint, receiver):
    old = endpoint.secret
    rotate(endpoint, timezone.now())
    assert endpoint.secret != old
    happen()
    deliver()
    assert receiver.is_signed_by(old)
    assert receiver.is_signed_by(endpoint.secret)
    WebhookEndpoint.objects.update(previous_secret_until=ago(seconds=1))
    happen()
    deliver()
    assert not receiver.is_signed_by(old)
    assert receiver.is_signed_by(endpoint.secret)


def test_a_secret_that_receivers_may_still_check_with_is_not_voided_by_a_second_rotation(endpoint):
    first, now = endpoint.secret, timezone.now()
    rotate(endpoint, now)
    second = endpoint.secret
    with pytest.raises(NotNow, match="confirm that it is to be void"):
        rotate(endpoint, now + timedelta(hours=23))
    assert endpoint.secrets_at(now) == [second, first]
    rotate(endpoint, now, void_previous=True)
    assert endpoint.secrets_at(now)[1:] == [second]
    rotate(endpoint, now + timedelta(hours=25))


def test_a_test_says_so_and_is_sent_once(endpoint, receiver):
    other = add(f"{receiver.url}/other", list(EVENTS))
    receiver.statuses = [500]
    delivery = send_test(endpoint)
    assert deliver() == (0, 1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("abandoned", 1)
    assert receiver.messages[0]["type"] == "webhook.test"
    assert not other.deliveries.exists()
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None
    switch(endpoint, on=False)
    with pytest.raises(NotNow, match="enable it"):
        send_test(endpoint)


def test_a_replay_sends_the_same_message_again(endpoint, receiver):
    receiver.statuses = [200]
    happen()
    deliver()
    replay(Delivery.objects.get())
    assert deliver() == (1, 0)
    (first, _, body), (second, _, again) = receiver.received
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again


def test_what_was_disabled_a_moment_ago_is_not_replayed_either(endpoint, receiver):
    happen()
    deliver()
    seen = Delivery.objects.select_related("endpoint").get()
    disable(endpoint, "")
    with pytest.raises(NotNow, match="disabled"):
        replay(seen)
    assert Delivery.objects.get().state == "delivered"


def test_each_attempt_is_written_down_with_the_moment_that_was_signed(endpoint, receiver):
    receiver.statuses = [500, 204]
    happen()
    for _ in range(2):
        deliver()
        make_due()
    second, first = Attempt.objects.all()
    assert [(each.number, each.status, each.error) for each in (first, second)] == [(1, 500, "It answered 500."), (2, 204, "")]
    signed = [int(headers["webhook-timestamp"]) for headers, _, _ in receiver.received]
    assert [int(each.sent_at.timestamp()) for each in (first, second)] == signed
    assert all(0 < each.duration_seconds < 10 for each in (first, second))


def test_the_end_of_an_attempt_that_another_sender_took_over_is_not_written_down(endpoint):
    happen()
    late = claim(Delivery.objects.get().pk)
    make_due()
    rival = claim(late.pk)
    settle(rival, Outcome(204))
    settle(late, Outcome(500, "It answered 500."))
    assert [(each.number, each.status) for each in Attempt.objects.all()] == [(2, 204)]


def test_what_is_on_its_way_or_disabled_is_not_replayed(endpoint):
    happen()
    with pytest.raises(NotNow, match="on its way"):
        replay(Delivery.objects.get())
    switch(endpoint, on=False)
    with pytest.raises(NotNow, match="enable it"):
        replay(Delivery.objects.select_related("endpoint").get())


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("https://example.com", []),
        ("https://example.com", ["customer.born"]),
        ("ftp://example.com", [PUBLISHED]),
        ("", [PUBLISHED]),
    ],
)
def test_a_webhook_that_cannot_be_right_is_not_stored(db, url, events):
    with pytest.raises(ValidationError):
        add(url, events)
    assert not WebhookEndpoint.objects.exists()


def test_there_is_an_end_to_webhooks(endpoint):
    for number in range(MOST_ENDPOINTS - 1):
        add(f"https://example.com/{number}", [PUBLISHED])
    with pytest.raises(NotNow, match="already"):
        add("https://example.com/one-more", [PUBLISHED])


# --- As a job -------------------------------------------------------------------------------------------------------------


def test_the_job_sends_what_is_due_waits_for_the_first_retry_and_clears_up(endpoint, receiver, monkeypatch):
    monkeypatch.setattr(delivering, "RETRY_SECONDS", (0.4, *RETRY_SECONDS[1:]))
    monkeypatch.setattr(tasks, "STAYS_SECONDS", 60.0)
    receiver.statuses = [500, 200]
    done = Job.objects.create(kind=tasks.KIND, title="Before", state="done")
    happen(1)
    job = start_delivering()
    assert start_delivering() is None
    ended = running.run(job.pk)
    assert ended.state == "done", ended.error
    assert ended.result["summary"] == "1 message delivered, 1 attempt failed."
    assert not Job.objects.filter(pk=done.pk).exists()


def test_a_job_whose_turn_is_over_leaves_the_rest_to_one_behind_the_others_that_wait(endpoint, receiver, monkeypatch):
    happen()
    job = start_delivering()
    with monkeypatch.context() as short:
        short.setattr(tasks, "TURN_SECONDS", 0.0)
        short.setattr(tasks, "STAYS_SECONDS", -1.0)
        assert running.run(job.pk).state == "done"
    assert receiver.received == []
    assert running.run(Job.objects.get(state="queued").pk).result["summary"] == "1 message delivered."


def test_the_schedule_finds_what_is_due(endpoint):
    assert start_due_deliveries() is None
    happen()
    Job.objects.all().delete()
    job = start_due_deliveries()
    assert job is not None
    assert start_due_deliveries() is None
    Job.objects.update(state="running")
    assert start_due_deliveries() is None


def test_the_ticking_schedule_looks_for_deliveries(endpoint, monkeypatch):
    from quimbi import schedule

    happen()
    Job.objects.all().delete()
    schedule.tick()
    assert Job.objects.filter(kind="deliver-webhooks").count() == 1
