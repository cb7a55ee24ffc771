# ruff: noqa: E501 - a payload reads best when its rows are as long as they are
"""WooCommerce, Online Retail II and tickets."""

import pytest

from tests.customers.importing.files import at, read_all, write

WOO = (
    "Order Number,Order Status,Order Date,Customer User ID,First Name (Billing),Last Name (Billing),Email (Billing),Phone (Billing),"
    "Country Code (Billing),Cart Discount Amount,Order Refund Amount,Order Total Amount,Order Currency,SKU,Item #,Item Name,"
    "Quantity (- Refund),Item Cost,Coupon Code\n"
)


def woo(
    number="31",
    status="completed",
    customer="41",
    total="60.95",
    refund="0.00",
    sku="W",
    quantity="2",
    email="vera@example.com",
):
    return f"{number},{status},2026-03-02 11:05:09,{customer},Vera,Lind,{email},,SE,5.00,{refund},{total},EUR,{sku},1,Wool,{quantity},24.00,HI\n"


def test_woocommerce_repeats_the_order_and_it_is_counted_once(tmp_path):
    found = read_all(write(tmp_path, WOO + woo() + woo(sku="X")), time_zone="Europe/Stockholm")
    [order] = found.orders
    assert (order["total"], order["discounts"], order["currency"]) == (609_500, 50_000, "EUR")
    assert order["placed_at"] == at(2026, 3, 2, 10, 5, 9)
    assert (order["customer_id"], order["email"]) == ("41", "vera@example.com")
    assert [line["sku"] for line in found.lines] == ["W", "X"]
    assert found.customers[0]["first_name"] == "Vera"


def test_woocommerce_rows_that_stand_apart_are_one_order(tmp_path):
    found = read_all(write(tmp_path, WOO + woo() + woo("32") + woo(sku="X")), time_zone="UTC")
    assert sorted(order["order_id"] for order in found.orders) == ["31", "32"]
    assert [line["position"] for line in found.lines_of("31")] == [0, 1]


@pytest.mark.parametrize(
    ("status", "refund", "wanted", "back"),
    [
        ("completed", "0.00", "paid", []),
        ("processing", "0.00", "paid", []),
        ("wc-completed", "0.00", "paid", []),
        ("completed", "24.00", "partially_refunded", [240_000]),
        ("refunded", "60.95", "refunded", [609_500]),
        ("refunded", "", "refunded", [609_500]),
        ("on-hold", "0.00", "pending", []),
        ("cancelled", "0.00", "cancelled", []),
        ("failed", "0.00", "failed", []),
    ],
)
def test_woocommerce_statuses(tmp_path, status, refund, wanted, back):
    found = read_all(write(tmp_path, WOO + woo(status=status, refund=refund)), time_zone="UTC")
    assert found.orders[0]["financial_status"] == wanted
    assert [refund["amount"] for refund in found.refunds] == back


def test_a_woocommerce_guest_is_known_by_the_address(tmp_path):
    order = read_all(write(tmp_path, WOO + woo(customer="0")), time_zone="UTC").orders[0]
    assert (order["customer_id"], order["email"]) == (None, "vera@example.com")


def test_broken_woocommerce_orders(tmp_path):
    found = read_all(
        write(tmp_path, WOO + woo("1", status="lost") + woo("2") + woo("2", total="1.00") + woo("3")), time_zone="UTC"
    )
    assert [order["order_id"] for order in found.orders] == ["3"]
    assert [reject.line for reject in found.rejects] == [2, 3, 4]


RETAIL = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
FIRST_EDITION = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = (
    "700001,11111A,TIN LAMP,12,2010-06-04 09:12:00,2.95,15000.0,United Kingdom\n"
    "700001,POST,POSTAGE,1,2010-06-04 09:12:00,18.00,15000.0,United Kingdom\n"
    "C700002,11111A,TIN LAMP,-2,2010-06-06 14:01:00,2.95,15000.0,United Kingdom\n"
    "C700003,11111A,TIN LAMP,-2,2010-06-06 14:01:00,2.95,,United Kingdom\n"
    "A700004,B,Adjust bad debt,1,2010-06-07 08:00:00,-100.00,,United Kingdom\n"
    "700005,11111A,,-10,2010-06-07 08:00:00,0.00,,United Kingdom\n"
    "700006,11111A,TIN LAMP,4,2010-06-08 08:00:00,2.95,,United Kingdom\n"
    "700006,AMAZONFEE,FEE,1,2010-06-08 08:00:00,5.00,,United Kingdom\n"
    "700006,TEST001,A test,1,2010-06-08 08:00:00,5.00,,United Kingdom\n"
    "700007,D,Discount,-1,2010-06-09 08:00:00,14.88,15000.0,United Kingdom\n"
    "700001,11111A,TIN LAMP,12,2010-06-04 09:12:00,2.95,15000.0,United Kingdom\n"
)


