"""Requests a minute and customers a day: counted exactly, told in headers, refused with a sentence."""

import sqlite3
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import accounts.api
import accounts.limited
from accounts import counting
from accounts.models import ApiKey, CustomerRead, DayCount, MinuteCount
from tests.factories import make_customer, make_shop

pytestmark = pytest.mark.django_db
threaded = pytest.mark.django_db(transaction=True)
TOP = "/api/mcp/archetypes/top"
NOON = datetime(2026, 11, 26, 12, 0, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop():
    make_shop()


@pytest.fixture(autouse=True)
def nobody_sulks(monkeypatch):
    monkeypatch.setattr(counting, "_quiet_until", 0.0)


@pytest.fixture(autouse=True)
def nobody_was_here_before(settings):
    """People have the same numbers in each test, and Redis outlives the tests."""
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL)
        for name in client.scan_iter("quimbi:requests:person:*"):
            client.delete(name)


@pytest.fixture
def rows(settings):
    """No Redis: counted in the database."""
    settings.REDIS_URL = ""


@pytest.fixture(autouse=True)
def frozen():
    """Noon, so that no test meets the end of a minute or of a day."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def customers():
    return [make_customer(f"Person {n}", orders=1, customer_id=f"c{n}") for n in range(5)]


def client_of(**limits):
    row, secret = ApiKey.issue("test", ["read"], **limits)
    return row, Client(headers={"X-API-Key": secret})


def limits_of(answer):
    return tuple(int(answer[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


def refused(answer, code):
    assert answer.status_code == 429, answer.content
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].endswith(".")
    return int(answer["Retry-After"])


# --- Requests a minute -------------------------------------------------------------------------------------------------


def test_every_answer_tells_what_is_left():
    _, client = client_of(requests_a_minute=5)
    assert limits_of(client.get(TOP)) == (5, 4, 40)
    assert limits_of(client.get("/api/mcp/customer/nobody")) == (5, 3, 40)
    assert limits_of(client.get(TOP, {"unknown": 1})) == (5, 2, 40)
    assert limits_of(client.post(TOP)) == (5, 1, 40)
    assert limits_of(client.get("/api/schema")) == (5, 0, 40)


def test_one_request_too_many_is_429_and_says_how_long_to_wait():
    _, client = client_of(requests_a_minute=2)
    assert [client.get(TOP).status_code for _ in range(2)] == [200, 200]
    for path in (TOP, "/api/schema"):
        answer = client.get(path)
        assert refused(answer, "rate_limited") == 40
        assert limits_of(answer) == (2, 0, 40)
    assert answer.json()["error"]["message"] == "You may send 2 requests a minute; wait 40 s."


def test_the_next_minute_begins_anew(frozen):
    _, client = client_of(requests_a_minute=1)
    client.get(TOP)
    frozen.shift(39)
    assert client.get(TOP).status_code == 429
    frozen.shift(1)
    answer = client.get(TOP)
    assert answer.status_code == 200
    assert limits_of(answer) == (1, 0, 60)


def test_keys_and_people_are_counted_apart(person_client, settings):
    settings.API_REQUESTS_A_MINUTE = 1
    _, first = client_of(requests_a_minute=1)
    _, second = client_of(requests_a_minute=1)
    person, other = person_client("agent"), person_client("agent")
    for client in (first, second, person, other):
        assert client.get(TOP).status_code == 200
        assert client.get(TOP).status_code == 429


@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_a_key_and_its_successors_may_ask_and_read_as_much_as_one(store, customers, settings):
    if store == "rows":
        settings.REDIS_URL = ""
    old, client = client_of(requests_a_minute=6, customers_a_day=3)
    second, secret = old.rotate(timezone.now())
    _, last = second.rotate(timezone.now())
    clients = [client, *(Client(headers={"X-API-Key": each}) for each in (secret, last))]
    asked = [(0, "c0", 200), (1, "c1", 200), (2, "c2", 200), (0, "c3", 429), (1, "c4", 429), (2, "c1", 200), (0, "c1", 429)]
    answers = [clients[which].get(f"/api/mcp/customer/{customer}") for which, customer, _ in asked]
    assert [answer.status_code for answer in answers] == [status for *_, status in asked]
    assert [answer.json()["error"]["code"] for answer in answers if answer.status_code == 429] == [
        "harvest_limit", "harvest_limit", "rate_limited",
    ]  # fmt: skip
    _, another = client_of(requests_a_minute=1, customers_a_day=1)
    assert another.get("/api/mcp/customer/c4").status_code == 200


def test_a_key_without_the_scope_is_counted_too(key_client):
    answer = key_client("query").get(TOP)
    assert answer.status_code == 403
    assert limits_of(answer)[:2] == (600, 599)


def test_strangers_are_not_counted_and_told_nothing():
    answer = Client().get(TOP)
    assert answer.status_code == 401
    assert not [name for name in answer.headers if name.startswith("RateLimit")]
    assert not MinuteCount.objects.exists()


def test_a_publishable_key_gets_less_unless_told():
    assert ApiKey.issue("a", ["read"])[0].requests_a_minute == 600
    assert ApiKey.issue("a", ["read"], origins=["https://shop.example"])[0].requests_a_minute == 120
    assert ApiKey.issue("a", ["read"], origins=["https://shop.example"], requests_a_minute=900)[0].requests_a_minute == 900


def test_a_changed_limit_counts_from_the_next_request():
    row, client = client_of(requests_a_minute=1)
    client.get(TOP)
    ApiKey.objects.filter(pk=row.pk).update(requests_a_minute=10)
    assert limits_of(client.get(TOP)) == (10, 8, 40)


def test_a_machine_whose_clock_is_behind_counts_for_the_later_minute(rows):
    for now in (6_000, 5_940, 6_010):
        requests, _ = counting.count("qk_late", now, 10, 0, [])
    assert requests == 3
    assert MinuteCount.objects.get(caller="qk_late").minute == 100


def test_one_row_a_caller_is_kept_however_long_it_calls(rows):
    for minute in range(20):
        assert counting.count("qk_old", minute * 60, 10, 0, []) == (1, 0)
    assert MinuteCount.objects.count() == 1


# --- Many at once ------------------------------------------------------------------------------------------------------


def at_once(work, threads=12):
    """What `work(n)` brings back in as many threads, all of them let go at the same moment."""
    gate, found, problems = threading.Barrier(threads), [], []

    def run(n):
        try:
            gate.wait()
            found.append(work(n))
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    running = [threading.Thread(target=run, args=(n,)) for n in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert problems == []
    return found


@threaded
@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_parallel_requests_are_counted_exactly(store, settings):
    if store == "rows":
        settings.REDIS_URL = ""
    _, secret = ApiKey.issue("test", ["read"], requests_a_minute=50)
    Client(headers={"X-API-Key": secret}).get(TOP)

    def ask(n):
        mine = Client(headers={"X-API-Key": secret})
        return [mine.get(TOP) for _ in range(6)]

    answers = [answer for some in at_once(ask) for answer in some]  # 72 requests, 49 of them allowed
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (49, 23)
    left = sorted(limits_of(answer)[1] for answer in answers if answer.status_code == 200)
    assert left == list(range(49))


@threaded
@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_parallel_readers_get_exactly_the_customers_of_the_day(store, settings):
    if store == "rows":
        settings.REDIS_URL = ""

    caller = f"qk_{uuid.uuid4().hex[:8]}"

    def read(n):  # every customer is asked for by three threads
        return {i: counting.count(caller, 90_000, 10_000, 20, [f"c{i}"])[1] for i in range(n % 4, 48, 4)}

    told = at_once(read)
    allowed = {i for some in told for i, fresh in some.items() if fresh != counting.REFUSED}
    fresh = [fresh for some in told for fresh in some.values() if fresh == 1]
    assert len(allowed) == len(fresh) == 20


# --- Customers a day ---------------------------------------------------------------------------------------------------


def test_a_key_reads_so_many_different_customers_a_day_and_no_more(customers, frozen):
    _, client = client_of(customers_a_day=2)
    assert client.get("/api/mcp/customer/c0").status_code == 200
    assert client.get("/api/mcp/customer/c1/orders").status_code == 200
    assert refused(client.get("/api/mcp/customer/c2"), "harvest_limit") == 12 * 3600 - 20
    assert refused(client.get("/api/mcp/customer/c3/churn-risk"), "harvest_limit")
    for path in ("c0", "c1", "c0/churn-risk", "c1/orders"):
        assert client.get(f"/api/mcp/customer/{path}").status_code == 200
    frozen.move_to(NOON + timedelta(days=1))
    assert client.get("/api/mcp/customer/c2").status_code == 200


def test_who_is_not_there_is_not_counted(customers):
    _, client = client_of(customers_a_day=1)
    for unknown in ("x", "y", "%00", "x"):
        assert client.get(f"/api/mcp/customer/{unknown}").status_code == 404
    assert client.get("/api/mcp/customer/c1").status_code == 200
    known, unknown = client.get("/api/mcp/customer/c0"), client.get("/api/mcp/customer/x")
    assert known.status_code == unknown.status_code == 429
    assert known.json()["error"]["message"] == unknown.json()["error"]["message"]


@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_a_wrong_request_beside_a_right_one_makes_nobody_uncounted(store, customers, settings, monkeypatch):
    if store == "rows":
        settings.REDIS_URL = ""
    _, client = client_of(customers_a_day=2)
    read = []

    def meanwhile(*args):  # the wrong request has been counted and is about to be refused
        read.append(client.get(f"/api/mcp/customer/c{len(read)}").status_code)
        return "No such parameter."

    monkeypatch.setattr(accounts.api, "_unknown", meanwhile)
    told = [client.get(f"/api/mcp/customer/c{n}", {"bad": 1}).status_code for n in range(3)]
    assert (told, read) == ([400, 400, 429], [200, 200])


def test_whom_an_answer_names_is_counted_before_it_is_sent(customers):
    _, client = client_of(customers_a_day=2)
    seen, refusals = set(), 0
    for _ in range(60):
        answer = client.get("/api/mcp/customer/random")
        if answer.status_code == 200:
            seen.add(answer.json()["customer_id"])
        else:
            refused(answer, "harvest_limit")
            assert "customer_id" not in answer.content.decode()
            refusals += 1
    assert len(seen) == 2
    assert refusals


def test_a_list_is_counted_whole_or_not_at_all(settings, rows):
    assert counting.count("qk_list", 0, 0, 5, ["a", "b", "c"]) == (0, 3)
    assert counting.count("qk_list", 0, 0, 5, ["c", "d", "e", "f"]) == (0, counting.REFUSED)
    assert counting.count("qk_list", 0, 0, 5, ["c", "d", "e"]) == (0, 2)
    assert DayCount.objects.get().customers == CustomerRead.objects.count() == 5


@pytest.mark.parametrize("store", ["rows", "as set up"])
def test_a_whole_shop_is_counted_in_one_step(store, settings):
    if store == "rows":
        settings.REDIS_URL = ""
    caller, everybody = f"qk_{uuid.uuid4().hex[:8]}", [f"c{n}" for n in range(30_000)]
    assert counting.count(caller, 0, 0, 29_999, everybody) == (0, counting.REFUSED)
    assert counting.count(caller, 0, 0, 30_000, everybody) == (0, 30_000)
    assert counting.count(caller, 0, 0, 30_000, everybody) == (0, 0)
    assert counting.count(caller, 0, 0, 30_000, ["another"]) == (0, counting.REFUSED)


def test_one_request_for_more_than_a_day_is_told_how_many_it_needs_and_not_to_wait(customers):
    row, client = client_of(customers_a_day=3)
    answer = client.get("/api/mcp/customers", {"sort": "customer_id"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "harvest_limit")
    told = "This needs 5 customers, and the key may read 3 a day; ask for fewer, or ask an admin for more."
    assert answer.json()["error"]["message"] == told
    assert "Retry-After" not in answer.headers
    row.refresh_from_db()
    assert row.harvest_stopped_at is not None
    assert client.get("/api/mcp/customers", {"sort": "customer_id", "limit": 3}).status_code == 200
    assert refused(client.get("/api/mcp/customer/c4"), "harvest_limit")


def test_an_export_that_no_day_is_enough_for_is_not_told_to_wait(customers):
    answer = client_of(customers_a_day=3)[1].get("/api/mcp/export/customers")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "harvest_limit")
    assert answer.json()["error"]["message"].endswith("ask for fewer, or ask an admin for more.")
    assert "Retry-After" not in answer.headers


def test_people_and_keys_without_an_end_are_not_stopped(customers, person_client):
    _, endless = client_of(customers_a_day=0)
    for client in (endless, person_client("agent")):
        assert {client.get(f"/api/mcp/customer/c{n}").status_code for n in range(5)} == {200}
    assert not CustomerRead.objects.exists()


def test_admins_see_that_a_key_was_stopped_and_the_log_names_nobody(customers, caplog):
    row, client = client_of(customers_a_day=1)
    client.get("/api/mcp/customer/c0")
    for _ in range(3):
        client.get("/api/mcp/customer/c1")
    row.refresh_from_db()
    assert timezone.now() - row.harvest_stopped_at < timedelta(minutes=1)
    told = [record.getMessage() for record in caplog.records if record.name == "accounts.limits"]
    assert told == [f"Key {row.prefix} asked for more than 1 different customers today."]


def test_customers_are_counted_as_digests_and_yesterdays_are_forgotten(rows, customers, frozen):
    _, client = client_of()
    client.get("/api/mcp/customer/c0")
    assert "c0" not in CustomerRead.objects.get().customer
    frozen.move_to(NOON + timedelta(days=1))
    client.get("/api/mcp/customer/c1")
    client.get("/api/mcp/customer/c2")
    counting.forget_the_past(int(timezone.now().timestamp()))
    assert CustomerRead.objects.count() == DayCount.objects.get().customers == 2


# --- What is left when Redis has lost everything -----------------------------------------------------------------------


@pytest.fixture
def caller(settings):
    """Somebody whose counts lie in Redis."""
    if not settings.REDIS_URL:
        pytest.skip("only Redis can lose what it holds: set REDIS_URL")
    return f"qk_{uuid.uuid4().hex[:8]}"


def read(caller, cap, customers, now=90_000, limit=1_000_000):
    """How many of the customers, one by one, may be read."""
    return sum(counting.count(caller, now, limit, cap, [customer])[1] != counting.REFUSED for customer in customers)


def lose(caller):
    """What happened to the caller's part of Redis."""
    redis.Redis.from_url(settings.REDIS_URL).delete(counting._day_name(caller, 1), counting._beside_name(caller, 1))


