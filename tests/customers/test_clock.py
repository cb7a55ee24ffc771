from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError

from customers.clock import as_of_from, clock
from tests.factories import NOW, make_customer, make_order, make_shop

pytestmark = pytest.mark.django_db


def test_a_shop_that_sells_is_judged_as_of_now():
    make_order(make_customer(), placed_at=NOW - timedelta(days=89))
    assert clock(NOW) == NOW


def test_without_orders_it_is_now():
    assert clock(NOW) == NOW


def test_a_file_of_old_orders_is_judged_as_of_its_last_local_day():
    make_shop(time_zone="America/Chicago")
    make_order(make_customer(), placed_at=datetime(2011, 12, 9, 3, 50, tzinfo=UTC))  # the evening of the 8th in Chicago
    assert clock(NOW) == datetime(2011, 12, 9, 5, 59, 59, tzinfo=UTC)


def test_an_order_that_does_not_count_does_not_set_the_clock():
    sarah = make_customer()
    make_order(sarah, placed_at=datetime(2020, 5, 5, 12, tzinfo=UTC))
    make_order(sarah, placed_at=NOW - timedelta(days=1), left_out="cancelled")
    assert clock(NOW).date() == datetime(2020, 5, 5).date()


def test_a_date_means_its_end_in_the_shops_zone_and_an_instant_means_itself():
    make_shop(time_zone="America/New_York")
    assert as_of_from({"as_of": "2026-01-31"}) == datetime(2026, 2, 1, 4, 59, 59, tzinfo=UTC)
    assert as_of_from({"as_of": "2026-01-31T12:00:00+00:00"}) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert as_of_from({"as_of": "2026-01-31T12:00:00"}) == datetime(2026, 1, 31, 17, tzinfo=UTC)


@pytest.mark.parametrize("text", ["31/01/2026", "2026-02-30", "yesterday"])
def test_what_is_no_date_is_refused_with_an_example(text):
    with pytest.raises(CommandError, match="write one like 2026-01-31"):
        as_of_from({"as_of": text})
