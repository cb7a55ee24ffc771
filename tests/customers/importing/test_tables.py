"""The six tables: three kinds of file, unusual cells, and what is wrong with a file in one sentence."""

import csv
import gzip

import pytest

from customers.importing import running
from customers.importing.faults import ImportRefused
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, Order, Refund
from support.models import Ticket, TicketMessage
from tests.customers.importing.storage import everything_stored, what_is_known, write_tables
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def bring(folder):
    return running.run(running.prepare(folder, "tables", {}), as_of=NOW)


def a_folder(path, **files):
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def orders_file(*rows, header="order_id,customer_id,created_at,total_price"):
    sound = [f"{number},7,2026-03-01T10:00:00Z,10.00" + "," * (header.count(",") - 3) for number in range(100, 140)]
    return "\n".join([header, *rows, *sound]) + "\n"


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_six_tables_of_any_kind_become_the_same_shop(tmp_path, ending):
    summary = bring(write_tables(tmp_path / "tables", ending=ending))
    assert {name: counts.new for name, counts in summary.facts.items()} == {
        "customers": 40, "products": 9, "orders": 400, "lines": 1000, "refunds": 80, "tickets": 40, "messages": 80,
    }  # fmt: skip
    ann = Customer.objects.get(customer_id="c1")
    assert (ann.last_name, ann.tags, ann.email_consent, ann.attributes) == (
        "Lee 1",
        ["vip", "wool"],
        "subscribed",
        {"loom": "table loom"},
    )
    ticket = Ticket.objects.get(ticket_id="t1")
    assert (ticket.customer, ticket.channel, ticket.topic, ticket.tags) == (ann, "chat", "delivery", ["late"])
    assert list(ticket.messages.values_list("from_agent", "body_text")) == [
        (False, 'Hello,\n"dear" shop'),
        (True, 'Hello,\n"dear" shop'),
    ]
    before, known = everything_stored(), what_is_known()
    again = bring(tmp_path / "tables")
    assert everything_stored() == before
    assert what_is_known() == known
    assert again.rows_stored == summary.rows_stored


def test_unusual_cells_are_read_and_wrong_ones_are_rejects_with_their_line(tmp_path):
    header = "order_id,customer_id,created_at,total_price,test,note"
    folder = a_folder(
        tmp_path / "t",
        orders=orders_file(
            '1,7,2026-03-01T10:00:00+02:00,1E+2,yes,"two\nlines"',
            "2,7,2026-03-01,-5.123456,no,",
            "3,,2026-03-01 10:00:00.250000,12,,",
            "4,7,01/03/2026,12,,",
            '5,7,2026-03-01,"12,50",,',
            header=header,
        ),
    )
    for number in range(200, 260):
        with (folder / "orders.csv").open("a") as file:
            file.write(f"{number},7,2026-03-01,1,,\n")
    data_import = running.prepare(folder, "tables", {})
    summary = running.run(data_import, as_of=NOW)
    first, second, third = (Order.objects.get(order_id=str(number)) for number in (1, 2, 3))
    assert (str(first.placed_at), str(first.total), first.is_test, first.left_out) == (
        "2026-03-01 08:00:00+00:00",
        "100.00",
        True,
        "test",
    )
    assert first.attributes == {"note": "two\nlines"}
    assert (str(second.total), second.left_out) == ("-5.1235", "zero")
    assert (third.customer, third.placed_at.microsecond) == (None, 250_000)
    assert summary.rows_rejected == 2
    rejects = list(csv.DictReader(path_of(data_import.token).open()))
    assert [(row["line"], row["column"]) for row in rejects] == [("6", "created_at"), ("7", "total_price")]
    assert rejects[0]["reason"] == "'01/03/2026' is not a time in ISO 8601; write it like 2026-05-04T13:30:00Z."
    assert rejects[1]["row"].startswith('5,7,2026-03-01,"12,50"')


