from datetime import timedelta

import numpy as np
import pytest

from predictions.histories import lifetime_values, occasions
from tests.factories import NOW, make_customer, make_order, make_refund

pytestmark = pytest.mark.django_db


def test_a_lifetime_value_is_what_was_paid_less_what_went_back_by_then():
    sarah, vera = make_customer("Sarah Holm", orders=3), make_customer("Vera Quist", orders=1)
    make_refund(sarah.orders.first(), amount="19.90")
    make_refund(vera.orders.first(), amount="60.00")
    make_refund(customer=sarah, amount="5.00", created_at=NOW + timedelta(days=1))
    assert lifetime_values(np.array([sarah.pk, vera.pk]), NOW).tolist() == [130.1, 0.0]


def test_occasions_that_were_read_already_give_the_same_lifetime_values():
    sarah = make_customer("Sarah Holm")
    for total in ("0.10", "0.20", "0.30", "19.99"):
        make_order(sarah, total=total)
    make_order(sarah, total="7.00", placed_at=NOW + timedelta(days=1))
    make_refund(make_customer("Vera Quist", orders=2).orders.first(), amount="0.10")
    bought = occasions(NOW)
    assert lifetime_values(bought.customer_ids, NOW, bought=bought).tolist() == [20.59, 99.9]
    assert lifetime_values(bought.customer_ids, NOW).tolist() == [20.59, 99.9]
    assert lifetime_values(np.array([sarah.pk]), NOW, bought=bought).tolist() == [20.59]
    nobody = occasions(NOW - timedelta(days=4_000))
    assert lifetime_values(nobody.customer_ids, NOW, bought=nobody).tolist() == []
