"""Whom a row means, and what stays of what is known about somebody."""

from datetime import timedelta
from decimal import Decimal

import pytest

from customers.models import Customer, MetricsDue, Order
from tests.customers.importing.storage import at, batch, bring, customer, everything_stored, order
from tests.factories import NOW, make_customer

pytestmark = pytest.mark.django_db


def test_an_order_finds_its_customer_by_id_then_e_mail_then_phone():
    by_mail = make_customer("Ann Lee", email="ann@example.com", customer_id="7")
    by_phone = make_customer("Bo Moss", email="", phone="+44 20 7946 0000", customer_id="8")
    bring(
        batch(
            orders=[
                order("1", "7", email="someone@else.example"),
                order("2", None, email=" ANN@example.com ".strip()),
                order("3", None, email="new@example.com", phone="+44 (0)20-7946-0000".replace("(0)", "")),
                order("4", None, phone="442079460000"),
            ]
        )
    )
    assert list(Order.objects.order_by("order_id").values_list("customer", flat=True)) == [
        by_mail.pk, by_mail.pk, by_phone.pk, by_phone.pk,
    ]  # fmt: skip
    assert Customer.objects.count() == 2


@pytest.mark.parametrize("customer_first", [True, False])
def test_an_order_with_only_an_address_joins_that_customer_wherever_in_the_file_it_comes(customer_first):
    profile = batch(customers=[customer("7", email="Vera.Holm@Example.com")])
    guests = batch(orders=[order("1", None, email="vera.holm@example.COM"), order("2", "7")])
    bring(*([profile, guests] if customer_first else [guests, profile]))
    assert Customer.objects.get().order_count == 2


def test_a_guest_joins_the_account_with_his_address_wherever_in_the_file_it_comes():
    bring(
        batch(orders=[order(str(number), None, email="ann@example.com") for number in range(20)]),
        batch(orders=[order("account", "7", email="ann@example.com")]),
    )
    [ann] = Customer.objects.all()
    assert (ann.customer_id, ann.order_count) == ("7", 21)


def test_an_order_of_an_unknown_customer_makes_a_profile_with_an_id_that_stays():
    summary = bring(
        batch(
            orders=[
                order("1", None, email="Zoe@Example.com"),
                order("2", None, email="zoe@example.com"),
                order("3", "99", email="nine@example.com"),
            ]
        )
    )
    zoe = Customer.objects.get(email_key="zoe@example.com")
    assert zoe.customer_id.startswith("guest_")
    assert "zoe" not in zoe.customer_id
    assert zoe.order_count == 2
    nine = Customer.objects.get(customer_id="99")
    assert (nine.email, nine.order_count) == ("nine@example.com", 1)
    assert summary.facts["customers"].new == 2
    Customer.objects.all().delete()
    bring(batch(orders=[order("4", None, email="ZOE@example.com")]))
    assert Customer.objects.get().customer_id == zoe.customer_id


def test_anonymous_guests_are_kept_and_never_merged():
    summary = bring(batch(orders=[order("1", total=10_0000), order("2", total=20_0000)]))
    assert list(Order.objects.order_by("order_id").values_list("customer", "total")) == [(None, 10), (None, 20)]
    assert not Customer.objects.exists()
    assert not MetricsDue.objects.exists()
    assert summary.facts["orders"].new == 2


def test_an_order_that_moves_to_another_customer_changes_the_figures_of_both():
    bring(batch(orders=[order("1", "7"), order("2", "7", total=5_0000)]))
    bring(batch(orders=[order("1", "8")]))
    figures = Customer.objects.order_by("customer_id").values_list("customer_id", "order_count", "lifetime_value")
    assert list(figures) == [("7", 1, Decimal(5)), ("8", 1, Decimal(50))]


def test_unknown_never_overwrites_what_is_known():
    known = {
        "email": "vera@example.com", "phone": "+1 202 555 0101", "first_name": "Vera", "last_name": "Holm",
        "created_at": at(1, 1), "email_consent": "subscribed", "sms_consent": "pending", "time_zone": "Europe/Oslo",
        "country": "NO", "tags": ["vip"], "attributes": {"shoe": "38"},
    }  # fmt: skip
    full = order(
        "1", "7", number="#1", discounts=1_0000, fulfillment_status="fulfilled", cancelled_at=at(3, 3), is_test=True,
        tracking_numbers=["TN1"], attributes={"channel": "web"},
    )  # fmt: skip
    bring(batch(customers=[customer("7", **known)], orders=[full]))
    before = everything_stored()
    nothing = {"first_name": "", "email": "", "country": ""}
    bare = order("1", None, currency=None, financial_status=None, number="")
    bring(batch(customers=[customer("7", **nothing)], orders=[bare]), as_of=NOW + timedelta(days=1))
    assert everything_stored() == before
    bring(batch(customers=[customer("7", first_name="Veronika", attributes={"hat": "M"})]))
    stored = Customer.objects.get()
    assert (stored.name, stored.name_key, stored.attributes) == ("Veronika Holm", "veronika holm", {"shoe": "38", "hat": "M"})


@pytest.mark.parametrize(
    ("known", "told", "stored"),
    [
        ("unsubscribed", "unknown", "unsubscribed"),
        ("unsubscribed", None, "unsubscribed"),
        ("subscribed", "unknown", "unknown"),
        ("subscribed", None, "subscribed"),
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("unsubscribed", "subscribed", "subscribed"),
        ("unknown", "subscribed", "subscribed"),
    ],
)
def test_a_withdrawn_consent_stays_withdrawn_until_it_is_given_again(known, told, stored):
    bring(batch(customers=[customer("7", email_consent=known, sms_consent=known)]))
    bring(batch(customers=[customer("7", email_consent=told, sms_consent=told)]))
    after = Customer.objects.get()
    assert (after.email_consent, after.sms_consent) == (stored, stored)


def test_rows_that_name_one_customer_add_up_and_the_later_value_wins():
    bring(
        batch(customers=[customer("7", first_name="Ann", country="GB"), customer("7", last_name="Lee")]),
        batch(customers=[customer("7", country="IE")]),
    )
    ann = Customer.objects.get()
    assert (ann.name, ann.country) == ("Ann Lee", "IE")


def test_a_customer_without_id_address_and_number_is_nobody():
    summary = bring(batch(customers=[customer(str(number)) for number in range(30)] + [customer(None, first_name="Ann")]))
    assert (summary.rows_read, summary.rows_rejected, Customer.objects.count()) == (31, 1, 30)
    assert summary.causes == {"without a customer id, an e-mail address or a phone number": 1}