def test_a_row_with_too_many_cells_is_a_reject_and_the_rest_is_stored(tmp_path):
    folder = a_folder(tmp_path / "t", orders=orders_file("1,7,2026-03-01,5,surplus"))
    data_import = running.prepare(folder, "tables", {})
    assert running.run(data_import, as_of=NOW).rows_rejected == 1
    [row] = csv.DictReader(path_of(data_import.token).open())
    assert (row["line"], row["reason"]) == (
        "2", "This row has 5 cells and the header 4; look for a stray quote or separator.",
    )  # fmt: skip
    assert Order.objects.count() == 40


def test_ids_that_a_table_leaves_out_are_made_from_the_row_and_stay(tmp_path):
    folder = a_folder(
        tmp_path / "t",
        orders=orders_file(),
        refunds="order_id,created_at,amount\n100,2026-03-02T00:00:00Z,4\n100,2026-03-03T00:00:00Z,1\n",
        tickets="customer_id,created_at,subject\n7,2026-03-02,How do I wash it?\n",
    )
    bring(folder)
    before = everything_stored()
    bring(folder)
    assert everything_stored() == before
    assert Refund.objects.count() == 2
    assert Ticket.objects.get().topic == "how_to"


def test_lines_only_need_their_order(tmp_path):
    bring(a_folder(tmp_path / "t", orders=orders_file(), line_items="order_id\n100\n100\n101\n"))
    lines = LineItem.objects.order_by("order__order_id", "position")
    assert list(lines.values_list("position", "quantity", "product__title")) == [
        (1, 1, "(no title)"), (2, 1, "(no title)"), (1, 1, "(no title)"),
    ]  # fmt: skip


def test_a_very_long_message_is_kept_to_a_sane_length(tmp_path):
    folder = a_folder(
        tmp_path / "t",
        tickets="ticket_id,customer_id,created_at\nt1,7,2026-03-02\n",
        messages=f"message_id,ticket_id,created_at,body_text\nm1,t1,2026-03-02,{'word ' * 10_000}\n",
    )
    bring(folder)
    assert len(TicketMessage.objects.get().body_text) == 20_000


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds none of the six tables"),
        ({"orders.csv": b""}, "orders.csv is empty; it needs a header row"),
        ({"orders.csv": b"order_id,total_price\n1,2\n"}, "orders.csv has no column customer_id, created_at; its columns are"),
        ({"orders.csv": b"order_id,customer_id,created_at,total_price\n"}, "no rows that can be stored"),
        (
            {"orders.csv": "order_id,customer_id,created_at,total_price,é\n1,7,2026-03-01,1,é\n".encode("cp1252")},
            "orders.csv is not UTF-8",
        ),
        ({"orders.csv": b"order_id,order_id,customer_id,created_at,total_price\n"}, "has two columns 'order_id'"),
        ({"orders.csv.gz": b"not packed"}, "is not a readable .gz file"),
        ({"orders.csv.gz": gzip.compress(orders_file().encode() * 50)[:-40]}, "cut off|readable"),
        ({"orders.parquet": b"no parquet"}, "orders.parquet is not a readable parquet file"),
        ({"orders.csv": b"x", "orders.parquet": b"x"}, "holds orders.parquet and orders.csv; keep the one"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence_and_nothing_is_stored(tmp_path, files, sentence):
    folder = tmp_path / "t"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    data_import = running.prepare(folder, "tables", {})
    with pytest.raises(ImportRefused, match=sentence):
        running.run(data_import, as_of=NOW)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED
    assert data_import.summary["problem"]
    assert not Order.objects.exists()


def test_nul_bytes_are_dropped_and_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    text = orders_file(header="order_id,customer_id,created_at,total_price,financial_status").replace("\n", "\r\n")
    (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + text.encode().replace(b"100,7", b"1\x0000,7"))
    assert bring(folder).rows_stored == 40
    assert Order.objects.filter(order_id="100").exists()
