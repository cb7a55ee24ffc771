"""The six tables: three kinds of file, unusual cells, and what is wrong with a row or a file."""

import gzip
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet
import pytest

from customers.importing import running, table_files
from customers.importing.faults import ImportRefused
from customers.models import Customer, DataImport, LineItem, Order, Refund
from support.models import Ticket, TicketMessage
from tests.customers.importing.storage import day, everything_stored, rejects_of, what_is_known, write_tables
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HEADER = "order_id,customer_id,created_at,total_price"

CUSTOMERS = """customer_id,email,first_name,last_name,created_at,email_consent,tags,shoe_size
C1,vera@example.com,Vera,Holm,2026-01-05T12:00:00Z,subscribed,vip;knits,38
C2,,Odd,,,,,
"""
ORDERS = """order_id,customer_id,created_at,total_price,total_discounts,financial_status,channel
1,C1,2026-03-02T12:00:00Z,70.00,5.00,paid,web
2,C2,2026-03-02T14:00:00+02:00,20.5,,pending,
3,C9,2026-03-03,5,,,shop
"""
LINES = '''order_id,product_id,title,quantity,price,discount
1,P1,Loom,2,25.00,
1,P2,Thread,,20,1.50
2,P2,"Thread, ""blue""",1,20.5,
'''
REFUNDS = "order_id,created_at,amount\n1,2026-03-09T12:00:00Z,10\n"
MESSAGES = """message_id,ticket_id,created_at,from_agent,body_text
M1,T1,2026-04-01T12:00:00Z,no,Hello
M2,T1,2026-04-02T12:00:00Z,yes,Hi
"""


def prepared(folder):
    return running.prepare(folder, "tables", {})


def bring(folder):
    return running.run(prepared(folder), as_of=NOW)


def a_folder(path, **files):
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


def orders_file(*rows, header=HEADER):
    sound = [f"{number},7,2026-03-01T10:00:00Z,10.00" + "," * (header.count(",") - 3) for number in range(100, 140)]
    return "\n".join([header, *rows, *sound]) + "\n"


@pytest.fixture
def folder(tmp_path):
    """All six tables: three as text, two packed, one as parquet."""
    folder = a_folder(tmp_path / "tables", customers=CUSTOMERS, line_items=LINES, refunds=REFUNDS)
    (folder / "orders.csv.gz").write_bytes(gzip.compress(ORDERS.encode()))
    (folder / "messages.csv.gz").write_bytes(gzip.compress(MESSAGES.encode()))
    tickets = {
        "ticket_id": ["T1", "T2"],
        "customer_id": ["C1", "C2"],
        "created_at": pa.array([day(4, 1), day(4, 3)], pa.timestamp("us", "UTC")),
        "subject": ["Where is my parcel?", None],
        "tags": [["shipping"], []],
        "satisfaction_score": pa.array([4, None], pa.int32()),
        "reopened": [True, None],
    }
    pyarrow.parquet.write_table(pa.table(tickets), folder / "tickets.parquet")
    return folder


def test_what_six_tables_say_is_what_is_stored(folder):
    summary = bring(folder)
    assert (summary.rows_read, summary.rows_stored, summary.rows_rejected) == (13, 13, 0)
    vera = Customer.objects.get(customer_id="C1")
    assert (vera.name, vera.tags, vera.attributes) == ("Vera Holm", ["vip", "knits"], {"shoe_size": "38"})
    assert (vera.created_at, vera.email_consent, vera.order_count, vera.lifetime_value) == (
        day(1, 5), "subscribed", 1, Decimal(60),
    )  # fmt: skip
    assert Customer.objects.get(customer_id="C9").order_count == 1
    first, second, third = Order.objects.order_by("order_id")
    assert (first.total, first.discounts, first.refunded, first.attributes) == (70, 5, 10, {"channel": "web"})
    assert (second.placed_at, second.total, second.left_out, second.currency) == (day(3, 2), Decimal("20.5"), "unpaid", "USD")
    assert (third.placed_at.hour, third.left_out, third.attributes) == (0, "", {"channel": "shop"})
    lines = LineItem.objects.order_by("order__order_id", "position").values_list(
        "order__order_id", "position", "product__title", "quantity", "unit_price", "discount"
    )
    assert list(lines) == [
        ("1", 1, "Loom", 2, 25, 0),
        ("1", 2, "Thread", 1, 20, Decimal("1.5")),
        ("2", 1, 'Thread, "blue"', 1, Decimal("20.5"), 0),
    ]  # fmt: skip
    assert Refund.objects.get().customer == vera
    ticket = Ticket.objects.get(ticket_id="T1")
    assert (ticket.customer, ticket.topic, ticket.tags, ticket.satisfaction_score, ticket.reopened) == (
        vera, "delivery", ["shipping"], 4, True,
    )  # fmt: skip
    said = ticket.messages.values_list("message_id", "from_agent", "body_text")
    assert list(said) == [("M1", False, "Hello"), ("M2", True, "Hi")]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_six_tables_of_any_kind_become_the_same_shop_and_twice_change_nothing(tmp_path, ending):
    summary = bring(write_tables(tmp_path / "tables", customers=8, orders=40, ending=ending))
    assert {name: counts.new for name, counts in summary.facts.items()} == {
        "customers": 8, "products": 9, "orders": 40, "lines": 100, "refunds": 8, "tickets": 8, "messages": 16,
    }  # fmt: skip
    ann = Customer.objects.get(customer_id="c1")
    assert (ann.last_name, ann.tags, ann.email_consent, ann.attributes) == (
        "Lee 1", ["vip", "wool"], "subscribed", {"loom": "table loom"},
    )  # fmt: skip
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


