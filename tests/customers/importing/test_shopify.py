# ruff: noqa: E501 - a payload reads best when its rows are as long as they are
import pytest

from tests.customers.importing.files import at, read_all, write

HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,"
    "Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Phone,Notes,Cancelled at,Payment Method,"
    "Refunded Amount,Vendor,Id,Source,Lineitem discount,Phone\n"
)
OTHER_HEADER = (
    "Name,Phone,Email,Financial Status,Paid at,Fulfillment Status,Currency,Total,Discount Code,Discount Amount,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem SKU,Canceled at,Payment Method,Refunded Amount,Vendor,Id,Lineitem discount\n"
)


def row(name="#1", email="vera@example.com", status="paid", total="30.00", created="2026-03-04 21:47:09 -0500", quantity="1",
        title="Oak Loom", price="30.00", sku="LOOM", order_id="501", currency="USD", code="", discount="0.00", notes="",
        cancelled="", method="Card", refunded="0.00", line_discount="0.00", phone="", paid="2026-03-04 21:47:09 -0500"):  # fmt: skip
    return (
        f"{name},{email},{status},{paid},fulfilled,{currency},{total},0.00,0.00,{total},{code},{discount},{created},{quantity},"
        f"{title},{price},{sku},,{notes},{cancelled},{method},{refunded},Fern,{order_id},web,{line_discount},{phone}\n"
    )


def more(name="#1", email="vera@example.com", quantity="2", title="Wool", price="5.00", sku="WOOL"):
    return f"{name},{email},,,,,,,,,,,,{quantity},{title},{price},{sku},,,,,,Fern,,,0.00,\n"


def test_an_order_is_one_row_and_its_lines_are_several(tmp_path):
    found = read_all(
        write(
            tmp_path, HEADER + row(total="38.00", code="HELLO", discount="2.00", line_discount="1.50") + more() + more("", "")
        )
    )
    assert found.orders == [
        {
            "order_id": "501", "number": "#1", "customer_id": None, "email": "vera@example.com", "phone": None,
            "placed_at": at(2026, 3, 5, 2, 47, 9), "currency": "USD", "total": 380_000, "discounts": 20_000,
            "financial_status": "paid", "fulfillment_status": "fulfilled", "cancelled_at": None, "is_test": False,
            "tracking_numbers": None, "attributes": {"discount_code": "HELLO", "channel": "web"},
        }
    ]  # fmt: skip
    assert [(line["position"], line["title"], line["quantity"], line["unit_price"]) for line in found.lines] == [
        (0, "Oak Loom", 1, 300_000), (1, "Wool", 2, 50_000), (2, "Wool", 2, 50_000),
    ]  # fmt: skip
    assert found.lines[0]["discount"] == 15_000
    assert found.rows == 3


def test_the_other_header_dialect_with_mark_and_carriage_returns(tmp_path):
    content = (
        "\ufeff" + OTHER_HEADER
        + "#7,'+12025550141,,paid,2026-03-04 21:47:09 -0500,fulfilled,USD,9.00,,0.00,2026-03-04 21:47:09 -0500,1,Pin,9.00,PIN,"
        + "2026-03-05 10:00:00 -0500,Cash,0.00,Fern,507,0.00\n,,,,,,,,,,,1,Hook,0.00,HOOK,,,,Fern,,0.00\n"
    )  # fmt: skip
    found = read_all(write(tmp_path, content.replace("\n", "\r\n")))
    [order] = found.orders
    assert (order["order_id"], order["phone"], order["email"]) == ("507", "+12025550141", None)
    assert order["cancelled_at"] == at(2026, 3, 5, 15)
    assert [line["sku"] for line in found.lines] == ["PIN", "HOOK"]


@pytest.mark.parametrize(
    ("changes", "column", "wanted"),
    [
        ({"method": "Bogus Gateway"}, "is_test", True),
        ({"status": "voided", "cancelled": "2026-03-05 10:00:00 -0500"}, "cancelled_at", at(2026, 3, 5, 15)),
        ({"status": "pending"}, "financial_status", "pending"),
        ({"status": "", "paid": ""}, "financial_status", "pending"),
        ({"order_id": ""}, "order_id", "#1"),
        ({"order_id": "'501"}, "order_id", "501"),
        ({"notes": '"two\nlines, ""quoted"""'}, "total", 300_000),
        ({"total": ""}, "total", 300_000),
        ({"email": "", "phone": "'+12025550146"}, "phone", "+12025550146"),
    ],
)
def test_the_special_cells_of_an_order(tmp_path, changes, column, wanted):
    assert read_all(write(tmp_path, HEADER + row(**changes))).orders[0][column] == wanted


