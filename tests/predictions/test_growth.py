"""The months of coming and going as rows."""

import pytest

from predictions.growth import months_before, store_months
from predictions.maths.growth import observe
from predictions.models import CustomerMonth
from tests.predictions.maths.invented_buyers import TODAY, invented

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def everybody():
    return invented(200)


def test_months_are_read_as_they_were_counted(everybody):
    assert store_months(everybody, TODAY, afresh=False) == 36
    assert list(months_before(TODAY)) == observe(everybody, TODAY)


def test_only_what_is_missing_is_counted(everybody, django_assert_num_queries):
    store_months(everybody, TODAY - 70, afresh=False)
    kept = set(CustomerMonth.objects.values_list("pk", flat=True))
    assert store_months(everybody, TODAY, afresh=False) == 2
    assert kept < set(CustomerMonth.objects.values_list("pk", flat=True))
    with django_assert_num_queries(1):
        assert store_months(everybody, TODAY, afresh=False) == 0


def test_afresh_all_months_are_counted_anew(everybody):
    store_months(everybody, TODAY, afresh=False)
    fewer = everybody.of(everybody.customer_ids[:50] - 1)
    store_months(fewer, TODAY, afresh=True)
    assert list(months_before(TODAY)) == observe(fewer, TODAY)


def test_a_moment_of_the_past_knows_no_later_month(everybody):
    store_months(everybody, TODAY, afresh=False)
    assert months_before(TODAY - 100) == tuple(observe(everybody, TODAY))[: len(months_before(TODAY - 100))]
    assert len(months_before(TODAY - 100)) < 36
