# ruff: noqa: E501 - a payload reads best when its rows are as long as they are
import json

import pytest

from customers.importing.previewing import preview
from customers.importing.reading import ReadOptions, inspect
from tests.customers.importing.files import NOW, at, read_all, write

ORDER = {
    "id": "gid://shopify/Order/901",
    "name": "#31",
    "createdAt": "2026-03-04T10:00:00Z",
    "processedAt": "2026-03-03T10:00:00Z",
    "test": False,
    "displayFinancialStatus": "PARTIALLY_REFUNDED",
    "displayFulfillmentStatus": "FULFILLED",
    "currencyCode": "USD",
    "discountCodes": ["HELLO"],
    "totalPriceSet": {"shopMoney": {"amount": "38.0", "currencyCode": "USD"}, "presentmentMoney": {"amount": "35.0", "currencyCode": "EUR"}},
    "totalDiscountsSet": {"shopMoney": {"amount": "2.0"}},
    "customer": {"id": "gid://shopify/Customer/77"},
    "refunds": [{"id": "gid://shopify/Refund/5", "createdAt": "2026-03-09T10:00:00Z", "totalRefundedSet": {"shopMoney": {"amount": "4.5"}}}],
    "fulfillments": [{"status": "SUCCESS", "trackingInfo": [{"number": "T1"}, {"number": "T1"}]}, {"status": "CANCELLED", "trackingInfo": [{"number": "T2"}]}],
}  # fmt: skip
LINE = {
    "id": "gid://shopify/LineItem/4401",
    "title": "Wool",
    "variantTitle": "Moss",
    "sku": "W",
    "quantity": 2,
    "originalUnitPriceSet": {"shopMoney": {"amount": "20.0"}},
    "discountAllocations": [{"allocatedAmountSet": {"shopMoney": {"amount": "2.0"}}}],
    "product": {"id": "gid://shopify/Product/8", "productType": "Yarn"},
    "__parentId": "gid://shopify/Order/901",
}


def lines(*objects):
    return "".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in objects)


def test_a_child_may_come_before_its_order(tmp_path):
    found = read_all(write(tmp_path, lines(LINE, ORDER), "bulk.jsonl.gz"))
    order = found.order("901")
    assert order["placed_at"] == at(2026, 3, 3, 10)
    assert (order["total"], order["currency"], order["discounts"]) == (380_000, "USD", 20_000)
    assert (order["customer_id"], order["financial_status"]) == ("77", "partially_refunded")
    assert order["tracking_numbers"] == ["T1"]
    [line] = found.lines_of("901")
    assert (line["product_id"], line["title"], line["category"], line["quantity"]) == ("8", "Wool - Moss", "Yarn", 2)
    assert (line["unit_price"], line["discount"]) == (200_000, 20_000)
    assert found.refunds == [
        {
            "refund_id": "5",
            "order_id": "901",
            "customer_id": "77",
            "email": None,
            "phone": None,
            "created_at": at(2026, 3, 9, 10),
            "amount": 45_000,
        }
    ]


@pytest.mark.parametrize("money", [{"shopMoney": {"amount": "38.0"}}, {"amount": "38.00"}, "38.0", 38])
def test_money_in_any_nesting(tmp_path, money):
    assert read_all(write(tmp_path, lines(ORDER | {"totalPriceSet": money}))).order("901")["total"] == 380_000


def test_lines_inside_the_order_are_read_too(tmp_path):
    found = read_all(write(tmp_path, lines(ORDER | {"lineItems": {"edges": [{"node": LINE}]}})))
    assert len(found.lines_of("901")) == 1


def test_a_refunded_sum_without_refunds_has_no_date(tmp_path):
    found = read_all(write(tmp_path, lines(ORDER | {"refunds": [], "totalRefundedSet": {"shopMoney": {"amount": "4.5"}}})))
    assert [(r["refund_id"], r["created_at"]) for r in found.refunds] == [("901:refunded", None)]


def test_positions_do_not_depend_on_the_order_of_the_file(tmp_path):
    second = LINE | {"id": "gid://shopify/LineItem/4402"}
    one = read_all(write(tmp_path, lines(ORDER, LINE, second), "one.jsonl"))
    other = read_all(write(tmp_path, lines(second, LINE, ORDER), "other.jsonl"))
    assert sorted(line["position"] for line in one.lines) == sorted(line["position"] for line in other.lines)
    assert len({line["position"] for line in one.lines}) == 2


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("SUBSCRIBED", "subscribed"),
        ("NOT_SUBSCRIBED", "unknown"),
        ("UNSUBSCRIBED", "unsubscribed"),
        ("PENDING", "pending"),
        ("INVALID", "unsubscribed"),
    ],
)
def test_consent_of_customers(tmp_path, state, wanted):
    customer = {
        "id": "gid://shopify/Customer/77", "firstName": "Vera", "lastName": None, "createdAt": "2024-01-02T03:04:05Z", "tags": ["a"],
        "defaultEmailAddress": {"emailAddress": "vera@example.com", "marketingState": state}, "defaultPhoneNumber": None,
        "defaultAddress": {"countryCodeV2": "SE"},
    }  # fmt: skip
    [found] = read_all(write(tmp_path, lines(customer))).customers
    assert (found["customer_id"], found["email"], found["country"]) == ("77", "vera@example.com", "SE")
    assert (found["email_consent"], found["sms_consent"]) == (wanted, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not valid JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"name": "x"}', "no id"),
        (ORDER | {"id": "gid://shopify/Order/abc"}, "no id of Shopify"),
        (ORDER | {"totalPriceSet": None}, "no total"),
        (ORDER | {"totalPriceSet": "many"}, "not an amount"),
        (ORDER | {"createdAt": "2031-01-01T00:00:00Z", "processedAt": None}, "future"),
        (ORDER | {"totalPriceSet": {"amount": "1.0", "currencyCode": "ABC"}}, "currency"),
        (ORDER | {"customer": "Vera"}, "shape"),
        (LINE | {"quantity": "two"}, "no quantity"),
        (LINE | {"__parentId": None}, "to which order"),
    ],
)
def test_a_broken_line_is_rejected_and_the_others_go_on(tmp_path, line, reason):
    good = ORDER | {"id": "gid://shopify/Order/900"}
    found = read_all(write(tmp_path, lines(good, line, good | {"id": "gid://shopify/Order/902"})))
    assert [order["order_id"] for order in found.orders] == ["900", "902"]
    assert found.rejects[0].line == 2
    assert reason in found.rejects[0].reason


def test_objects_of_other_kinds_are_counted(tmp_path):
    found = read_all(write(tmp_path, lines(ORDER, {"id": "gid://shopify/Metafield/1", "__parentId": ORDER["id"]})))
    assert found.left_out == {"objects of another kind (Metafield)": 1}


def test_text_that_no_database_takes_is_mended(tmp_path):
    found = read_all(write(tmp_path, lines(LINE | {"title": "Wo\u0000ol\ud83e", "variantTitle": None})))
    found.lines[0]["title"].encode()
    assert found.lines[0]["title"].startswith("Wool")


def test_its_report_and_preview(tmp_path):
    path = write(tmp_path, lines(ORDER, LINE))
    report = inspect(path)
    assert (report.source, report.kind, report.questions) == ("shopify-bulk", "orders", ())
    [row] = preview(path, ReadOptions(), now=NOW).rows
    assert row["total"].text == "38.00"
