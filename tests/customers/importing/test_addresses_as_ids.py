"""Files whose customer ids are e-mail addresses or phone numbers: one customer everywhere, and no id that tells either."""

from decimal import Decimal
from itertools import permutations

import pytest
from django.urls import reverse

from accounts.models import Shop, User
from customers.importing import running
from customers.importing.guests import address_in, guest_id
from customers.importing.options import ReadOptions
from customers.importing.previewing import preview
from customers.models import Customer, Order, Refund
from support.models import Ticket
from tests.customers.importing.files import NOW, read_all, write
from tests.customers.importing.storage import everything_stored
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

ORDERS = (
    "customer,date,amount\nzoe@example.com,2026-03-02T10:00Z,5.00\nZoe@Example.com,2026-04-02T10:00Z,9.00\n"
    "+44 20 7946 0000,2026-03-02T10:00Z,7.50\nzoe@example.com,2026-05-09T10:00Z,-1.00\n+442079460000,2026-05-09T10:00Z,-2.00\n"
)
TICKETS = (
    "ticket_id,customer_id,subject,created_at\n"
    "T1,ZOE@example.com,Wool?,2026-03-02T10:00Z\nT2,+442079460000,,2026-03-02T10:00Z\n"
)


def bring(folder, kind, content, **options):
    path = write(folder, content, f"{kind}.csv")
    running.run(running.prepare(path, kind, {"currency": "USD", **options}), as_of=NOW)


def bring_tables(folder, **tables):
    folder.mkdir()
    for name, content in tables.items():
        write(folder, content, f"{name}.csv")
    running.run(running.prepare(folder, "tables", {}), as_of=NOW)


def told_by_ids():
    """All ids that an API key without `read:pii` reads, as one text."""
    asked = ((Customer, "customer_id"), (Order, "order_id"), (Order, "number"), (Refund, "refund_id"), (Ticket, "ticket_id"))
    return " ".join(each for model, name in asked for each in model.objects.values_list(name, flat=True)).lower()


def assert_no_id_tells_anybody():
    assert not any(part in told_by_ids() for part in ("zoe", "example", "7946"))


# --- what is an address ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "email", "phone"),
    [
        ("zoe@example.com", "zoe@example.com", ""),
        ("zoe+wool@mail.example.co.uk", "zoe+wool@mail.example.co.uk", ""),
        ("Zoe Lee <zoe@example.com>", "zoe@example.com", ""),
        ("+442079460000", "", "+442079460000"),
        ("+44 (20) 7946-0000", "", "+44 (20) 7946-0000"),
        ("'+1.212.555.0100", "", "+1.212.555.0100"),
        ("+٤٤٢٠٧٩٤٦٠٠٠٠", "", "+٤٤٢٠٧٩٤٦٠٠٠٠"),
        ("+123456", "", ""),  # too short for a number
        ("+1234567890123456", "", ""),  # too long for one
        ("442079460000", "", ""),
        ("020 7946 0000", "", ""),
        ("+44 20 7946 0000 x5", "", ""),
        ("@zoe", "", ""),
        ("zoe@", "", ""),
        ("7300012596227", "", ""),
        ("A+1", "", ""),
    ],
)
def test_which_ids_are_addresses_and_numbers(given, email, phone):
    assert address_in(given) == (email, phone)


# --- one customer everywhere -----------------------------------------------------------------------------------------


def test_a_column_of_addresses_makes_guests_and_no_id_tells_them(tmp_path):
    bring(tmp_path, "orders", ORDERS)
    key = Shop.current().guest_key
    zoe, bo = Customer.objects.get(email_key="zoe@example.com"), Customer.objects.get(phone_key="442079460000")
    assert Customer.objects.count() == 2
    assert (zoe.customer_id, bo.customer_id) == (guest_id("zoe@example.com", "", key), guest_id("", "442079460000", key))
    assert (zoe.order_count, zoe.lifetime_value, bo.order_count, bo.lifetime_value) == (2, 13, 1, Decimal("5.5"))
    assert_no_id_tells_anybody()


