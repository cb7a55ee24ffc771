"""Guests: one customer by address or number in every file, under an id that tells neither."""

import hashlib
import importlib
import secrets

import pytest
from django.apps import apps
from django.urls import reverse

from accounts.models import Shop, User
from customers.importing import running
from customers.importing.guests import guest_id
from customers.models import Customer, DataImport, Order, Refund
from support.models import Ticket
from tests.customers.importing.files import read_all, write
from tests.customers.importing.storage import batch, bring, customer, everything_stored, micros, order, refund, ticket
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db

ADDRESS, NUMBER, DIGITS = "zoe@example.com", "+44 20 7946 0000", "442079460000"


def unkeyed(known_by: str) -> str:
    """What the id was while no secret went into it."""
    return "guest_" + hashlib.blake2b(known_by.encode(), digest_size=10).hexdigest()


def stored_id(**known_by: str) -> str:
    bring(batch(orders=[order(secrets.token_hex(8), None, **known_by)]))
    return Customer.objects.get().customer_id


# --- what an id tells ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known_by", "email", "phone"), [({"email": ADDRESS}, ADDRESS, ""), ({"phone": NUMBER}, "", DIGITS)], ids=["email", "phone"]
)
def test_a_guests_id_tells_neither_address_nor_number_to_somebody_who_knows_the_code(known_by, email, phone):
    found = stored_id(**known_by)
    assert found == guest_id(email, phone, Shop.current().guest_key)
    guesses = {guest_id(email, phone, key) for key in ("00" * 32, hashlib.sha256(b"").hexdigest(), secrets.token_hex(32))}
    guesses |= {unkeyed(f"email:{email}"), unkeyed(f"phone:{phone}"), unkeyed(email or phone)}
    assert found not in guesses
    assert not any(part in found for part in ("zoe", "example", DIGITS[:6]))


def test_two_shops_give_the_same_guest_different_ids():
    here = stored_id(email=ADDRESS)
    Customer.objects.all().delete()
    Shop.objects.all().delete()
    there = stored_id(email=ADDRESS)
    assert here != there
    assert here.startswith("guest_")
    assert there.startswith("guest_")


def test_another_secret_key_leaves_the_ids_as_they_are(settings):
    before = stored_id(email=ADDRESS)
    Customer.objects.all().delete()
    settings.SECRET_KEY = secrets.token_hex(32)
    assert stored_id(email=ADDRESS) == before


@pytest.mark.parametrize("key", ["", "ab" * 31, "ab" * 33, "no hexadecimal"])
def test_without_a_whole_key_there_is_no_id(key):
    with pytest.raises(ValueError, match=r"guest key|hexadecimal"):
        guest_id(ADDRESS, "", key)


def test_an_order_without_an_id_is_not_named_after_a_guests_address_or_number(tmp_path):
    content = (
        "customer,email,phone,date,amount\n,zoe@example.com,,2026-03-02T10:00Z,5.00\n,,+442079460000,2026-03-02T10:00Z,7.50\n"
        ",zoe@example.com,,2026-03-02T10:00Z,1.25\n7,ann@example.com,,2026-03-02T10:00Z,2.00\n"
        ",zoe@example.com,,2026-03-09T10:00Z,-1.00\n"
    )
    found = read_all(write(tmp_path, content), currency="USD")
    ids = {order["order_id"]: order["total"] for order in found.orders}
    assert sorted(ids.values()) == [20_000, 62_500, 75_000]
    assert ids["7@20260302T100000"] == 20_000
    [returned] = found.refunds
    told = " ".join([*ids, returned["refund_id"]])
    assert not any(part in told for part in ("zoe", "ann", "example", DIGITS[:6]))