def test_a_refund_is_one_sum_without_a_date(tmp_path):
    found = read_all(write(tmp_path, HEADER + row(status="partially_refunded", refunded="12.50")))
    assert found.refunds == [
        {
            "refund_id": "501:refunded",
            "order_id": "501",
            "customer_id": None,
            "email": None,
            "phone": None,
            "created_at": None,
            "amount": 125_000,
        }
    ]


def test_a_name_that_is_used_again_is_another_order(tmp_path):
    found = read_all(write(tmp_path, HEADER + row(order_id="501") + row(order_id="502")))
    assert [order["order_id"] for order in found.orders] == ["501", "502"]


def test_apps_that_repeat_the_order_on_each_row_do_not_double_it(tmp_path):
    found = read_all(write(tmp_path, HEADER + row() + row(title="Wool")))
    assert len(found.orders) == 1
    assert len(found.lines) == 2


def test_an_order_that_was_cut_between_exports_is_whole_when_they_are_put_together(tmp_path):
    found = read_all(write(tmp_path, HEADER + row() + HEADER + more() + row("#2", order_id="502")))
    assert len(found.lines_of("501")) == 2
    assert found.rejects == []


def test_rows_whose_order_began_in_another_file_are_rejected_with_what_to_do(tmp_path):
    found = read_all(write(tmp_path, HEADER + more() + row("#2", order_id="502")))
    assert [order["order_id"] for order in found.orders] == ["502"]
    [reject] = found.rejects
    assert reject.line == 2
    assert "put the files together" in reject.reason


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"created": "yesterday"}, "Created at", "not a date"),
        ({"created": "2031-01-01 10:00:00 -0500"}, "Created at", "future"),
        ({"created": "1970-01-01 00:00:00 +0000"}, "Created at", "before 1990"),
        ({"total": "lots"}, "Total", "not an amount"),
        ({"currency": "ABC"}, "Currency", "no currency code"),
        ({"order_id": "5.55E+12"}, "Id", "shortened"),
        ({"refunded": "-1.00"}, "Refunded Amount", "negative"),
        ({"price": "3,00"}, "Lineitem price", "not an amount"),
    ],
)
def test_a_broken_order_is_rejected_by_line_and_column_and_the_others_go_on(tmp_path, changes, column, reason):
    changes = {key: f'"{value}"' if "," in value else value for key, value in changes.items()}
    found = read_all(write(tmp_path, HEADER + row("#0", order_id="500") + row(**changes) + more() + row("#2", order_id="502")))
    assert [order["order_id"] for order in found.orders] == ["500", "502"]
    broken, held = found.rejects
    assert (broken.line, broken.column, broken.with_order) == (3, column, False)
    assert reason in broken.reason
    assert broken.row.startswith("#1,vera@example.com")
    assert (held.line, held.with_order) == (4, True)


def test_customers_of_both_headers(tmp_path):
    now = read_all(write(tmp_path, "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Country Code,Phone,"
        "Accepts SMS Marketing,Total Spent,Total Orders,Tags\n'72101,Vera,Lind,vera@example.com,yes,SE,'+4670000000,no,10.00,1,\"a, b\"\n"))  # fmt: skip
    assert now.customers == [
        {
            "customer_id": "72101", "email": "vera@example.com", "phone": "+4670000000", "first_name": "Vera", "last_name": "Lind",
            "created_at": None, "email_consent": "subscribed", "sms_consent": "unknown", "time_zone": None, "country": "SE",
            "tags": ["a", "b"], "attributes": None,
        }
    ]  # fmt: skip
    older = read_all(write(tmp_path, "First Name,Last Name,Email,Accepts Email Marketing,Country,Country Code,Phone,Accepts SMS Marketing,"
        "Total Spent,Total Orders,Tags\nNoah,Berg,,no,Norway,NO,'+4740000000,yes,0.00,0,\n,,,no,,,,no,0.00,0,\n"))  # fmt: skip
    assert older.customers[0]["customer_id"] is None
    assert (older.customers[0]["email_consent"], older.customers[0]["sms_consent"]) == ("unknown", "subscribed")
    assert "no customer id" in older.rejects[0].reason
