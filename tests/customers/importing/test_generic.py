import pytest

from customers.importing import grouping, rows
from customers.importing.reading import NeedsAnswer, ReadOptions, UnreadableFile, inspect, read
from tests.customers.importing.files import GUEST_KEY, NOW, at, read_all, write

LINES = "order_id,customer_id,email,date,sku,product,category,quantity,unit_price,discount,currency,refunded,channel,status\n"


def line(order="1", customer="C1", date="2026-03-02T10:00:00Z", quantity="2", price="10.00", discount="", currency="USD",
         refund="", status="paid", sku="S"):  # fmt: skip
    person = f"{customer},vera@example.com"
    return f"{order},{person},{date},{sku},Loom,Tools,{quantity},{price},{discount},{currency},{refund},web,{status}\n"


def test_a_row_a_line(tmp_path):
    found = read_all(write(tmp_path, LINES + line(discount="1.50") + line(quantity="1", price="5.00") + line("2", "C2")))
    first = found.order("1")
    assert (first["total"], first["discounts"], first["customer_id"], first["email"]) == (
        235_000,
        15_000,
        "C1",
        "vera@example.com",
    )
    assert first["attributes"] == {"channel": "web"}
    assert [(entry["quantity"], entry["unit_price"], entry["discount"]) for entry in found.lines_of("1")] == [
        (2, 100_000, 15_000), (1, 50_000, 0),
    ]  # fmt: skip


def test_a_fraction_of_a_piece_keeps_its_money(tmp_path):
    found = read_all(write(tmp_path, LINES + line(quantity="2.5", price="9.99")))
    assert found.order("1")["total"] == 249_750
    assert (found.lines[0]["quantity"], found.lines[0]["unit_price"]) == (1, 249_750)


def test_a_german_table_with_decimal_commas(tmp_path):
    content = "Kundennummer;Datum;Betrag\nK-1;02.03.2026;64,27\nK-2;04.03.2026;1.224,10\nK-2;12.03.2026;-25,92\n"
    found = read_all(write(tmp_path, content), currency="EUR", time_zone="Europe/Berlin")
    assert [order["total"] for order in found.orders] == [642_700, 12_241_000]
    assert [(refund["order_id"], refund["customer_id"], refund["amount"]) for refund in found.refunds] == [
        (None, "K-2", 259_200)
    ]


def test_without_order_ids_the_rows_of_one_customer_at_one_instant_are_one_order(tmp_path):
    content = "customer,date,amount\nA,2026-03-02T10:00Z,5.00\nB,2026-03-02T10:00Z,7.50\nA,2026-03-02T10:00Z,1.25\n"
    found = read_all(write(tmp_path, content), currency="USD")
    assert sorted((order["order_id"], order["total"]) for order in found.orders) == [
        ("A@20260302T100000", 62_500), ("B@20260302T100000", 75_000),
    ]  # fmt: skip


def test_a_return_within_an_order_is_its_refund(tmp_path):
    content = "order,customer,date,amount,product\n1,A,2026-03-02T10:00Z,20.00,Loom\n1,A,2026-03-05T10:00Z,-5.00,Loom\n"
    found = read_all(write(tmp_path, content), currency="USD")
    assert found.order("1")["total"] == 200_000
    assert found.refunds == [
        {
            "refund_id": "1:return",
            "order_id": "1",
            "customer_id": "A",
            "email": None,
            "phone": None,
            "created_at": at(2026, 3, 5, 10),
            "amount": 50_000,
        }
    ]
    assert len(found.lines) == 1


@pytest.mark.parametrize(("refund", "status"), [("4.00", "partially_refunded"), ("20.00", "refunded"), ("", "paid")])
def test_refunded_money(tmp_path, refund, status):
    found = read_all(write(tmp_path, LINES + line(refund=refund)))
    assert found.order("1")["financial_status"] == status
    assert len(found.refunds) == (1 if refund else 0)


@pytest.mark.parametrize(
    ("word", "status"),
    [("Completed", "paid"), ("", "paid"), ("CANCELED", "cancelled"), ("On hold", "on_hold"), ("pending", "pending")],
)
def test_words_of_state(tmp_path, word, status):
    assert read_all(write(tmp_path, LINES + line(status=word))).order("1")["financial_status"] == status