def several(letter, many):
    return [f"{letter}{n}" for n in range(many)]


@pytest.mark.parametrize("cap", [1, 7, 19, 20, 39, 50, 59, 400])
def test_a_loss_forgets_no_more_than_a_twentieth(caller, cap):
    assert read(caller, cap, several("a", cap + 5)) == cap
    for letter in "bcd":
        lose(caller)
        assert read(caller, cap, several(letter, cap)) <= max(1, cap // 20)


def test_a_loss_in_the_middle_forgets_no_more_either(caller):
    done = 0
    for letter, many in (("a", 137), ("b", 99), ("c", 200)):
        done += read(caller, 400, several(letter, many))
        lose(caller)
    assert 400 <= done + read(caller, 400, several("d", 400)) <= 400 + 3 * 20


def test_rows_go_on_where_redis_was_and_redis_where_they_were(caller, settings):
    address = settings.REDIS_URL
    assert read(caller, 100, several("a", 60)) == 60
    settings.REDIS_URL = ""
    assert read(caller, 100, several("b", 100)) <= 40 + 5
    settings.REDIS_URL = address  # it comes back with all that it knew, and then without
    assert read(caller, 100, several("c", 100)) <= 5
    lose(caller)
    assert read(caller, 100, several("d", 100)) <= 5


def test_a_list_is_kept_whole_at_once(caller):
    assert counting.count(caller, 90_000, 0, 2_000, several("a", 1_990)) == (0, 1_990)
    lose(caller)
    assert counting.count(caller, 90_000, 0, 2_000, several("b", 11)) == (0, counting.REFUSED)
    assert counting.count(caller, 90_000, 0, 2_000, several("b", 10)) == (0, 10)


@pytest.mark.parametrize("cap", [1, 5, 100])
def test_who_is_not_there_is_not_kept_either(caller, cap):
    for n in range(3 * cap):
        assert counting.count(caller, 90_000, 1_000, cap, [f"nobody{n}"])[1] == 1
        counting.forget(caller, 90_000, f"nobody{n}")
    assert read(caller, cap, several("a", cap + 5)) == cap


def test_keeping_costs_some_twenty_writes_a_day(caller):
    with CaptureQueriesContext(connection) as queries:
        read(caller, 400, several("a", 400))
    assert len([query for query in queries if query["sql"].strip().startswith("INSERT")]) <= 21
    with CaptureQueriesContext(connection) as queries:
        read(caller, 400, several("a", 400))
        read(caller, 400, several("b", 50))
    assert not queries.captured_queries


def test_what_cannot_be_kept_is_counted_all_the_same(caller, monkeypatch, caplog):
    monkeypatch.setattr(counting, "KEEP", "SELECT nothing FROM nowhere")
    assert read(caller, 1, ["a", "b"]) == 1
    assert read(caller, 3, ["b", "c", "d"]) == 2
    assert "was not kept" in caplog.text


def test_the_next_day_begins_with_nobody(caller):
    assert read(caller, 10, several("a", 10)) == 10
    assert read(caller, 10, several("b", 20), now=90_000 + counting.DAY_SECONDS) == 10


# --- What it costs, and what is down -----------------------------------------------------------------------------------


def test_a_limit_costs_one_statement_and_none_on_redis(customers, settings, django_assert_num_queries):
    _, client = client_of()
    client.get("/api/mcp/customer/c0")
    with django_assert_num_queries(3 if settings.REDIS_URL else 4):  # key, newest order, everything else
        client.get("/api/mcp/customer/c0")


def test_a_redis_that_is_down_is_asked_once_and_replaced_by_rows(settings, caplog, customers, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    _, client = client_of(requests_a_minute=2)
    assert [client.get("/api/mcp/customer/c0").status_code for _ in range(3)] == [200, 200, 429]
    assert caplog.text.count("Redis did not answer") == 1
    assert MinuteCount.objects.get().requests == 3

    def fails(*args):
        raise redis.ConnectionError

    monkeypatch.setattr(counting, "_count_in_redis", fails)
    monkeypatch.setattr(counting, "_quiet_until", 0.0)
    assert client.get(TOP).status_code == 429


@pytest.fixture
def uncountable(rows, monkeypatch):
    """Nothing can be counted."""

    def fails(*args):
        raise DatabaseError("database is locked")

    monkeypatch.setattr(counting, "_count_in_rows", fails)


def test_a_database_that_cannot_count_lets_a_single_request_pass(uncountable, customers, caplog):
    answer = client_of(requests_a_minute=1)[1].get("/api/mcp/customer/c0")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("RateLimit")]
    assert "uncounted" in caplog.text


@pytest.mark.parametrize("path", ["customers?sort=customer_id", "export/customers", "customer/random"])
def test_what_shows_customers_waits_until_they_can_be_counted(uncountable, customers, path):
    answer = client_of(customers_a_day=100)[1].get(f"/api/mcp/{path}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    error = answer.json()["error"]
    assert (error["code"], error["message"][-1]) == ("unavailable", ".")
    assert client_of(customers_a_day=0)[1].get(f"/api/mcp/{path}").status_code == 200


@pytest.fixture
def long_write(rows, customers, monkeypatch):
    """Somebody else writes, and nobody waits for long."""
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite locks everything")
    monkeypatch.setattr(counting, "LOCK_PATIENCE_MILLISECONDS", 20)
    writer = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)

    def begin():
        writer.execute("BEGIN IMMEDIATE")

    yield begin
    writer.close()


def the_usual_patience():
    return connection.settings_dict["OPTIONS"]["timeout"]


@threaded
def test_a_long_write_keeps_no_reader_waiting_for_more_than_a_moment(long_write, caplog):
    row, client = client_of()
    long_write()
    begun = time.monotonic()
    assert client.get(TOP).status_code == 200
    assert time.monotonic() - begun < the_usual_patience()
    assert f"The use of key {row.prefix} was not noted" in caplog.text


@threaded
def test_a_long_write_keeps_no_refusal_waiting_either(long_write, caplog):
    row, client = client_of(customers_a_day=1)
    long_write()
    begun = time.monotonic()
    assert client.get("/api/mcp/customers?sort=customer_id").status_code == 429
    assert time.monotonic() - begun < the_usual_patience()
    assert f"That key {row.prefix} was stopped was not noted" in caplog.text


def test_what_breaks_while_an_answer_is_counted_is_told_in_the_usual_shape(customers, monkeypatch):
    def breaks(*args):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr(accounts.limited, "count_customers", breaks)
    answer = client_of()[1].get("/api/mcp/customer/random")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
