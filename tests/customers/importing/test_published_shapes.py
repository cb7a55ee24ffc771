"""The made-up shop of the research folder, where it is there: the same ten orders in every source's shape."""

from pathlib import Path

import pytest

from tests.customers.importing.files import read_all

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "integrations" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the research folder ../shared is not here")

ORDERS = {
    "#1001": 64.27, "#1002": 41.58, "#1003": 224.10, "#1004": 153.37, "#1005": 254.95, "#1006": 47.53, "#1007": 34.57,
    "#1008": 50.00, "#1009": 248.00, "#1010": 31.87,
}  # fmt: skip


@pytest.mark.parametrize("name", ["shopify-orders-export.csv", "shopify-bulk-orders.jsonl"])
def test_ten_orders_of_shopify(name):
    found = read_all(SAMPLES / name)
    assert {order["number"]: order["total"] / 10_000 for order in found.orders} == ORDERS
    assert len(found.lines) == 16
    assert sum(refund["amount"] for refund in found.refunds) == 604_900
    assert [order["number"] for order in found.orders if order["is_test"]] == ["#1010"]
    assert [order["number"] for order in found.orders if order["cancelled_at"]] == ["#1006"]
    assert found.rejects == []


def test_csv_and_bulk_say_the_same_of_each_order():
    csv, bulk = read_all(SAMPLES / "shopify-orders-export.csv"), read_all(SAMPLES / "shopify-bulk-orders.jsonl")
    for order in csv.orders:
        other = bulk.order(order["order_id"])
        for name in ("number", "placed_at", "currency", "total", "discounts", "financial_status", "cancelled_at", "is_test"):
            assert order[name] == other[name], (order["number"], name)


def test_the_other_samples():
    assert [order["total"] for order in read_all(SAMPLES / "shopify-orders-export-alt.csv").orders] == [
        2_241_000,
        415_800,
        642_700,
    ]
    assert len(read_all(SAMPLES / "shopify-customers-export.csv").customers) == 9
    assert len(read_all(SAMPLES / "shopify-customers-export-older.csv").customers) == 3
    assert len(read_all(SAMPLES / "shopify-bulk-customers.jsonl").customers) == 8
    woo = read_all(SAMPLES / "woocommerce-orders.csv", time_zone="America/New_York")
    assert sum(order["total"] for order in woo.orders) == 3_459_000
    assert sum(refund["amount"] for refund in woo.refunds) == 684_500
    generic = read_all(SAMPLES / "generic-orders.csv")
    assert sum(order["total"] for order in generic.orders) == 10_358_000
    german = read_all(SAMPLES / "generic-orders-minimal-eu.csv", currency="EUR", time_zone="Europe/Berlin")
    assert [order["total"] for order in german.orders] == [642_700, 415_800, 12_241_000]
    retail = read_all(SAMPLES / "online-retail-ii.csv")
    assert sum(order["total"] for order in retail.orders) == 609_000 + 480_000 + 408_000
    assert sum(refund["amount"] for refund in retail.refunds) == 85_000 + 148_800
    assert sum(retail.left_out.values()) == 3