# --- whom it means ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_first", ["orders", "customers"])
def test_a_guest_in_orders_customers_returns_and_tickets_is_one_customer(file_first):
    back = refund("r", None, 5_0000, email=ADDRESS, created_at=micros("2026-03-05"))
    files = {
        "orders": batch(orders=[order("1", None, email=ADDRESS.upper())], refunds=[back]),
        "customers": batch(customers=[customer(email="Zoe@example.com", first_name="Zoe", phone=NUMBER)]),
        "tickets": batch(tickets=[ticket("T1", email=ADDRESS)]),
    }
    for name in sorted(files, key=lambda name: name != file_first):
        bring(files[name])
    zoe = Customer.objects.get()
    assert zoe.customer_id == guest_id(ADDRESS, "", Shop.current().guest_key)
    assert (zoe.first_name, zoe.order_count) == ("Zoe", 1)
    assert {Ticket.objects.get().customer, Order.objects.get().customer, Refund.objects.get().customer} == {zoe}


def test_a_file_of_guests_twice_changes_nothing_and_keeps_no_key(tmp_path):
    content = (
        "email,phone,date,amount,product\nzoe@example.com,,2026-03-02T10:00Z,5.00,Wool\n,+442079460000,2026-03-02T10:00Z,7.50,Hoop\n"
        "Zoe@Example.com,,2026-04-02T10:00Z,9.00,Hoop\nzoe@example.com,,2026-03-09T10:00Z,-1.00,Wool\n"
    )
    path = write(tmp_path, content)
    stored = []
    for _ in range(2):
        running.run(running.prepare(path, "orders", {"currency": "USD"}), as_of=NOW)
        stored.append(everything_stored())
    assert stored[0] == stored[1]
    assert (Customer.objects.count(), Order.objects.count(), Refund.objects.count()) == (2, 3, 1)
    assert Shop.current().guest_key not in repr(list(DataImport.objects.values()))


def test_a_guest_stored_under_an_earlier_id_is_found_by_the_address():
    zoe = make_customer("Zoe", email=ADDRESS, customer_id=unkeyed(f"email:{ADDRESS}"))
    bo = make_customer("Bo", email="", phone=NUMBER, customer_id=unkeyed(f"phone:{DIGITS}"))
    bring(
        batch(
            customers=[customer(email=ADDRESS, country="SE")],
            orders=[order("1", None, email=ADDRESS), order("2", None, phone=NUMBER), order("3", None, email="new@example.com")],
        )
    )
    assert list(Order.objects.order_by("order_id").values_list("customer", flat=True)[:2]) == [zoe.pk, bo.pk]
    assert Customer.objects.count() == 3
    assert Customer.objects.get(pk=zoe.pk).country == "SE"


# --- the key ---------------------------------------------------------------------------------------------------------


def test_a_shop_has_one_key_of_its_own_for_good():
    key = Shop.current().guest_key
    assert len(bytes.fromhex(key)) == 32
    shop = Shop.current()
    shop.name = "Another name"
    shop.save()
    assert Shop.current().guest_key == key
    Shop.objects.all().delete()
    assert Shop.current().guest_key != key


def test_a_shop_from_before_gets_a_key_and_keeps_it():
    Shop.current()
    Shop.objects.update(guest_key="")
    migration = importlib.import_module("accounts.migrations.0005_guest_key")
    migration.give_the_shop_a_key(apps, None)
    key = Shop.current().guest_key
    assert len(bytes.fromhex(key)) == 32
    migration.give_the_shop_a_key(apps, None)
    assert Shop.current().guest_key == key


def test_no_page_of_the_admin_shows_or_changes_the_key(client):
    client.force_login(User.objects.create_user("ada", role="admin"))
    key = Shop.current().guest_key
    page = reverse("admin:accounts_shop_change", args=[1])
    for address in (page, reverse("admin:accounts_shop_changelist"), reverse("admin:accounts_shop_history", args=[1])):
        assert key not in client.get(address).content.decode()
    form = {"name": "Heddle & Hem", "currency": "USD", "time_zone": "UTC", "churn_days": 60, "guest_key": "00" * 32}
    assert client.post(page, form).status_code == 302
    assert (Shop.current().guest_key, Shop.current().churn_days) == (key, 60)