def test_the_required_columns_are_enough(tmp_path):
    folder = a_folder(
        tmp_path / "t",
        customers="customer_id\nC1\n\n",
        orders=f"{HEADER}\n1,C1,2026-03-02T12:00:00Z,10\n",
        line_items="order_id\n1\n1\n",
        refunds="order_id,amount\n1,4\n",
        tickets="customer_id,created_at\nC1,2026-03-02T12:00:00Z\n",
    )
    assert bring(folder).rows_stored == 6
    assert Customer.objects.get().lifetime_value == Decimal(6)
    assert Refund.objects.get().created_at == day(3, 2)
    assert list(LineItem.objects.order_by("position").values_list("position", "quantity", "product__title")) == [
        (1, 1, "(no title)"), (2, 1, "(no title)"),
    ]  # fmt: skip
    assert Ticket.objects.get().customer == Customer.objects.get()


def test_unusual_cells_are_read(tmp_path):
    rows = (
        '1,7,2026-03-01T10:00:00+02:00,1E+2,yes,usd,"two\nlines"',
        "2,7,2026-03-01,-5.123456,no,€,",
        "3,,2026-03-01 10:00:00.250000,12,,,",
    )
    bring(a_folder(tmp_path / "t", orders=orders_file(*rows, header=f"{HEADER},test,currency,note")))
    first, second, third = (Order.objects.get(order_id=str(number)) for number in (1, 2, 3))
    assert (str(first.placed_at), str(first.total), first.is_test, first.left_out, first.currency) == (
        "2026-03-01 08:00:00+00:00", "100.00", True, "test", "USD",
    )  # fmt: skip
    assert first.attributes == {"note": "two\nlines"}
    assert (str(second.total), second.left_out, second.currency) == ("-5.1235", "zero", "EUR")
    assert (third.customer, third.placed_at.microsecond) == (None, 250_000)


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


def test_a_very_long_message_is_kept_to_a_sane_length(tmp_path):
    folder = a_folder(
        tmp_path / "t",
        tickets="ticket_id,customer_id,created_at\nt1,7,2026-03-02\n",
        messages=f"message_id,ticket_id,created_at,body_text\nm1,t1,2026-03-02,{'word ' * 10_000}\n",
    )
    bring(folder)
    assert len(TicketMessage.objects.get().body_text) == 20_000


def test_nul_bytes_are_dropped_and_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path):
    folder = a_folder(tmp_path / "t")
    text = orders_file(header=f"{HEADER},financial_status").replace("\n", "\r\n")
    (folder / "orders.csv").write_bytes(b"\xef\xbb\xbf" + text.encode().replace(b"100,7", b"1\x0000,7"))
    assert bring(folder).rows_stored == 40
    assert Order.objects.filter(order_id="100").exists()


def test_blank_rows_are_none(tmp_path):
    text = orders_file("", "   ", ",,,", "bad,7,2026-03-01,ten") + ",,,\n,,,\n\n"
    data_import = prepared(a_folder(tmp_path / "t", orders=text))
    summary = running.run(data_import, as_of=NOW)
    assert (summary.rows_read, summary.rows_stored, summary.rows_rejected) == (41, 40, 1)
    assert [row["line"] for row in rejects_of(data_import)] == ["5"]


