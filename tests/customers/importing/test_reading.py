"""What a file is before it is read: kinds, encodings, delimiters, questions, refusals, the preview."""

import gzip
import io
import tracemalloc
import zipfile

import pytest

from customers.importing import rows, sampling, sniffing, values
from customers.importing.previewing import preview
from customers.importing.reading import NeedsAnswer, ReadOptions, UnreadableFile, inspect, read
from tests.customers.importing.files import GUEST_KEY, NOW, read_all, write

ORDERS = "order,customer,date,amount,currency\n1,A,2026-03-02T10:00Z,20.00,USD\n2,Ünal,2026-03-03T10:00Z,5.00,USD\n"


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"   \n\n  ", "nothing but blanks"),
        (zipped(), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
        (b"%PDF-1.7\n...", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
        (b"<!doctype html><html>", "web page"),
        (b"<svg xmlns=''/>", "web page"),
        (b"\x7fELF" + bytes(300), "program"),
        (bytes(range(256)) * 20, "not text"),
        (b'[{"id": 1}]', "JSON list"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(gzip.compress(b"x" * 500)), "compressed twice"),
        (gzip.compress(ORDERS.encode() * 50)[:-20], "damaged or cut off"),
        (b"order,customer,date,amount\n", "one row only"),
        (b"just some words\nand more of them\n", "no column for"),
        (b"a,b,c\n1,2,3\n", "no column for the customer"),
        (("c" + ",c" * 1500 + "\n" + "1" + ",1" * 1500 + "\n").encode(), "1,501 columns"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path, data, says):
    with pytest.raises(UnreadableFile) as refusal:
        inspect(write(tmp_path, data))
    assert says in str(refusal.value)
    assert str(refusal.value)[-1] in ".?"


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableFile, match="no file"):
        inspect(tmp_path / "nothing.csv")


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(ORDERS.encode())
        for _ in range(90):
            file.write(b"1,A,2026-03-02T10:00Z,20.00,USD\n" * 32_768)
    with pytest.raises(UnreadableFile, match="absurd size"):
        read_all(path, amount_per="line")


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sniffing, "LONGEST_LINE", 1 << 20)
    with pytest.raises(UnreadableFile, match="a line of more than"):
        read_all(write(tmp_path, ORDERS + "x" * (3 << 20)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_that_are_certain_delimiters_and_line_ends(tmp_path, encoding, delimiter, end):
    content = ORDERS.replace(",", delimiter).replace("\n", end)
    path = write(tmp_path, content, encoding=encoding)
    report = inspect(path)
    assert (report.delimiter, report.columns[0], report.questions) == (delimiter, "order", ())
    assert [order["customer_id"] for order in read_all(path).orders] == ["A", "Ünal"]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("Müller", "cp1252"), ("Großmann", "cp1252"), ("Françoise", "cp1252"), ("山田太郎と花子さん", "shift_jis")],
)
def test_another_encoding_is_asked_for_with_examples(tmp_path, name, encoding):
    path = write(tmp_path, ORDERS.replace("Ünal", name), encoding=encoding)
    question = inspect(path).questions[0]
    assert (question.name, question.suggestion) == ("encoding", encoding)
    assert any(name[:8] in label for value, label in question.choices if value == encoding)
    with pytest.raises(NeedsAnswer):
        read(path, ReadOptions(), now=NOW, guest_key=GUEST_KEY)
    assert read_all(path, encoding=encoding).orders[1]["customer_id"] == name


@pytest.fixture
def small_steps(monkeypatch):
    """Files are looked at and read in small pieces, so that a small one has a far end."""
    monkeypatch.setattr(sniffing, "HEAD", 1 << 14)
    monkeypatch.setattr(sampling, "BYTES_A_SPOT", 1 << 12)
    monkeypatch.setattr(rows, "LINES_PER_BLOCK", 200)


def test_bytes_that_are_wrong_far_into_the_file_are_rejected_not_mangled(tmp_path, small_steps):
    lines = "".join(f"{n},C{n},2026-03-02T10:00Z,20.00,USD\n" for n in range(3, 2_000)).encode()
    path = write(tmp_path, ORDERS.encode() + lines + b"999999,M\xfcller,2026-03-02T10:00Z,20.00,USD\n", "late.csv")
    assert inspect(path).questions[0].name == "encoding"  # the whole of a small file is looked at
    found = read_all(path, encoding="utf-8")
    assert "encoding" in found.rejects[0].reason


def test_late_bytes_of_another_encoding_are_seen_within_the_scanned_part(tmp_path, small_steps, monkeypatch):
    monkeypatch.setattr(sniffing, "SCANNED_FOR_ENCODING", 1)
    lines = "".join(f"{n},C{n},2026-03-02T10:00Z,20.00,USD\n" for n in range(3, 2_000)).encode()
    path = write(tmp_path, ORDERS.encode() + lines + b"999999,M\xfcller,2026-03-02T10:00Z,20.00,USD\n", "late.csv")
    assert inspect(path).questions == ()
    assert "M?ller" in read_all(path).rejects[0].row