PER_ORDER = "order,customer,date,amount,product\n1,A,2026-03-02T10:00Z,20.00,Loom\n1,A,2026-03-02T10:00Z,20.00,Wool\n"


def test_equal_amounts_on_all_rows_of_an_order_are_asked_about(tmp_path):
    path = write(tmp_path, PER_ORDER)
    [question] = inspect(path, ReadOptions(currency="USD")).questions
    assert (question.name, question.suggestion) == ("amount_per", "order")
    with pytest.raises(NeedsAnswer):
        read_all(path, currency="USD")
    assert read_all(path, currency="USD", amount_per="order").order("1")["total"] == 200_000
    assert read_all(path, currency="USD", amount_per="line").order("1")["total"] == 400_000


def test_amounts_that_are_quantity_times_price_are_those_of_lines(tmp_path):
    first, second = "1,A,2026-03-02T10:00Z,20.00,2,10.00\n", "1,A,2026-03-02T10:00Z,20.00,4,5.00\n"
    content = "order,customer,date,amount,quantity,unit price\n" + first + second
    assert read_all(write(tmp_path, content), currency="USD").order("1")["total"] == 400_000


def test_amounts_of_orders_have_to_be_equal_on_their_rows(tmp_path):
    found = read_all(write(tmp_path, PER_ORDER.replace("20.00,Wool", "9.00,Wool")), currency="USD", amount_per="order")
    assert found.orders == []
    assert [reject.with_order for reject in found.rejects] == [False, True]


@pytest.fixture
def small_steps(monkeypatch):
    """Files are read and sorted in small pieces, so that a small one has many."""
    monkeypatch.setattr(rows, "LINES_PER_BLOCK", 200)
    monkeypatch.setattr(grouping, "ROWS_PER_BLOCK", 100)
    monkeypatch.setattr(grouping, "BYTES_PER_PART", 1 << 13)


def test_scattered_rows_of_an_order_are_gathered(tmp_path, small_steps):
    orders = range(500)
    content = LINES + "".join(line(str(order), f"C{order}", sku=sku) for sku in "ABC" for order in orders)
    found = read_all(write(tmp_path, content))
    again = read_all(write(tmp_path, content))
    assert len(found.orders) == 500
    assert all(order["total"] == 600_000 for order in found.orders)
    assert found.rows == 1_500
    assert found.orders == again.orders
    assert [entry["sku"] for entry in found.lines_of("7")] == ["A", "B", "C"]


@pytest.mark.parametrize("is_scattered", [False, True])
def test_how_far_reading_is_grows_over_both_passes_to_the_end_of_the_file(tmp_path, small_steps, is_scattered):
    rows_of = [(order, sku) for order in range(500) for sku in "ABC"]
    if is_scattered:
        rows_of.sort(key=lambda row: row[1])
    path = write(tmp_path, LINES + "".join(line(str(order), f"C{order}", sku=sku) for order, sku in rows_of))
    told = [batch.bytes_read for batch in read(path, ReadOptions(), now=NOW, guest_key=GUEST_KEY)]
    assert told == sorted(told)
    assert 0 < told[0] < told[4] < 0.3 * path.stat().st_size
    assert 0.99 * path.stat().st_size < told[-1] <= path.stat().st_size


def test_scattered_rows_wait_beside_the_imports_and_not_in_the_systems_folder(tmp_path, settings):
    content = LINES + "".join(line(str(order), f"C{order}", sku=sku) for sku in "ABC" for order in range(200))
    waiting = set()
    for _ in read(write(tmp_path, content), ReadOptions(), now=NOW, guest_key=GUEST_KEY):
        waiting |= set(settings.IMPORTS_FOLDER.glob("parts-*/*"))
    assert waiting
    assert list(settings.IMPORTS_FOLDER.iterdir()) == []


