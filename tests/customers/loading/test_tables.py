import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from customers.importing import running
from customers.importing.faults import ImportRefused
from customers.importing.rejects import path_of
from customers.models import Customer, DataImport, LineItem, Order, Refund
from support.models import Ticket, TicketMessage
from tests.customers.loading import day, everything
from tests.factories import NOW, make_shop

pytestmark = pytest.mark.django_db

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


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


def import_folder(folder: Path):
    data_import = running.prepare(folder, DataImport.Kind.TABLES, {})
    return running.run(data_import, as_of=NOW), data_import


def refusal(folder: Path) -> str:
    with pytest.raises(ImportRefused) as refused:
        import_folder(folder)
    assert not any(everything().values())
    return str(refused.value)


@pytest.fixture
def folder(tmp_path):
    """All six tables: three as text, two packed, one as parquet."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "customers.csv").write_text(CUSTOMERS)
    (folder / "orders.csv.gz").write_bytes(gzip.compress(ORDERS.encode()))
    (folder / "line_items.csv").write_text(LINES)
    (folder / "refunds.csv").write_text(REFUNDS)
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


def test_a_folder_of_six_tables(folder):
    summary, _ = import_folder(folder)
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


def test_the_same_folder_twice_changes_nothing(folder):
    import_folder(folder)
    before, support = everything(), [list(model.objects.order_by("pk").values()) for model in (Ticket, TicketMessage)]
    import_folder(folder)
    assert everything() == before
    assert [list(model.objects.order_by("pk").values()) for model in (Ticket, TicketMessage)] == support


def test_the_required_columns_are_enough(tmp_path):
    tables = {
        "customers": "customer_id\nC1\n",
        "orders": "order_id,customer_id,created_at,total_price\n1,C1,2026-03-02T12:00:00Z,10\n",
        "line_items": "order_id\n1\n",
        "refunds": "order_id,amount\n1,4\n",
        "tickets": "customer_id,created_at\nC1,2026-03-02T12:00:00Z\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    summary, _ = import_folder(tmp_path)
    assert summary.rows_stored == 5
    assert Customer.objects.get().lifetime_value == Decimal(6)
    assert (LineItem.objects.get().quantity, Refund.objects.get().created_at) == (1, day(3, 2))
    assert Ticket.objects.get().customer == Customer.objects.get()


@pytest.mark.parametrize(
    ("name", "text", "missing"),
    [
        ("customers", "email\na@example.com\n", "customers.csv has no column customer_id; its columns are email."),
        ("orders", "order_id,created_at\n1,2026-03-02\n", "orders.csv has no column customer_id, total_price; its columns"),
        ("line_items", "sku\nA\n", "line_items.csv has no column order_id; its columns are sku."),
    ],
)
def test_a_missing_column_is_named_in_one_sentence(tmp_path, name, text, missing):
    (tmp_path / f"{name}.csv").write_text(text)
    assert refusal(tmp_path).startswith(missing)


def test_a_missing_column_of_a_later_table_stores_nothing_of_the_earlier(folder):
    (folder / "line_items.csv").write_text("sku\nA\n")
    assert "line_items.csv has no column order_id" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("other.csv", b"a,b\n", "holds none of the six tables"),
        ("orders.csv", b"", "orders.csv is empty"),
        ("orders.csv", "customer_id,order_id,created_at,total_price,größe\n".encode("cp1252"), "is not UTF-8"),
        ("orders.csv.gz", gzip.compress(ORDERS.encode())[:-20], "orders.csv.gz"),
        ("orders.parquet", b"PAR1 and no more", "orders.parquet is not a readable parquet file"),
        ("customers.csv", b"customer_id,email,EMAIL\n", "customers.csv has two columns 'email'"),
        ("customers.csv", b"customer_id\n", "no rows that can be stored"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused_with_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    assert sentence in refusal(tmp_path)


def test_a_table_that_is_there_twice_is_refused(folder):
    (folder / "orders.csv").write_text(ORDERS)
    assert "holds orders.csv.gz and orders.csv; keep the one that is meant" in refusal(folder)


def test_broken_cells_are_rejected_with_line_column_and_reason(tmp_path):
    rows = [f"{n},C1,2026-03-02T12:00:00Z,10,note {n}" for n in range(1, 101)]
    rows[2] = "3,C1,2026-03-02T12:00:00Z,ten,=HYPERLINK(1)"
    rows[3] = '4,C1,2026-03-02T12:00:00Z,10,"two\nlines"'
    rows[4] = "=5,C1,second of May,10,a"
    rows[5] = "6,C1,2026-03-02T12:00:00Z,10,a,stray"
    (tmp_path / "orders.csv").write_text("order_id,customer_id,created_at,total_price,note\n" + "\n".join(rows) + "\n")
    summary, data_import = import_folder(tmp_path)
    assert (summary.rows_read, summary.rows_rejected, Order.objects.count()) == (100, 3, 97)
    with path_of(data_import.token).open(encoding="utf-8", newline="") as file:
        found = {row["row"].partition(",")[0]: row for row in csv.DictReader(file)}
    assert (found["3"]["line"], found["3"]["column"]) == ("4", "total_price")
    assert "'ten'" in found["3"]["reason"]
    assert (found["'=5"]["line"], found["'=5"]["column"]) == ("7", "created_at")
    assert "6 cells" in found["6"]["reason"]