# --- rows that are not taken -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "row", "column", "reason", "cause"),
    [
        ("customers", ",,Ann,,,", "customer_id", "customer_id, email and phone are empty; one of them is needed.",
         "without a customer id, an e-mail address or a phone number"),
        ("customers", "c,,Ann,,perhaps,", "email_consent",
         "'perhaps' is not one of subscribed, unsubscribed, pending, unknown.", "with a consent that cannot be read"),
        ("orders", "o,7,01/03/2026,12,,", "created_at",
         "'01/03/2026' is not a time in ISO 8601; write it like 2026-05-04T13:30:00Z.", "with a date that cannot be read"),
        ("orders", 'o,7,2026-03-01,"12,50",,', "total_price",
         "'12,50' is not an amount; write it with a decimal point and nothing else, like 1234.50.",
         "with a total that cannot be read"),
        ("orders", "o,7,2026-03-01,,,", "total_price", "total_price is empty.", "without a total"),
        ("orders", "o,7,,12,,", "created_at", "created_at is empty.", "without a date"),
        ("orders", ",7,2026-03-01,12,,", "order_id", "order_id is empty.", "without an order id"),
        ("orders", "o,7,1970-01-01,12,,", "created_at",
         "created_at lies before 1971, which is how many systems write 'no date'.", "with a date before 1971"),
        ("orders", "o,7,2036-01-01,12,,", "created_at",
         "created_at lies in the future; check the date order and the clock of the source.", "with a date in the future"),
        ("orders", "o,7,2026-03-01,99999999999999.5,,", "total_price", "total_price is larger than it can be.",
         "with a total that is too large"),
        ("orders", "o,7,2026-03-01,12,DOLLAR,", "currency", "'DOLLAR' is no currency; write its code, like USD.",
         "with a currency that cannot be read"),
        ("orders", "o,7,2026-03-01,12,,maybe", "test", "'maybe' is neither true nor false.",
         "with a yes or no that cannot be read"),
        ("orders", f"{'o' * 65},7,2026-03-01,12,,", "order_id",
         "order_id is longer than 64 characters, so it cannot be an id.", "with an order id that is too long"),
        ("orders", "o,7,2026-03-01,12,,,surplus", "",
         "This row has 7 cells and the header 6; look for a stray quote or separator.",
         "with more or fewer cells than the header"),
        ("line_items", "gone,Loom,1,5", "order_id",
         "There is no order gone in these files or in the shop; import the order first or correct the id.",
         "whose order is nowhere"),
        ("line_items", "o1,Loom,one,5", "quantity", "'one' is not a whole number.", "with a quantity that cannot be read"),
        ("line_items", "o1,Loom,9999999999,5", "quantity", "quantity is larger than it can be.",
         "with a quantity that is too large"),
        ("refunds", ",2026-03-02,5", "order_id", "order_id is empty.", "without an order id"),
        ("tickets", "t,7,yesterday,", "created_at",
         "'yesterday' is not a time in ISO 8601; write it like 2026-05-04T13:30:00Z.", "with a date that cannot be read"),
        ("messages", "m,gone,2026-03-02,Hello", "ticket_id",
         "There is no ticket gone in these files or in the shop; import the ticket first or correct the id.",
         "whose ticket is nowhere"),
    ],
)  # fmt: skip
def test_a_row_that_is_not_taken_is_told_with_file_line_column_and_reason(tmp_path, table, row, column, reason, cause):
    sound = {
        "customers": ("customer_id,email,first_name,phone,email_consent,country", "c{0},,Ann,,,"),
        "orders": (f"{HEADER},currency,test", "o{0},7,2026-03-01,10,,"),
        "line_items": ("order_id,title,quantity,price", "o{0},Loom,1,5"),
        "refunds": ("order_id,created_at,amount", "o{0},2026-03-02,1"),
        "tickets": ("ticket_id,customer_id,created_at,subject", "t{0},7,2026-03-01,Hello"),
        "messages": ("message_id,ticket_id,created_at,body_text", 'm{0},t{0},2026-03-01,"two\nlines"'),
    }
    files = {name: "\n".join([header, *(sound.format(n) for n in range(4))]) + "\n" for name, (header, sound) in sound.items()}
    files[table] += f"{row}\n"
    data_import = prepared(a_folder(tmp_path / "t", **files))
    summary = running.run(data_import, as_of=NOW)
    [written] = rejects_of(data_import)
    expected = {"file": f"{table}.csv", "line": "10" if table == "messages" else "6", "column": column, "reason": reason}
    assert {name: written[name] for name in expected} == expected
    assert written["row"] == (row.split(",")[1 if table == "messages" else 0] if "nowhere" in cause else row)
    assert summary.causes == {f"{cause} ({table}.csv)": 1}
    assert (summary.rows_read, summary.rows_stored) == (25, 24)