def test_an_order_longer_than_a_block_is_whole(tmp_path, small_steps):
    content = LINES + "".join(line("1" if 5 <= row < 1_000 else f"x{row}", sku=f"S{row}") for row in range(1_010))
    found = read_all(write(tmp_path, content))
    assert len(found.orders) == 16
    assert found.order("1")["total"] == 995 * 200_000
    assert [entry["position"] for entry in found.lines_of("1")] == list(range(995))


def test_a_column_that_holds_no_order_ids_is_found_out(tmp_path, small_steps, monkeypatch):
    monkeypatch.setattr(grouping, "MOST_ROWS_OF_AN_ORDER", 1_000)
    content = "order,customer,date,amount,unit price,quantity\n" + "same,A,2026-03-02T10:00Z,20.00,20.00,1\n" * 1_201
    with pytest.raises(UnreadableFile, match="same order id"):
        read_all(write(tmp_path, content, "same.csv.gz"), currency="USD", amount_per="line")


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"order": "5.55E+12"}, "order_id", "shortened"),
        ({"order": ""}, "order_id", "empty"),
        ({"date": ""}, "date", "empty"),
        ({"date": "2026-02-31"}, "date", "not a date"),
        ({"date": "2030-01-01T00:00:00Z"}, "date", "future"),
        ({"date": "1970-01-01T00:00:00Z"}, "date", "before 1990"),
        ({"price": ""}, "unit_price", "no amount"),
        ({"price": "free"}, "unit_price", "not an amount"),
        ({"currency": "DOLLARS"}, "currency", "no currency code"),
        ({"order": "a\0b"}, "order_id", "NUL"),
        ({"order": "x" * 80}, "order_id", "longer than 64"),
    ],
)
def test_a_broken_row_is_rejected_and_the_others_go_on(tmp_path, changes, column, reason):
    found = read_all(write(tmp_path, LINES + line("0") + line(**changes) + line("2")), currency="USD", time_zone="UTC")
    assert [order["order_id"] for order in found.orders] == ["0", "2"]
    [reject] = found.rejects
    assert (reject.line, reject.column) == (3, column)
    assert reason in reject.reason


def test_an_order_without_a_customer_is_rejected(tmp_path):
    content = (
        "order,customer,email,date,amount\n1,,guest,2026-03-02T10:00Z,20.00\n2,nan,vera@example.com,2026-03-02T10:00Z,20.00\n"
    )
    found = read_all(write(tmp_path, content), currency="USD")
    assert [(order["customer_id"], order["email"]) for order in found.orders] == [(None, "vera@example.com")]
    assert "no customer" in found.rejects[0].reason


def test_one_in_a_hundred_rows_broken(tmp_path, small_steps):
    lines = [f"{n},C{n % 97},2026-03-02T10:00:00Z,{'oops' if n % 100 == 0 else '10.00'},USD\n" for n in range(2_000)]
    found = read_all(write(tmp_path, "order,customer,date,amount,currency\n" + "".join(lines)))
    assert (len(found.orders), len(found.rejects), found.rows) == (1_980, 20, 2_000)
    assert found.rejects[1].line == 102
    assert not any(reject.with_order for reject in found.rejects)


def test_a_mapping_wins_over_the_guess(tmp_path):
    content = "ref,who,when,total,net,date\n1,A,2026-03-02T10:00Z,20.00,15.00,never\n"
    found = read_all(
        write(tmp_path, content), currency="USD",
        mapping={"order_id": "ref", "customer_id": "who", "placed_at": "when", "amount": "net"},
    )  # fmt: skip
    assert (found.order("1")["total"], found.order("1")["customer_id"]) == (150_000, "A")


def test_a_table_of_people(tmp_path):
    content = (
        "id,email,first name,last name,newsletter,country,tags,created at\n"
        "77,vera@example.com,Vera,Lind,no,SE,a,2024-01-02T03:04:05Z\n,nobody,,,,,,\n8,x@example.com,,,perhaps,,,\n"
    )
    found = read_all(write(tmp_path, content), kind="customers")
    assert [(c["customer_id"], c["email_consent"], c["created_at"]) for c in found.customers] == [
        ("77", "unknown", at(2024, 1, 2, 3, 4, 5))
    ]
    assert [reject.line for reject in found.rejects] == [3, 4]