def test_a_spreadsheet_s_hint_and_quoted_line_breaks(tmp_path):
    content = (
        "sep=;\norder;customer;date;amount;currency;product\n"
        '1;A;2026-03-02T10:00Z;20.00;USD;"Loom;\n""big"""\n2;B;2026-03-02T10:00Z;1.00;USD;x\n'
    )
    found = read_all(write(tmp_path, content))
    assert found.lines[0]["title"] == 'Loom; "big"'
    assert len(found.orders) == 2


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path):
    content = (
        ORDERS + '3,"B,2026-03-02T10:00Z,20.00,USD\n' + "".join(f"{n},C,2026-03-02T10:00Z,20.00,USD\n" for n in range(4, 100))
    )
    found = read_all(write(tmp_path, content))
    assert len(found.orders) == 98
    [reject] = found.rejects
    assert (reject.line, "never closed" in reject.reason) == (4, True)


@pytest.mark.parametrize(
    "row", ["3,B,2026-03-02T10:00Z,20.00,USD,extra\n", "3,B,2026-03-02T10:00Z\n", "3,B,2026-03-02T10:00Z,20"]
)
def test_rows_that_are_too_long_or_too_short_are_rejected(tmp_path, row):
    many = "".join(f"{n},C,2026-03-02T10:00Z,20.00,USD\n" for n in range(4, 100))
    found = read_all(write(tmp_path, ORDERS + many + row))
    assert (len(found.orders), len(found.rejects)) == (98, 1)
    assert "cells where the header has 5" in found.rejects[0].reason
    assert found.rejects[0].row == row.strip()


def test_a_cell_larger_than_a_megabyte_costs_one_row(tmp_path, small_steps):
    huge = f"3,B,2026-03-02T10:00Z,20.00,{'x' * 1_100_000}\n"
    many = "".join(f"{n},C,2026-03-02T10:00Z,20.00,USD\n" for n in range(4, 2_000))
    found = read_all(write(tmp_path, ORDERS + many + huge + "9999999,C,2026-03-02T10:00Z,20.00,USD\n"))
    assert len(found.rejects) == 1
    assert len(found.rejects[0].row) <= 20_000
    assert found.order("9999999")


def test_blank_rows_and_empty_tails_are_nothing(tmp_path):
    found = read_all(write(tmp_path, ORDERS + "\n,,,,\n3,B,2026-03-02T10:00Z,20.00,USD,,\n\n"))
    assert (len(found.orders), found.rows, found.rejects) == (3, 3, [])


def test_columns_without_a_name_or_with_the_same_one(tmp_path):
    assert inspect(write(tmp_path, "order,customer,date,amount,,amount\n1,A,2026-03-02,1,2,3\n")).columns[3:] == (
        "amount", "Column 5", "amount (2)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "name", "answer"),
    [
        ("order,customer,date,amount,currency\n1,A,03/04/2026,20.00,USD\n", "date_order", "mdy"),
        ("order,customer,date,amount,currency\n1,A,03/04/05,20.00,USD\n", "date_order", "ymd"),
        ("order,customer,date,amount,currency\n1,A,13/04/2026,20.00,USD\n2,A,04/13/2026,20.00,USD\n", "date_order", "dmy"),
        ('order,customer,date,amount,currency\n1,A,2026-03-04,"1,234",USD\n', "decimal_mark", ","),
        ('order,customer,date,amount,currency\n1,A,2026-03-04,"12,50",USD\n2,A,2026-03-04,12.50,USD\n', "decimal_mark", "."),
        ("order,customer,date,amount\n1,A,2026-03-04,20.00\n", "currency", "SEK"),
        ("order,customer,date,worth,currency\n1,A,2026-03-04,20.00,USD\n", "mapping.amount", ""),
        ("order,customer,moment of it,amount,currency\n1,A,2026-03-04,20.00,USD\n", "mapping.placed_at", ""),
    ],
)
def test_what_a_file_leaves_open_is_asked_never_guessed(tmp_path, content, name, answer):
    path = write(tmp_path, content)
    with pytest.raises(NeedsAnswer) as asked:
        read(path, ReadOptions(time_zone="UTC"), now=NOW, guest_key=GUEST_KEY)
    assert asked.value.question.name == name
    if answer:
        assert name not in [
            question.name for question in inspect(path, ReadOptions(time_zone="UTC", **{name: answer})).questions
        ]
        assert read_all(path, time_zone="UTC", **{name: answer}).orders


def test_a_zone_is_asked_for_where_times_have_no_offset(tmp_path):
    path = write(tmp_path, "order,customer,date,amount,currency\n1,A,2026-03-04 10:00,20.00,USD\n")
    assert [question.name for question in inspect(path).questions] == ["time_zone"]


def test_one_value_further_in_decides_a_column(tmp_path):
    path = write(tmp_path, "order,customer,date,amount,currency\n1,A,03/04/2026,20.00,USD\n2,A,04/25/2026,20.00,USD\n")
    report = inspect(path, ReadOptions(time_zone="UTC"))
    assert (report.questions, report.decided["date_order"]) == ((), "mdy")


