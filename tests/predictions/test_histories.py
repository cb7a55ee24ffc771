from datetime import timedelta

import pytest

from predictions.histories import kept_share, lifetime_values, occasions
from tests.factories import NOW, make_customer, make_order, make_refund

pytestmark = pytest.mark.django_db


def lifetime_values_at(moment):
    return lifetime_values(occasions(moment), moment).tolist()


def test_a_lifetime_value_is_what_was_paid_less_what_went_back_by_then():
    sarah, vera = make_customer("Sarah Holm", orders=3), make_customer("Vera Quist", orders=1)
    make_refund(sarah.orders.first(), amount="19.90")
    make_refund(vera.orders.first(), amount="60.00")
    make_refund(customer=sarah, amount="5.00", created_at=NOW + timedelta(days=1))
    assert lifetime_values_at(NOW) == [130.1, 0.0]


def test_lifetime_values_are_exact_to_the_cent_for_everybody_and_for_one_alone():
    sarah = make_customer("Sarah Holm")
    for total in ("0.10", "0.20", "0.30", "19.99"):
        make_order(sarah, total=total)
    make_order(sarah, total="7.00", placed_at=NOW + timedelta(days=1))
    make_refund(make_customer("Vera Quist", orders=2).orders.first(), amount="0.10")
    assert lifetime_values_at(NOW) == [20.59, 99.9]
    assert lifetime_values(occasions(NOW, customer_pk=sarah.pk), NOW).tolist() == [20.59]


def test_a_refund_to_somebody_without_an_order_that_counts_is_nobody_elses():
    make_refund(customer=make_customer("Noah"), amount="5.00")
    make_customer("Sarah Holm", orders=2)
    make_refund(customer=make_customer("Zoe"), amount="5.00")
    assert lifetime_values_at(NOW) == [100.0]


def test_before_the_first_order_there_are_no_lifetime_values_and_all_is_kept():
    make_customer("Sarah Holm", orders=1)
    long_ago = NOW - timedelta(days=4_000)
    assert lifetime_values_at(long_ago) == []
    assert kept_share(long_ago) == 1.0


def test_the_kept_share_leaves_out_orders_that_do_not_count_with_their_refunds_and_what_went_back_later():
    sarah = make_customer("Sarah Holm")
    kept, cancelled = make_order(sarah, total="80.00"), make_order(sarah, total="900.00", left_out="cancelled")
    make_refund(kept, amount="15.00")
    make_refund(cancelled, amount="900.00")
    make_refund(customer=sarah, amount="5.00")
    make_refund(kept, amount="60.00", created_at=NOW + timedelta(days=1))
    assert kept_share(NOW) == 0.75
    make_refund(kept, amount="100.00")
    assert kept_share(NOW) == 0.0
