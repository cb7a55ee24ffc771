"""Shops with nobody, or hardly anybody, to segment."""

import pytest

from segmentation.models import ArchetypeSnapshot, SegmentationRun
from segmentation.one_customer import segment_customer
from segmentation.runs import NothingToSegment, segment_everyone
from tests.factories import NOW, make_customer, make_shop

pytestmark = pytest.mark.django_db


def test_before_the_first_run_nobody_is_segmented_alone():
    sarah = make_customer(orders=3)
    assert not segment_customer(sarah.pk, NOW)


def test_without_a_valid_order_there_is_nothing_to_segment():
    make_customer(orders=0)
    with pytest.raises(NothingToSegment, match="import orders"):
        segment_everyone(NOW)
    assert not SegmentationRun.objects.exists()


@pytest.mark.parametrize("customers", [1, 2, 12])
def test_a_handful_of_identical_customers_is_published_without_a_word_too_much(customers):
    make_shop()
    for _ in range(customers):
        make_customer("Twin Lind", orders=5)
    run = segment_everyone(NOW)
    assert run.state == SegmentationRun.State.PUBLISHED
    assert ArchetypeSnapshot.objects.get(run=run).member_count == customers