def test_lines_are_counted_over_rows_of_several_lines_and_rows_that_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "BLOCK", 2_000)
    text, line, bad = f"{HEADER},note\n", 2, []
    for number in range(2_000):
        row = f"{number},7,2026-03-01,5,x\n"
        if number % 11 == 0:
            row = f'{number},7,2026-03-01,5,"two\nlines, and {number}"\n'
        elif number % 97 == 0:
            row = "\n"
        elif number % 41 == 0:
            row = f'{number},7,2026-03-01,ten,"three\n\nlines"\n'
        elif number % 43 == 0:
            row = f'{number},7,2026-03-01,5,"three\n\nlines",surplus\n'
        if "ten" in row or "surplus" in row:
            bad.append((str(number), str(line)))
        text, line = text + row, line + row.count("\n")
    data_import = prepared(a_folder(tmp_path / "t", orders=text))
    assert running.run(data_import, as_of=NOW).rows_rejected == len(bad)
    written = [(row["row"].partition(",")[0], row["line"]) for row in rejects_of(data_import)]
    assert sorted(written) == sorted(bad)


def test_of_a_parquet_file_the_number_of_the_row_is_told(tmp_path):
    folder = a_folder(tmp_path / "t")
    columns = {"order_id": ["1", "2", "3"] * 10, "customer_id": ["7"] * 30, "created_at": ["2026-03-01"] * 30,
               "total_price": [*["5"] * 17, "five", *["5"] * 12]}  # fmt: skip
    pyarrow.parquet.write_table(pa.table(columns), folder / "orders.parquet")
    data_import = prepared(folder)
    running.run(data_import, as_of=NOW)
    assert [(row["file"], row["line"], row["column"]) for row in rejects_of(data_import)] == [
        ("orders.parquet", "18", "total_price"),
    ]  # fmt: skip


# --- folders that are refused ----------------------------------------------------------------------------------------


def test_what_is_wrong_with_a_later_table_stores_nothing_of_the_earlier(folder):
    (folder / "line_items.csv").write_text("sku\nA\n")
    with pytest.raises(ImportRefused, match=r"line_items\.csv has no column order_id; its columns are sku\."):
        bring(folder)
    assert not any(everything_stored().values())


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds none of the six tables"),
        ({"other.csv": b"a,b\n"}, "holds none of the six tables"),
        ({"orders.csv": b""}, "orders.csv is empty; it needs a header row"),
        ({"orders.csv": b"order_id,total_price\n1,2\n"}, "orders.csv has no column customer_id, created_at; its columns are"),
        ({"customers.csv": b"email\na@example.com\n"}, "customers.csv has no column customer_id; its columns are email."),
        ({"orders.csv": b"order_id,customer_id,created_at,total_price\n"}, "no rows that can be stored"),
        (
            {"orders.csv": "order_id,customer_id,created_at,total_price,é\n1,7,2026-03-01,1,é\n".encode("cp1252")},
            "orders.csv is not UTF-8",
        ),
        ({"orders.csv": b"order_id,order_id,customer_id,created_at,total_price\n"}, "has two columns 'order_id'"),
        ({"customers.csv": b"customer_id,email,EMAIL\n"}, "customers.csv has two columns 'email'"),
        ({"orders.csv.gz": b"not packed"}, "is not a readable .gz file"),
        ({"orders.csv.gz": gzip.compress(orders_file().encode() * 50)[:-40]}, "cut off|readable"),
        ({"orders.parquet": b"PAR1 and no more"}, "orders.parquet is not a readable parquet file"),
        ({"orders.csv": b"x", "orders.parquet": b"x"}, "holds orders.parquet and orders.csv; keep the one that is meant"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence_and_nothing_is_stored(tmp_path, files, sentence):
    folder = a_folder(tmp_path / "t")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    data_import = prepared(folder)
    with pytest.raises(ImportRefused, match=sentence) as refused:
        running.run(data_import, as_of=NOW)
    assert "\n" not in str(refused.value)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.REFUSED
    assert data_import.summary["problem"]
    assert not any(everything_stored().values())