@pytest.mark.parametrize(
    "customers", ["id,first name,country\nZoe@example.com,Zoe,SE\n", "email,first name,country\nzoe@Example.com,Zoe,SE\n"],
    ids=["as id", "as e-mail"],
)  # fmt: skip
@pytest.mark.parametrize("turn", list(permutations(("orders", "customers", "tickets"))), ids="-".join)
def test_who_buys_asks_and_is_listed_under_an_address_is_one_customer(tmp_path, customers, turn):
    files = {"orders": ORDERS, "customers": customers, "tickets": TICKETS}
    for kind in turn:
        bring(tmp_path, kind, files[kind])
    zoe = Customer.objects.get(email_key="zoe@example.com")
    assert (Customer.objects.count(), zoe.first_name, zoe.country, zoe.order_count) == (2, "Zoe", "SE", 2)
    assert Ticket.objects.get(ticket_id="T1").customer == zoe
    assert Ticket.objects.get(ticket_id="T2").customer == Customer.objects.get(phone_key="442079460000")
    before = everything_stored()
    for kind in turn:
        bring(tmp_path, kind, files[kind])
    assert everything_stored() == before
    assert_no_id_tells_anybody()


def test_an_address_in_the_place_of_the_id_is_the_account_that_has_it(tmp_path):
    zoe = make_customer("Zoe", email="zoe@example.com", customer_id="7")
    bo = make_customer("Bo", email="", phone="44 20 7946 0000", customer_id="8")
    bring(tmp_path, "orders", ORDERS)
    bring(tmp_path, "tickets", TICKETS)
    assert Customer.objects.count() == 2
    assert set(Order.objects.values_list("customer", flat=True)) == {zoe.pk, bo.pk}
    assert {refund.customer for refund in Refund.objects.all()} == {zoe, bo}
    assert {ticket.customer for ticket in Ticket.objects.all()} == {zoe, bo}


def test_ids_beside_addresses_stay_ids(tmp_path):
    content = (
        "order,customer,email,phone,date,amount\n1,7,zoe@example.com,+442079460000,2026-03-02T10:00Z,5.00\n"
        "2,zoe@example.com,other@example.com,+442079460000,2026-03-02T10:00Z,5.00\n"
        "3,+442079460000,zoe@example.com,,2026-03-02T10:00Z,5.00\n4,0207946000,,,2026-03-02T10:00Z,5.00\n"
    )
    found = read_all(write(tmp_path, content), currency="USD")
    assert [(order["customer_id"], order["email"], order["phone"]) for order in found.orders] == [
        ("7", "zoe@example.com", "+442079460000"),
        (None, "zoe@example.com", "+442079460000"),
        (None, "zoe@example.com", "+442079460000"),
        ("0207946000", None, None),
    ]


def test_an_address_may_be_longer_than_an_id(tmp_path):
    address = f"{'zoe' * 20}@{'mail.' * 10}example.com"
    found = read_all(
        write(tmp_path, f"customer,date,amount\n{address},2026-03-02T10:00Z,5\n{'x' * 65},2026-03-02T10:00Z,5\n"),
        currency="USD",
    )
    assert [order["email"] for order in found.orders] == [address]
    assert "longer than 64" in found.rejects[0].reason


# --- one order -------------------------------------------------------------------------------------------------------


def test_an_address_written_in_two_ways_is_one_order_at_one_instant(tmp_path):
    content = (
        "customer,date,amount\nzoe@example.com,2026-03-02T10:00Z,5.00\n+44 20 7946 0000,2026-03-02T10:00Z,1.00\n"
        "Zoe@Example.com,2026-03-02T10:00Z,7.50\n+442079460000,2026-03-02T10:00Z,2.00\nnan,2026-03-02T10:00Z,2.00\n"
    )
    found = read_all(write(tmp_path, content), currency="USD")
    assert sorted(order["total"] for order in found.orders) == [30_000, 125_000]
    assert len({order["order_id"] for order in found.orders}) == 2
    assert len(found.rejects) == 1


def test_an_order_of_two_addresses_is_rejected_and_of_one_in_two_ways_is_not(tmp_path):
    content = (
        "order,customer,date,amount\n1,zoe@example.com,2026-03-02T10:00Z,5\n1,ZOE@example.com,2026-03-02T10:00Z,6\n"
        "2,zoe@example.com,2026-03-02T10:00Z,5\n2,ann@example.com,2026-03-02T10:00Z,6\n"
    )
    found = read_all(write(tmp_path, content), currency="USD", amount_per="line")
    assert [(order["order_id"], order["total"]) for order in found.orders] == [("1", 110_000)]
    assert "different customers" in found.rejects[0].reason