@pytest.mark.parametrize("header", [RETAIL, FIRST_EDITION])
def test_online_retail_in_both_editions(tmp_path, header):
    found = read_all(write(tmp_path, header + ROWS, "retail.csv.gz"), currency="USD", time_zone="America/New_York")
    assert sorted(order["order_id"] for order in found.orders) == ["700001", "700006"]
    order = found.order("700001")
    assert (order["customer_id"], order["total"], order["currency"]) == ("15000", 534_000, "GBP")
    assert order["placed_at"] == at(2010, 6, 4, 8, 12)  # British summer time, whatever the shop's zone is
    assert [line["product_id"] for line in found.lines_of("700001")] == ["11111A"]
    assert found.order("700006")["customer_id"] is None
    assert found.order("700006")["total"] == 118_000
    assert sorted((r["refund_id"], r["customer_id"], r["amount"]) for r in found.refunds) == [
        ("700007", "15000", 148_800), ("C700002", "15000", 59_000),
    ]  # fmt: skip
    assert sum(found.left_out.values()) == 6
    assert found.left_out["exact duplicates"] == 1
    assert found.customers[0]["country"] == "United Kingdom"
    assert found.rejects == []


def test_a_broken_online_retail_line_takes_its_invoice_along(tmp_path):
    found = read_all(write(tmp_path, RETAIL + ROWS.replace("POST,POSTAGE,1", "POST,POSTAGE,one")))
    assert "700001" not in [order["order_id"] for order in found.orders]
    assert sorted((reject.line, reject.with_order) for reject in found.rejects) == [(2, True), (3, False), (12, True)]


TICKETS = "ticket_id,customer_email,customer_id,created_at,closed_at,channel,subject,first_response_minutes,messages,status,tags,satisfaction\n"


def test_a_neutral_table_of_tickets(tmp_path):
    found = read_all(write(tmp_path, TICKETS
        + 'T1,vera@example.com,,2026-03-02T10:00:00Z,2026-03-03T10:00:00Z,contact form,Where is it?,30,4,solved,"late, parcel",5\n'
        + "T2,,77,2026-03-02T10:00:00Z,,whatsapp,,,,open,,\n"))  # fmt: skip
    assert found.tickets == [
        {
            "ticket_id": "T1", "customer_id": None, "email": "vera@example.com", "phone": None, "channel": "email",
            "subject": "Where is it?", "status": "closed", "created_at": at(2026, 3, 2, 10), "closed_at": at(2026, 3, 3, 10), "reopened": None,
            "satisfaction_score": 5, "tags": ["late", "parcel"], "message_count": 4,
        },
        {
            "ticket_id": "T2", "customer_id": "77", "email": None, "phone": None, "channel": "sms", "subject": None,
            "status": "open", "created_at": at(2026, 3, 2, 10), "closed_at": None, "reopened": None, "satisfaction_score": None, "tags": None,
            "message_count": None,
        },
    ]  # fmt: skip


def test_tickets_in_the_words_of_zendesk(tmp_path):
    found = read_all(write(tmp_path, "Id,Requester email,Subject,Status,Created at,Solved at,Via,Satisfaction Score,Reopens\n"
        "8,vera@example.com,Help,Solved,2026-03-02T10:00:00Z,2026-03-03T10:00:00Z,Web form,Good,2\n"))  # fmt: skip
    [ticket] = found.tickets
    assert (ticket["ticket_id"], ticket["channel"], ticket["satisfaction_score"], ticket["reopened"]) == ("8", "email", 5, True)


def test_broken_tickets(tmp_path):
    found = read_all(write(tmp_path, TICKETS
        + ",,,2026-03-02T10:00:00Z,,,,,,,,\nT2,,,,,,,,,,,\nT3,,,2026-03-02T10:00:00Z,2026-03-01T10:00:00Z,,,,,,,\n"
        + "T4,,,2026-03-02T10:00:00Z,,,,,,,,11\nT5,,,2026-03-02T10:00:00Z,,,,,,,,\n"))  # fmt: skip
    assert [ticket["ticket_id"] for ticket in found.tickets] == ["T5"]
    assert [reject.column for reject in found.rejects] == ["ticket_id", "created_at", "closed_at", "satisfaction"]