def test_a_late_row_that_contradicts_the_decision_is_rejected(tmp_path):
    lines = "".join(f"{n},A,25/04/2026,20.00,USD\n" for n in range(9_000)) + "x,A,04/25/2026,20.00,USD\n"
    found = read_all(write(tmp_path, "order,customer,date,amount,currency\n" + lines, "late.csv.gz"), time_zone="UTC")
    assert len(found.orders) == 9_000
    assert "day first" in found.rejects[0].reason


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "magento"}, "no source"),
        ({"kind": "cats"}, "no kind"),
        ({"currency": "EURO"}, "no currency"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
        ({"encoding": "utf-99"}, "no encoding"),
        ({"date_order": "ydm"}, "date order"),
        ({"mapping": {"amount": "Wert"}}, "no column 'Wert'"),
        ({"mapping": {"colour": "amount"}}, "no field 'colour'"),
        ({"source": "shopify-bulk"}, "bulk export"),
        ({"source": "woocommerce"}, "no column for"),
    ],
)
def test_an_impossible_answer_is_refused(tmp_path, options, says):
    with pytest.raises(UnreadableFile, match=says):
        inspect(write(tmp_path, ORDERS), ReadOptions(**options))


@pytest.mark.parametrize(
    ("header", "kind", "source"),
    [
        ("Name,Email,Financial Status,Created at,Total,Lineitem name,Lineitem quantity", "orders", "shopify"),
        ("Customer ID,Email,Accepts Email Marketing,Total Spent,Total Orders", "customers", "shopify"),
        ("Order Number,Order Status,Order Date,Order Total Amount,Quantity (- Refund)", "orders", "woocommerce"),
        ("InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID", "orders", "online-retail"),
        ("order_id,customer_id,date,amount", "orders", "generic"),
        ("email,first name,last name", "customers", "generic"),
        ("ticket_id,customer_email,created_at,status", "tickets", "generic"),
    ],
)
def test_a_file_is_known_by_its_header(tmp_path, header, kind, source):
    report = inspect(write(tmp_path, header + "\n" + "," * header.count(",") + "\n" + "1" + ",1" * header.count(",") + "\n"))
    assert (report.kind, report.source) == (kind, source)


def test_options_go_through_json():
    options = ReadOptions(mapping={"amount": "Betrag"}, currency="EUR")
    assert ReadOptions.from_json(options.to_json() | {"older": 1}) == options


def test_the_preview_shows_values_and_names_problems(tmp_path):
    path = write(tmp_path, "order,customer,date,amount,currency\n1,A,2026-03-02T10:00Z,1234.5,USD\n2,A,never,5.00,USD\n")
    shown = preview(path, ReadOptions(), now=NOW)
    assert shown.rows[0]["amount"].text == "1,234.50"
    assert shown.rows[0]["placed_at"].text == "2 Mar 2026, 10:00"
    assert shown.rows[1]["placed_at"].problem == "date is 'never', not a date."
    assert (shown.readable_share["placed_at"], shown.readable_share["amount"], shown.rows_tried) == (0.5, 1.0, 2)


def test_the_preview_shows_what_an_open_question_hinders(tmp_path):
    path = write(tmp_path, "order,customer,date,amount,currency\n1,A,03/04/2026,5.00,USD\n")
    assert "two days" in preview(path, ReadOptions(time_zone="UTC"), now=NOW).rows[0]["placed_at"].problem
    answered = preview(path, ReadOptions(time_zone="UTC", date_order="dmy"), now=NOW)
    assert answered.rows[0]["placed_at"].text == "3 Apr 2026"


def test_rows_are_estimated_from_the_bytes(tmp_path):
    content = "order,customer,date,amount,currency\n" + "".join(f"{n},A,2026-03-02T10:00Z,20.00,USD\n" for n in range(100_000))
    assert abs(inspect(write(tmp_path, content)).estimated_rows - 100_000) < 3_000


def test_progress_reaches_the_size_of_the_file_on_disk(tmp_path):
    path = write(tmp_path, ORDERS * 1, "orders.csv.gz")
    assert read_all(path).bytes_read == path.stat().st_size


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "LINES_PER_BLOCK", 500)
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 500)
    monkeypatch.setattr(values.Cached.__init__, "__defaults__", (500,))

    def peak(count):
        path = tmp_path / f"{count}.csv"
        with path.open("w") as file:
            file.write("order,customer,date,amount,currency,product\n")
            file.writelines(f"{n},C{n},2026-03-02T10:{n % 60:02}:00Z,20.00,USD,Loom {n}\n" for n in range(count))
        batches = read(path, ReadOptions(), now=NOW, guest_key=GUEST_KEY)
        tracemalloc.start()
        for _ in batches:
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few = peak(1_500)
    assert peak(6_000) < 1.2 * few + 500_000