def test_a_return_of_somebody_known_by_a_local_number_is_no_customer_of_that_id(tmp_path):
    bring(tmp_path, "orders", "phone,date,amount\n020 7946 0000,2026-03-02T10:00Z,5\n02079460000,2026-03-09T10:00Z,-2\n")
    assert Customer.objects.get().lifetime_value == 3
    assert_no_id_tells_anybody()


# --- other sources ---------------------------------------------------------------------------------------------------


def test_woocommerce_and_online_retail_take_addresses_as_such_too(tmp_path):
    shop = (
        "Order Number,Order Status,Order Date,Customer User ID,Order Total Amount,Order Currency,Item Name,Quantity,Item Cost\n"
    )
    bring(tmp_path, "orders", shop + "1,completed,2026-03-02T10:00:00Z,Zoe@example.com,5.00,USD,Wool,1,5.00\n")
    lines = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    lines += "536365,85123A,Wool,6,2026-03-02 08:26,2.55,zoe@example.com,France\n"
    lines += "C536366,85123A,Wool,-1,2026-03-03 08:26,2.55,zoe@example.com,France\n"
    bring(tmp_path, "orders", lines)
    zoe = Customer.objects.get()
    assert (Order.objects.filter(customer=zoe).count(), Refund.objects.get().customer, zoe.country) == (2, zoe, "France")
    assert_no_id_tells_anybody()


def test_the_six_tables_refer_to_one_another_by_addresses_and_store_none_as_an_id(tmp_path):
    tables = {
        "customers": "customer_id,email,first_name\nzoe@example.com,,Zoe\n+44 20 7946 0000,bo@example.com,Bo\n"
        "7,ann@example.com,Ann\n",
        "orders": "order_id,customer_id,created_at,total_price\n1,zoe@example.com,2026-03-01,5\n2,+442079460000,2026-03-01,5\n"
        "3,7,2026-03-01,5\n4,new@example.com,2026-03-01,5\n",
        "tickets": "customer_id,created_at,subject\nZOE@example.com,2026-03-02,How do I wash it?\n",
    }
    bring_tables(tmp_path / "first", **tables)
    before = everything_stored()
    names = {order.order_id: (order.customer.first_name, order.customer.email) for order in Order.objects.all()}
    assert names == {
        "1": ("Zoe", "zoe@example.com"),
        "2": ("Bo", "bo@example.com"),
        "3": ("Ann", "ann@example.com"),
        "4": ("", "new@example.com"),
    }
    assert Customer.objects.get(first_name="Ann").customer_id == "7"
    assert Ticket.objects.get().customer.first_name == "Zoe"
    assert_no_id_tells_anybody()
    bring_tables(tmp_path / "again", **tables)
    assert everything_stored() == before
    bring(tmp_path, "orders", "customer,date,amount\nzoe@example.com,2026-03-02T10:00Z,5\n+442079460000,2026-03-02T10:00Z,5\n")
    assert Customer.objects.count() == 4


def test_a_ticket_without_an_id_is_not_named_after_an_address(tmp_path):
    tickets = "customer_id,created_at,subject\nzoe@example.com,2026-03-02,Wool?\n"
    bring_tables(tmp_path / "here", tickets=tickets)
    here = Ticket.objects.get().ticket_id
    Ticket.objects.all().delete()
    Shop.objects.all().delete()
    bring_tables(tmp_path / "there", tickets=tickets)
    assert Ticket.objects.get().ticket_id != here


# --- before it is imported -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "says_so"), [(ORDERS, True), ("customer,date,amount\n7,2026-03-02T10:00Z,5\n", False)])
def test_the_page_says_that_ids_are_taken_as_addresses(tmp_path, client, content, says_so):
    client.force_login(User.objects.create_user("ada", role="admin"))
    data_import = running.prepare(write(tmp_path, content), "orders", {})
    page = client.get(reverse("import-map", args=[data_import.token])).content.decode()
    assert ("Some customer ids are e-mail addresses or phone numbers" in page) == says_so


def test_whom_addresses_name_is_counted_by_them(tmp_path):
    seen = preview(write(tmp_path, ORDERS), ReadOptions(currency="USD"), now=NOW)
    assert (seen.named.ids, {email.lower() for email in seen.named.emails}) == (frozenset(), {"zoe@example.com"})
    assert seen.rejected == 0
