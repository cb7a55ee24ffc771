"""The import wizard over HTTP: choose a file, match its columns, start; each bad file gets one sentence and nothing is lost."""

import gzip
import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

import customers.tasks  # noqa: F401
import segmentation.tasks  # noqa: F401  (what a worker knows how to do)
from accounts.models import User
from customers import metrics
from customers.importing.taking_in import TakingIn
from customers.models import Customer, DataImport, Order
from jobs import bell, running
from jobs.models import Job
from segmentation.models import ActiveRun, SegmentationRun
from tests.factories import make_customer

ORDERS = "Order No,Customer Email,Order Date,Total,Product,Gift note\n" + "".join(
    f"{1000 + n},ada{n % 40}@example.com,{1 + n % 28:02d}/{3 + n % 6:02d}/2026 10:15,{12 + n % 7}.50,Rose thread,\n"
    for n in range(120)
)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No broker here: the ids that the bell was rung for."""
    heard: list[Any] = []
    monkeypatch.setattr(bell, "ring", lambda ids: heard.extend(ids) or len(heard))
    return heard


def upload(client: Client, content: str | bytes, name: str = "orders.csv", **said: str) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post("/imports/new/", {"file": SimpleUploadedFile(name, data), **said})


def uploaded(client: Client, content: str | bytes, name: str = "orders.csv", **said: str) -> DataImport:
    response = upload(client, content, name, **said)
    assert response.status_code == 302, text_of(response)
    return DataImport.objects.latest("pk")


def text_of(response: Any) -> str:
    """What the page says, without its frame."""
    page = response.content.decode()
    page = page[page.index("<main") :] if "<main" in page else page
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def answers(client: Client, data_import: DataImport, **said: str) -> dict[str, str]:
    """What a browser would send: every field of the page as it stands, with `said` in its place."""
    page = client.get(reverse("import-map", args=[data_import.token])).content.decode()
    fields = dict(re.findall(r'<input type="hidden" name="(drawn_for)" value="([^"]*)"', page))
    for name, body in re.findall(r'<select[^>]*?name="([^"]+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"\s+selected', body)
        fields[name] = unescape(chosen[1]) if chosen else ""
    return {**fields, **said}


def start(client: Client, data_import: DataImport, **said: str) -> Any:
    return client.post(reverse("import-start", args=[data_import.token]), answers(client, data_import, **said))


def do_import(client: Client, content: str | bytes, name: str = "orders.csv", **said: str) -> Job:
    """From the upload to the end of the job."""
    data_import = uploaded(client, content, name)
    response = start(client, data_import, **said)
    assert response.status_code == 302, text_of(response)
    data_import.refresh_from_db()
    job = running.run(data_import.job_id)
    assert job is not None
    return job


NO_AMOUNT = {3: "", 9: "n/a", 19: "n/a", 29: ""}
GERMAN = "Bestellnr;Kunde;E-Mail;Datum;Artikel;Menge;Summe\n" + "".join(
    f"B{n};K{n % 97};k{n % 97}@example.com;{f'{1 + n % 28}.3' if n < 397 else '31.9'}.2026;Garn;1;{NO_AMOUNT.get(n, '9,50')}\n"
    for n in range(400)
)


def files() -> list[Path]:
    return [path for path in Path(django_settings.IMPORTS_FOLDER).rglob("*") if path.is_file()]


SAID = {"currency": "EUR", "time_zone": "Europe/Berlin", "date_order": "dmy"}


def test_the_page_says_how_much_of_the_file_is_here_already(visitor: Client):
    make_customer("Ada Known", email="ADA7@example.com")
    first = uploaded(visitor, ORDERS)
    page = text_of(visitor.get(reverse("import-map", args=[first.token])))
    assert "New customers among them 39 Known customers 1" in page
    assert "Orders already here" not in page
    do_import(visitor, ORDERS, **SAID)
    again = uploaded(visitor, ORDERS)
    page = text_of(visitor.get(reverse("import-map", args=[again.token])))
    assert "New customers among them 0 Known customers 40 Orders already here 120, brought up to date" in page


def test_a_file_is_laid_down_and_its_columns_are_offered(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    page = visitor.get(reverse("import-map", args=[data_import.token]))
    text = text_of(page)
    assert "Match columns" in text
    assert "orders.csv, 120 rows, UTF-8, comma separated" in text
    assert "Customer Email" in text
    assert re.fullmatch("[0-9a-f]{32}", data_import.token)
    assert [path.read_text() for path in files()] == [ORDERS]


def test_nothing_starts_before_every_question_is_answered(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    text = text_of(visitor.get(reverse("import-map", args=[data_import.token])))
    assert "in which currency" in text
    assert "in which time zone" in text
    refused = start(visitor, data_import)
    assert refused.status_code == 422
    assert "Something is still open" in text_of(refused)
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["orders.csv.gz", "ORDERS.TSV", "orders.txt"])
def test_other_endings_and_packed_files_are_read(visitor: Client, name: str):
    content = ORDERS.encode() if "TSV" not in name else ORDERS.replace(",", "\t").encode()
    data_import = uploaded(visitor, gzip.compress(content) if name.endswith("gz") else content, name)
    assert "Customer Email" in text_of(visitor.get(reverse("import-map", args=[data_import.token])))


def test_an_answer_shows_the_rows_anew_and_is_kept(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    part = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, **SAID), headers=HTMX)
    assert b"<html" not in part.content
    assert "Ready to import" in text_of(part)
    assert "1 Mar 2026, 10:15" in text_of(part)
    again = visitor.get(reverse("import-map", args=[data_import.token]))
    assert "Ready to import" in text_of(again)


def test_a_cell_that_cannot_be_read_is_named_in_its_place(visitor: Client):
    data_import = uploaded(visitor, ORDERS.replace("01/03/2026 10:15", "31/09/2026 10:15", 1))
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, **SAID))
    assert "q-problem" in page.content.decode()
    assert "31/09/2026" in text_of(page)


def test_columns_with_names_that_nobody_knows_are_matched_by_hand(visitor: Client):
    data_import = uploaded(visitor, "Wer;Wann;Wieviel\n" + "ada@example.com;2026-03-01T10:00:00Z;12.50\n" * 5)
    text = text_of(visitor.get(reverse("import-map", args=[data_import.token])))
    assert "Which column holds the customer" in text
    said = {"column-0": "email", "column-1": "placed_at", "column-2": "amount", "currency": "EUR"}
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, **said))
    assert "Ready to import" in text_of(page)
    twice = {**said, "column-2": "email"}
    page = visitor.post(reverse("import-start", args=[data_import.token]), answers(visitor, data_import, **twice))
    assert page.status_code == 422
    assert "E-mail is taken from Wer already" in text_of(page)


def test_a_known_source_needs_no_matching(visitor: Client):
    content = (
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price\n"
        "#1001,ada@example.com,paid,USD,12.50,12.50,2026-03-01 10:00:00 +0000,1,Rose thread,12.50\n"
    )
    text = text_of(visitor.get(reverse("import-map", args=[uploaded(visitor, content).token])))
    assert "Recognised: Shopify export, orders" in text
    assert "Goes to" not in text
    assert "Ready to import" in text


BAD = {
    "a workbook by its name": ("orders.xlsx", b"PK\x03\x04", "and not orders.xlsx; export the data as CSV"),
    "a workbook in disguise": ("orders.csv", b"PK\x03\x04" + b"\x00" * 400, "not a table of text"),
    "nothing": ("orders.csv", b"", "The file is empty: export it again."),
    "blanks": ("orders.csv", b" \n \n", "nothing but blanks"),
    "a header alone": (
        "orders.csv",
        b"Order No,Email,Date,Total\n",
        "The file has one row only: it needs a header row",
    ),
    "prose": ("notes.txt", b"Dear Ada,\nthe thread has come.\n", "The file has a header but no rows that fit it"),
    "zeros": ("orders.csv", b"Email,Date,Total\n" + bytes(range(256)) * 8, "not text"),
    "a damaged archive": ("orders.csv.gz", gzip.compress(ORDERS.encode())[:60], "damaged or cut off"),
    "a web page": ("orders.csv", b"<!DOCTYPE html><p>Sign in", "web page"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_gets_one_sentence_and_leaves_nothing_behind(visitor: Client, what: str):
    name, content, sentence = BAD[what]
    response = upload(visitor, content, name)
    assert response.status_code == 422
    assert sentence in text_of(response)
    assert files() == []
    assert not DataImport.objects.exists()


def test_no_file_at_all_is_said(visitor: Client):
    response = visitor.post("/imports/new/", {"kind": "orders"})
    assert response.status_code == 422
    assert "Choose a file first." in text_of(response)


def test_a_file_over_the_limit_is_not_kept(visitor: Client, settings: Any):
    settings.IMPORT_MAX_BYTES = 2000
    response = upload(visitor, ORDERS)
    assert response.status_code == 422
    assert "larger than 2 KB" in text_of(response)
    assert files() == []


def test_a_large_file_never_lies_in_memory(visitor: Client, settings: Any):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    row = "7,ada@example.com,2026-03-01T10:00:00Z,12.50\n"
    data_import = uploaded(visitor, "Order No,Email,Date,Total\n" + row * 50_000)
    assert Path(data_import.path).stat().st_size > 2_000_000


@pytest.mark.parametrize("name", ["../../etc/orders.csv", "..\\..\\orders.csv", "/tmp/orders.csv"])
def test_a_name_with_a_path_stays_in_its_folder(visitor: Client, name: str):
    file = io.BytesIO(ORDERS.encode())
    file.name = name
    visitor.post("/imports/new/", {"file": file})
    data_import = DataImport.objects.get()
    assert Path(data_import.path) == Path(django_settings.IMPORTS_FOLDER) / data_import.token / "upload.csv"
    assert data_import.original_name == "orders.csv"


def test_a_file_in_another_encoding_is_asked_for_and_read_by_the_answer(visitor: Client):
    content = "Bestellnummer;Email;Vorname;Datum;Betrag\n" + "".join(
        f"{n};ada{n}@example.com;Jürgen Müßig;2026-03-01T10:00:00Z;12.50\n" for n in range(30)
    )
    data_import = uploaded(visitor, content.encode("cp1252"))
    text = text_of(visitor.get(reverse("import-map", args=[data_import.token])))
    assert "choose the one that spells the names right" in text
    said = {"encoding": "cp1252", "currency": "EUR"}
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, **said))
    assert "Ready to import" in text_of(page)


def test_dates_that_could_be_two_days_are_asked_for(visitor: Client):
    content = "Order No,Email,Date,Total\n" + "".join(
        f"{n},a{n}@example.com,{1 + n % 9:02d}/05/2026,12.50\n" for n in range(40)
    )
    data_import = uploaded(visitor, content)
    assert "does the day or the month come first?" in text_of(visitor.get(reverse("import-map", args=[data_import.token])))


def test_an_answer_that_cannot_be_is_said_and_not_kept(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    page = visitor.post(
        reverse("import-map", args=[data_import.token]), answers(visitor, data_import, time_zone="Mars/Olympus")
    )
    assert page.status_code == 200
    assert "There is no time zone 'Mars/Olympus'" in text_of(page)
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, source="woocommerce"))
    assert "The file has no column for" in text_of(page)
    assert visitor.get(reverse("import-map", args=[data_import.token])).status_code == 200


def test_a_file_that_is_gone_from_the_server_is_asked_for_again(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    Path(data_import.path).unlink()
    page = visitor.get(reverse("import-map", args=[data_import.token]), follow=True)
    assert "orders.csv has to be uploaded again." in text_of(page)
    assert "Import a file" in text_of(page)


def test_agents_may_not_import(agent: Client):
    for address in ("/imports/new/", "/imports/" + "0" * 32 + "/", "/imports/" + "0" * 32 + "/rejects/"):
        assert agent.get(address).status_code == 403
    assert upload(agent, ORDERS).status_code == 403
    assert files() == []
    assert agent.post("/demo/load/").status_code == 403
    assert agent.get("/demo/remove/").status_code == 403


def test_a_foreign_import_is_as_unknown_as_one_that_never_was(visitor: Client):
    mine = uploaded(visitor, ORDERS)
    visitor.force_login(User.objects.create_user("tom", role=User.Role.MARKETER))
    for token in (mine.token, "0" * 32):
        for answer in (
            visitor.get(f"/imports/{token}/"),
            visitor.post(f"/imports/{token}/start/"),
            visitor.get(f"/imports/{token}/rejects/"),
        ):
            assert answer.status_code == 404
    visitor.force_login(User.objects.create_user("root", role=User.Role.ADMIN))
    assert visitor.get(f"/imports/{mine.token}/").status_code == 200


def test_a_form_of_another_site_is_refused_and_its_file_thrown_away(person: User):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    assert upload(client, ORDERS).status_code == 403
    assert files() == []
    client.get("/imports/new/")
    token = client.cookies["csrftoken"].value
    assert upload(client, ORDERS, csrfmiddlewaretoken=token).status_code == 302


def test_whoever_is_not_signed_in_is_sent_to_the_door(client: Client, shop: Any):
    assert upload(client, ORDERS).headers["Location"].startswith("/login/")
    assert files() == []


@pytest.mark.django_db(transaction=True)
def test_an_import_runs_as_a_job_and_is_segmented_once(visitor: Client):
    job = do_import(visitor, ORDERS, segment="on", **SAID)
    assert job.state == Job.State.DONE, job.error
    assert Order.objects.count() == 120
    assert Customer.objects.count() == 40
    page = text_of(visitor.get(reverse("job", args=[job.pk])))
    assert "120 rows read and stored." in page
    assert "40 new customers" in page
    assert files() == []  # the upload is stored: its copy goes
    [following] = Job.objects.filter(kind="segment")
    assert reverse("job", args=[following.pk]) in visitor.get(reverse("job", args=[job.pk])).content.decode()
    running.run(following.pk)
    assert SegmentationRun.objects.count() == 1
    assert ActiveRun.current() is not None
    # The same file again: nothing new, and one run more, for it was asked for.
    again = do_import(visitor, ORDERS, segment="on", **SAID)
    assert "120 unchanged orders, 120 unchanged order lines, 1 unchanged product." in again.result["details"]
    assert Order.objects.count() == 120
    assert Job.objects.filter(kind="segment").count() == 2
    assert visitor.get(reverse("import-map", args=[DataImport.objects.latest("pk").token])).headers["Location"] == (
        reverse("job", args=[again.pk])
    )


@pytest.mark.django_db(transaction=True)
def test_many_new_orders_of_a_segmented_shop_start_one_run_and_not_two(visitor: Client):
    do_import(visitor, ORDERS, segment="on", **SAID)
    running.run(Job.objects.get(kind="segment").pk)
    before = set(Job.objects.filter(kind="segment").values_list("pk", flat=True))
    rows = "".join(f"{n},new{n}@example.com,13/04/2026 10:15,20.50,Rose thread,\n" for n in range(5000, 5700))
    job = do_import(visitor, ORDERS.splitlines()[0] + "\n" + rows, segment="on", **SAID)
    assert job.state == Job.State.DONE, job.error
    [following] = Job.objects.filter(kind="segment").exclude(pk__in=before)
    assert str(following.pk) in str(job.result["links"])


@pytest.mark.django_db(transaction=True)
def test_without_segmentation_afterwards_none_is_started(visitor: Client):
    assert do_import(visitor, ORDERS, **SAID).state == Job.State.DONE
    assert not Job.objects.filter(kind="segment").exists()


@pytest.mark.django_db(transaction=True)
def test_broken_rows_come_back_as_a_file(visitor: Client):
    broken = ORDERS.replace("02/04/2026 10:15", "31/09/2026 10:15", 1)
    job = do_import(visitor, broken, **SAID)
    assert job.state == Job.State.DONE, job.error
    page = visitor.get(reverse("job", args=[job.pk]))
    assert "1 row was rejected: with a date that cannot be read." in text_of(page)
    rejects = visitor.get(reverse("import-rejects", args=[job.result["import"]]))
    assert rejects.headers["Content-Disposition"].startswith('attachment; filename="rejected-orders.csv"')
    assert rejects.headers["X-Content-Type-Options"] == "nosniff"
    assert rejects.headers["Content-Type"].startswith("text/csv")
    assert b"31/09/2026" in b"".join(rejects.streaming_content)


@pytest.mark.django_db(transaction=True)
def test_a_file_with_too_many_broken_rows_is_refused_and_can_be_set_otherwise(visitor: Client):
    make_customer("Ada Holm", orders=1)
    content = ORDERS.replace("/2026 10:15", "/2026 at noon", 30)
    job = do_import(visitor, content, **SAID)
    assert job.state == Job.State.FAILED
    assert Order.objects.count() == 1
    page = visitor.get(reverse("job", args=[job.pk])).content.decode()
    assert "more than 5%, so nothing was stored" in page
    assert "Change the settings" in page
    assert "/again/" not in page
    token = job.result["import"]
    assert reverse("import-rejects", args=[token]) in page
    settings_page = visitor.get(reverse("import-map", args=[token]))
    assert "The last try stored nothing" in text_of(settings_page)
    assert [path.name for path in files()].count("upload.csv") == 1
    assert start(visitor, DataImport.objects.get(token=token)).status_code == 302


def test_a_second_click_starts_nothing_more(visitor: Client):
    data_import = uploaded(visitor, ORDERS)
    said = answers(visitor, data_import, **SAID)
    address = reverse("import-start", args=[data_import.token])
    first, second = visitor.post(address, said), visitor.post(address, said)
    assert first.headers["Location"] == second.headers["Location"]
    [job] = Job.objects.all()
    assert job.only_one_of == "import"
    assert job.title == "Import orders.csv"


def test_the_first_page_and_the_jobs_page_lead_here(visitor: Client):
    home = visitor.get("/").content.decode()
    assert 'href="/imports/new/"' in home
    assert 'action="/demo/load/"' in home
    assert 'href="/imports/new/"' in visitor.get("/jobs/").content.decode()


def test_the_page_says_what_the_import_would_reject_and_why(visitor: Client):
    data_import = uploaded(visitor, GERMAN)
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, **SAID))
    text = text_of(page)
    assert "7 of 400 rows would be rejected: 4 without an amount, 3 with a date that cannot be read." in text
    assert "B3 K3 k3@example.com 4 Mar 2026 no amount 1 Garn" in text
    assert "99.0%" in text
    assert "can be imported as they are" not in text


def test_an_import_that_will_be_refused_is_announced(visitor: Client):
    data_import = uploaded(
        visitor, "Order No,Email,Order Date,Total\n1,a@b.com,2026-03-01T10:00Z,\n2,a@b.com,2026-03-01T10:00Z,\n"
    )
    page = visitor.post(reverse("import-map", args=[data_import.token]), answers(visitor, data_import, currency="EUR"))
    assert "2 of 2 rows would be rejected: all without an amount." in text_of(page)
    assert "An import with more than 5% rejected rows is refused." in text_of(page)


def in_currencies(*codes: str) -> str:
    rows = "".join(f"{n},a@example.com,2026-03-01T10:00Z,5.00,{code}\n" for n, code in enumerate(codes))
    return "Order No,Email,Order Date,Total,Currency\n" + rows


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [
        (["EUR", "EUR", "USD"], "2 of 3 rows tried are in EUR, and the shop's currency is USD."),
        (["EUR"], "The row is in EUR, and the shop's currency is USD."),
        (["USD", "CHF", "SEK", "NOK", "EUR"], "are in CHF, EUR, NOK and others, and the shop's currency is USD."),
        (["EUR", "EUR"], "All 2 rows tried are in EUR, and the shop's currency is USD."),
        (["USD", "EUR"], "1 of 2 rows tried is in EUR, and the shop's currency is USD."),
        (["USD", "USD"], ""),
    ],
)
def test_rows_in_a_currency_that_does_not_count_are_warned_about(visitor: Client, codes: list[str], sentence: str):
    make_customer("Ada Known", orders=1)
    data_import = uploaded(visitor, in_currencies(*codes))
    text = text_of(visitor.get(reverse("import-map", args=[data_import.token])))
    assert sentence in text
    assert ("Orders in another currency are stored and do not count" in text) == bool(sentence)


def test_the_first_file_of_a_shop_brings_its_currency_if_that_is_one(visitor: Client):
    alone, mixed = uploaded(visitor, in_currencies("EUR", "EUR")), uploaded(visitor, in_currencies("EUR", "USD"))
    pages = [text_of(visitor.get(reverse("import-map", args=[each.token]))) for each in (alone, mixed)]
    assert ["do not count" in page for page in pages] == [False, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("stored", "said", "offered"),
    [
        (False, "Nothing was stored.", ["Try again", "Change the settings"]),
        (True, "A part is stored. Going on takes it up where it stopped.", ["Go on"]),
    ],
)
def test_the_page_of_a_cancelled_import_says_what_is_stored_and_offers_what_fits(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, stored: bool, said: str, offered: list[str]
):
    data_import = uploaded(visitor, ORDERS)
    start(visitor, data_import, **SAID)
    job = Job.objects.get()

    def somebody_cancels(*args: object) -> None:
        raise running.Cancelled

    with monkeypatch.context() as patched:
        if stored:
            patched.setattr(metrics, "settle", somebody_cancels)
        else:
            patched.setattr(TakingIn, "take", somebody_cancels)
        ended = running.run(job.pk)
    assert ended is not None
    assert ended.state == Job.State.CANCELLED
    page = visitor.get(reverse("job", args=[job.pk]), headers=HTMX)
    assert said in text_of(page)
    assert re.findall(r">(Try again|Go on|Change the settings)</(?:button|a)>", page.content.decode()) == offered
    visitor.post(reverse("job-again", args=[job.pk]))
    following = Job.objects.exclude(pk=job.pk).get()
    done = running.run(following.pk)
    assert done is not None
    assert done.state == Job.State.DONE
    assert Order.objects.count() == 120
    assert done.steps[0]["name"] == ("Save customers and orders" if stored else "Read the file")


def test_a_file_in_german_is_one_of_orders_and_the_page_names_them(visitor: Client):
    data_import = uploaded(visitor, GERMAN)
    assert data_import.kind == "orders"
    text = text_of(visitor.get(reverse("import-map", args=[data_import.token])))
    assert "Match columns of orders" in text
    assert "Import 400 rows of orders" in text
    assert "ignored" not in text


def test_a_file_of_which_little_would_be_taken_is_warned_about(visitor: Client):
    content = "Email,First name,Shelf,Row,Bin\n" + "ada@example.com,Ada,1,2,3\n" * 3
    text = text_of(visitor.get(reverse("import-map", args=[uploaded(visitor, content).token])))
    assert "3 of 5 columns are not imported" in text
    assert "Import 3 rows of customers" in text


def test_an_open_question_is_asked_once_and_first(visitor: Client):
    make_customer("Ada Known", orders=1)  # the shop has a currency and a zone
    content = "Order No,Email,Date,Total\n" + "".join(f"{n},a@example.com,0{1 + n}/05/2026,12.50\n" for n in range(3))
    response = visitor.get(reverse("import-map", args=[uploaded(visitor, content).token]))
    page, text = response.content.decode(), text_of(response)
    assert "Open: order of day and month" in text
    assert page.index('id="say-date_order"') < page.index('id="say-time_zone"') < page.index('id="say-currency"')
    assert "is-invalid" not in page
    assert "q-problem" not in page
    assert "would be rejected" not in text
    assert re.search(r"Readable rows\">\s*<span class=\"text-secondary\">open<", page)
    assert "Which time zone are these dates in?" in text
    assert "orders.csv, 3 rows" in text


def test_the_tick_for_segments_follows_the_kind_until_it_is_touched(visitor: Client):
    def is_ticked(page: Any) -> bool:
        return bool(re.search(r'id="say-segment"[^>]*checked', page.content.decode()))

    def mark(page: Any) -> str:
        found = re.search(r'name="segment_was" value="(\w+)"', page.content.decode())
        assert found
        return found[1]

    data_import = uploaded(visitor, "Customer ID,Email,First name\n" + "7,ada@example.com,Ada\n" * 3)
    address = reverse("import-map", args=[data_import.token])
    page = visitor.get(address)
    assert (is_ticked(page), mark(page)) == (False, "off")
    said = answers(visitor, data_import)
    page = visitor.post(address, said | {"kind": "orders", "segment_was": "off"})
    assert (is_ticked(page), mark(page)) == (True, "on")
    page = visitor.post(address, said | {"kind": "orders", "segment_was": "on"})  # somebody took it away
    assert (is_ticked(page), mark(page)) == (False, "said")
    page = visitor.post(address, said | {"kind": "orders", "segment_was": "said"})
    assert (is_ticked(page), mark(page)) == (False, "said")
    page = visitor.post(address, said | {"kind": "customers", "segment_was": "said", "segment": "on"})
    assert (is_ticked(page), mark(page)) == (True, "said")


def test_times_with_an_offset_are_shown_in_the_zone_of_the_shop_which_is_named(visitor: Client, shop: Any):
    type(shop).objects.update(time_zone="America/Chicago")
    content = (
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price\n"
        "#1001,ada@example.com,paid,USD,12.50,12.50,2026-03-01 22:30:00 -0500,1,Rose thread,12.50\n"
    )
    text = text_of(visitor.get(reverse("import-map", args=[uploaded(visitor, content).token])))
    assert "1 row, times in America/Chicago" in text
    assert "1 Mar 2026, 21:30" in text
    assert "Check the import of orders" in text


def test_an_invented_shop_is_to_be_removed_before_an_import(visitor: Client, shop: Any):
    make_customer("Ada Invented", source="demo")
    make_customer("Ada Imported")
    data_import = uploaded(visitor, ORDERS)
    addresses = ("/imports/new/", reverse("import-map", args=[data_import.token]))
    for address in addresses:
        assert "invented" not in text_of(visitor.get(address))
    type(shop).objects.update(is_demo=True)
    for address in addresses:
        page = visitor.get(address)
        assert "This shop holds 1 invented customer" in text_of(page)
        assert 'href="/demo/remove/"' in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_job_of_an_import_ends_in_words_that_fit_its_result(visitor: Client):
    job = do_import(visitor, GERMAN, segment="on", **SAID)
    assert [(step["name"], step["note"], step["state"]) for step in job.steps] == [
        ("Read the file", "400 rows read", "done"),
        ("Save customers and orders", "393 rows stored", "done"),
        ("Update customer figures", "97 of 97 customers counted", "done"),
    ]
    for line in (
        "Read the file: 400 rows read",
        "Save customers and orders: 393 rows stored",
        "Update customer figures: 97 of 97 customers counted",
        "warning: 7 rows were rejected: 4 without an amount, 3 with a date that cannot be read.",
    ):
        assert line in job.log
    text = text_of(visitor.get(reverse("job", args=[job.pk])))
    assert "400 rows read, 393 stored, 7 rejected." in text
    assert "97 new customers, 393 new orders, 393 new order lines, 1 new product." in text
    assert "7 rows were rejected: 4 without an amount, 3 with a date that cannot be read." in text
    assert "Started by ines on" in text


@pytest.mark.django_db(transaction=True)
def test_the_log_and_the_page_of_a_refused_import_have_its_reasons(visitor: Client):
    job = do_import(visitor, GERMAN.replace("9,50", "", 60), **SAID)
    causes = "64 without an amount, 3 with a date that cannot be read."
    sentence = f"67 of 400 rows are broken, more than 5%, so nothing was stored: {causes}"
    assert job.state == Job.State.FAILED
    assert "Read the file: 400 rows read" in job.log
    assert f"error: {sentence}" in job.log
    assert sentence in text_of(visitor.get(reverse("job", args=[job.pk])))


@pytest.mark.django_db(transaction=True)
def test_few_new_orders_of_a_segmented_shop_start_one_run_and_no_scoring_one_by_one(visitor: Client):
    do_import(visitor, ORDERS, segment="on", **SAID)
    running.run(Job.objects.get(kind="segment").pk)
    rows = "".join(f"{n},new{n}@example.com,13/04/2026 10:15,20.50,Rose thread,\n" for n in range(5000, 5097))
    content = ORDERS.splitlines()[0] + "\n" + rows
    before = set(Job.objects.values_list("pk", flat=True))
    job = do_import(visitor, content, segment="on", **SAID)
    assert job.state == Job.State.DONE, job.error
    assert [new.kind for new in Job.objects.exclude(pk__in=before).order_by("created_at")] == ["import", "segment"]
    # Without the run of all, they are scored by themselves.
    before = set(Job.objects.values_list("pk", flat=True))
    do_import(visitor, content.replace("new", "newer").replace("\n5", "\n6"), **SAID)
    assert [new.kind for new in Job.objects.exclude(pk__in=before).order_by("created_at")] == ["import", "segment-customers"]


def test_the_list_of_jobs_begins_with_a_way_to_begin(visitor: Client, agent: Client, shop: Any):
    assert "Import your order history to begin" in text_of(agent.get("/jobs/"))
    assert "New import" not in text_of(agent.get("/jobs/"))
    make_customer("Ada Invented", source="demo")
    assert "The customers here came in without a job." in text_of(agent.get("/jobs/"))
    type(shop).objects.update(is_demo=True)
    visitor.force_login(User.objects.get(username="ines"))
    page = visitor.get("/jobs/")
    assert "The 1 customer here is invented." in text_of(page)
    assert page.content.decode().count('href="/imports/new/"') == 2


def test_what_is_not_there_is_said_in_our_words(visitor: Client):
    nothing = "0" * 32
    for address in (f"/imports/{nothing}/", f"/imports/{nothing}/rejects/"):
        assert "There is no such import." in text_of(visitor.get(address))
    mine = uploaded(visitor, ORDERS)
    assert "No row of this import was rejected." in text_of(visitor.get(reverse("import-rejects", args=[mine.token])))
