"""The commands: what they print, what they refuse, and what becomes a job."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Shop
from customers.importing import running, set_aside, storing_orders
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, Order
from jobs.models import Job
from jobs.reporting import LeaseLost
from support.models import Ticket
from tests.customers.importing.storage import everything_stored, indexes_and_keys, write_tables

pytestmark = pytest.mark.django_db

ORDERS = "Ref,Who,When,Sum\n1,C1,2026-03-02T12:00:00Z,12.50\n2,C2,2026-03-03T12:00:00Z,7.50\n"
SAID = ("--currency", "usd", "--map", "order_id=Ref", "customer_id=Who", "placed_at=When", "amount=Sum")


def run(command, *arguments):
    """What the command prints."""
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def refusal(command, *arguments):
    """Its sentence when it stores nothing."""
    with pytest.raises(CommandError) as refused:
        run(command, *arguments)
    assert str(refused.value).count("\n") == 0
    assert not any(everything_stored().values())
    return str(refused.value)


def a_file(folder, content, name="sales.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_import_orders_stores_a_file_and_prints_what_came_of_it(tmp_path):
    path = a_file(tmp_path, "Bestellung;Kunde;Wann;Summe\n1;7;2026-03-04;12,50\n2;8;2026-03-05;1.000,00\n")
    printed = run(
        "import_orders", path, "--source", "generic",
        "--map", "order_id=Bestellung", "customer_id=Kunde", "placed_at=Wann", "amount=Summe",
        "--currency", "EUR", "--decimal", ",", "--date-order", "ymd", "--amount-per", "order", "--time-zone", "Europe/Berlin",
    )  # fmt: skip
    assert sorted(map(str, Order.objects.values_list("total", flat=True))) == ["1000.00", "12.50"]
    assert Shop.current().currency == "EUR"
    assert "2 rows read and stored." in printed
    assert "2 new orders." in printed
    assert "Done in" in printed
    job = Job.objects.get()
    assert (job.kind, job.state, job.only_one_of) == ("import", "done", "import")
    assert DataImport.objects.get().state == DataImport.State.DONE


def test_the_same_file_by_another_command_line_changes_nothing(tmp_path):
    path = a_file(tmp_path, ORDERS)
    run("import_orders", path, "--source", "generic", *SAID)
    before = everything_stored()
    assert "2 unchanged orders." in run("import_orders", path, *SAID)
    assert everything_stored() == before


def test_import_customers_and_tickets(tmp_path):
    run("import_customers", a_file(tmp_path, "customer_id,email,first_name\n7,ann@example.com,Ann\n"))
    desk = (
        "ticket_id,customer_email,created_at,channel,subject,tags,messages\n"
        "t1,ann@example.com,2026-03-01T10:00:00Z,Aircall,It is broken,,4\n"
        "t2,ann@example.com,2026-03-02T10:00:00Z,,Hello,refund,1\n"
    )
    assert "2 new tickets." in run("import_tickets", a_file(tmp_path, desk))
    found = Ticket.objects.order_by("ticket_id").values_list("customer", "channel", "topic", "message_count")
    ann = Customer.objects.get().pk
    assert list(found) == [(ann, "phone", "technical", 4), (ann, "other", "return", 1)]


def test_import_tables(tmp_path):
    assert "20 new orders" in run("import_tables", write_tables(tmp_path / "t", customers=4, orders=20))
    assert DataImport.objects.get().state == DataImport.State.DONE


def test_rejected_rows_are_pointed_at(tmp_path):
    rows = "".join(f"{n},C1,2026-03-02T12:00:00Z,{'x' if n == 7 else '5.00'}\n" for n in range(1, 51))
    told = run("import_orders", a_file(tmp_path, "Ref,Who,When,Sum\n" + rows), *SAID)
    assert "50 rows read, 49 stored, 1 rejected." in told
    assert f"Rejected rows, with line, column and reason: {path_of(DataImport.objects.get().token)}" in told
    assert Order.objects.count() == 49


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 20, "The file is a picture"),
        ("roses,violets\nred,blue\n", ""),
        (ORDERS.replace("7.50", "seven"), "1 of 2 rows are broken, more than 5%"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "none.csv" if content is None else a_file(tmp_path, content)
    told = refusal("import_orders", path, *(SAID if content and b"Ref" in path.read_bytes() else ()))
    assert told
    assert sentence in told
    if content is not None:
        data_import = DataImport.objects.get()
        assert (data_import.state, data_import.summary["problem"]) == (DataImport.State.REFUSED, told)


def test_a_folder_is_pointed_to_the_six_tables(tmp_path):
    assert "is a folder; name one file, or use import_tables" in refusal("import_orders", tmp_path)


def test_a_column_that_the_file_does_not_have_is_named(tmp_path):
    assert "Betrag" in refusal("import_orders", a_file(tmp_path, ORDERS), *SAID[:-1], "amount=Betrag")


def test_map_without_an_equals_sign_is_explained(tmp_path):
    sentence = "--map total is not understood; write it as field=column."
    assert refusal("import_orders", a_file(tmp_path, ORDERS), "--map", "total") == sentence


def test_a_second_import_at_the_same_time_is_told_to_wait(tmp_path):
    Job.objects.create(
        kind="import", title="another", only_one_of="import", state=Job.State.RUNNING, attempts=1,
        lease_until=timezone.now() + timedelta(minutes=5),
    )  # fmt: skip
    told = refusal("import_tables", write_tables(tmp_path / "t", customers=4, orders=20))
    assert told.startswith("Another import is running")
    assert Job.objects.count() == 1


# --- stopped in the middle -------------------------------------------------------------------------------------------


in_earnest = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path):
    return write_tables(tmp_path / "t", customers=4, orders=20)


@pytest.fixture
def stop_at_the_lines(monkeypatch):
    """Somebody presses Ctrl-C while orders are stored."""

    def stop(folder):
        def press(*args):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(storing_orders, "_write_lines", press)
            with pytest.raises(CommandError) as told:
                call_command("import_tables", folder)
        return told.value

    return stop


def lose_process(job, **columns):
    """What a killed process leaves behind, once its lease is over."""
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(
        **{"state": "running", "attempts": 1, "lease_until": past, "lease_token": "gone", "ended_at": None, **columns}
    )


@in_earnest
def test_after_ctrl_c_the_same_command_goes_on_where_it_was(folder, stop_at_the_lines, capsys):
    told = stop_at_the_lines(folder)
    assert str(told) == "The import was stopped; a part is stored, and the same command goes on where it was."
    assert told.returncode == 130
    stopped = DataImport.objects.get()
    assert (stopped.state, stopped.job.state) == ("stopped", "cancelled")
    call_command("import_tables", folder)
    done = DataImport.objects.get()
    assert (done.pk, done.state) == (stopped.pk, "done")
    assert (Order.objects.count(), LineItem.objects.count()) == (20, 50)
    printed = capsys.readouterr().out
    assert "This import was begun before; it goes on." in printed
    assert "4 new customers" in printed  # as counted before the stop


@in_earnest
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL sets indexes aside")
def test_after_ctrl_c_it_is_said_that_indexes_are_missing(folder, stop_at_the_lines, monkeypatch):
    monkeypatch.setattr(set_aside, "WORTH_IT", 1)
    before = indexes_and_keys()
    assert "Until then pages may be slow: indexes are missing" in str(stop_at_the_lines(folder))
    call_command("import_tables", folder)
    assert indexes_and_keys() == before


@in_earnest
def test_ctrl_c_before_anything_is_stored_says_so(folder, monkeypatch):
    def press(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("customers.importing.loading.TakingIn", press)
    with pytest.raises(CommandError, match="The import was stopped; nothing was stored"):
        call_command("import_tables", folder)
    assert DataImport.objects.get().state == DataImport.State.REFUSED


@in_earnest
@pytest.mark.parametrize("what", ["file", "words"])
def test_another_file_or_other_words_are_another_import(folder, stop_at_the_lines, monkeypatch, what, tmp_path):
    def press(*args):
        raise KeyboardInterrupt

    path = tmp_path / "sales.csv"
    path.write_text("order_id,customer_id,created_at,total,title\n1,7,2026-03-04,12.50,Wool\n")
    asked = ["--source", "generic", "--currency", "EUR", "--date-order", "ymd", "--amount-per", "order"]
    with monkeypatch.context() as patched:
        patched.setattr(storing_orders, "_write_lines", press)
        with pytest.raises(CommandError, match="a part is stored"):
            call_command("import_orders", path, *asked)
    if what == "file":
        path.write_text("order_id,customer_id,created_at,total,title\n2,7,2026-03-04,99.50,Wool\n")
    else:
        asked += ["--time-zone", "Europe/Berlin"]
    call_command("import_orders", path, *asked)
    assert DataImport.objects.count() == 2
    assert Order.objects.get().order_id == ("2" if what == "file" else "1")


@in_earnest
def test_after_a_kill_the_same_command_takes_the_job_over_when_its_lease_is_over(folder, stop_at_the_lines):
    stop_at_the_lines(folder)
    job = Job.objects.get()
    DataImport.objects.update(state="storing")
    lose_process(job, lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match="If that process was killed, start this one again in a minute"):
        call_command("import_tables", folder)
    assert DataImport.objects.get().state == "storing"
    lose_process(job)
    call_command("import_tables", folder)
    assert [(job.state, job.attempts) for job in Job.objects.all()] == [("done", 2)]
    assert Order.objects.count() == 20


@in_earnest
def test_after_three_kills_the_same_command_begins_a_job_of_its_own(folder, stop_at_the_lines):
    stop_at_the_lines(folder)
    DataImport.objects.update(state="storing")
    lose_process(Job.objects.get(), attempts=3)
    call_command("import_tables", folder)
    assert sorted(Job.objects.values_list("state", flat=True)) == ["done", "failed"]
    assert DataImport.objects.get().state == "done"


@in_earnest
def test_an_import_that_a_killed_process_left_goes_on_before_the_next_file(folder, stop_at_the_lines, tmp_path, capsys):
    stop_at_the_lines(folder)
    lose_process(Job.objects.get())
    (tmp_path / "people.csv").write_text("customer_id,email,first_name\nc1,ann@example.com,Zoe\n")
    call_command("import_customers", tmp_path / "people.csv")
    assert "“Import t” was stopped in the middle; it goes on first." in capsys.readouterr().out
    first, second = Job.objects.order_by("ended_at")
    assert (first.title, first.state, second.title, second.state) == ("Import t", "done", "Import people.csv", "done")
    assert Order.objects.count() == 20
    assert Customer.objects.get(customer_id="c1").first_name == "Zoe"  # the newer file has the last word


@in_earnest
def test_a_demo_shop_that_a_killed_process_left_is_said_to_stand_in_the_way(folder):
    lose_process(Job.objects.create(kind="load-demo", title="Load the demo shop", only_one_of="import"))
    with pytest.raises(
        CommandError, match="“Load the demo shop” was stopped in the middle and has to end first: start a worker"
    ):
        call_command("import_tables", folder)
    assert not DataImport.objects.exists()
    assert Job.objects.count() == 1


@in_earnest
def test_an_import_that_a_worker_took_over_is_left_to_it(folder, monkeypatch):
    def slept_too_long(data_import, **more):
        Job.objects.update(lease_token="the worker's")
        raise LeaseLost

    monkeypatch.setattr(running, "run", slept_too_long)
    with pytest.raises(CommandError, match="Another process has this import; the jobs page shows how it goes on"):
        call_command("import_tables", folder)
    assert DataImport.objects.get().job.state == "running"
