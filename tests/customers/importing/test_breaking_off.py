"""Statements that would go on for ever end when somebody asks to stop."""

from threading import Event

import pytest
from django.db import DatabaseError, connection, transaction

from customers.importing.breaking_off import BreakingOff, nobody_asks
from customers.importing.in_turn import InTurn
from customers.models import Customer
from jobs.reporting import Cancelled, LeaseLost
from tests.customers.importing.storage import ENDLESS
from tests.factories import make_customer

pytestmark = pytest.mark.django_db(transaction=True)


class Asked:
    """What `stop_if_asked` is given; raises once `stop` is set."""

    def __init__(self) -> None:
        self.stop: Exception | None = None

    def __call__(self) -> None:
        if self.stop is not None:
            raise self.stop


def go_on_for_ever():
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS)


@pytest.mark.parametrize("stop", [Cancelled(), LeaseLost()])
def test_the_statement_that_runs_is_broken_off_and_its_transaction_undone(stop):
    asked = Asked()

    def work():
        with BreakingOff(asked), transaction.atomic():
            make_customer("Ann Lee")
            asked.stop = stop
            go_on_for_ever()

    with pytest.raises(type(stop)) as raised:
        work()
    assert raised.value is stop
    assert isinstance(raised.value.__cause__, DatabaseError)
    assert not Customer.objects.exists()
    make_customer("Bo Moss")  # the connection is as good as ever


def test_what_comes_to_its_end_all_the_same_has_come_to_its_end():
    asked = Asked()
    with BreakingOff(asked):
        make_customer("Ann Lee")
        asked.stop = Cancelled()
    assert Customer.objects.count() == 1


def test_a_database_that_fails_by_itself_is_not_taken_for_somebody_who_asks():
    with pytest.raises(DatabaseError), BreakingOff(Asked()), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nowhere")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.parametrize("way", ["asked", "interrupted"])
def test_blocks_that_are_under_way_are_broken_off_on_their_own_connections(way):
    asked = Asked()
    hangs = Event()

    def hang():
        make_customer("Bo Moss")
        while not Customer.objects.filter(first_name="Ann").exists():  # the first block is still to be committed
            pass
        asked.stop = Cancelled()
        hangs.set()
        go_on_for_ever()

    def work():
        with InTurn(asked if way == "asked" else nobody_asks) as in_turn:
            for store in (lambda: make_customer("Ann Lee"), hang, hang):
                in_turn.submit(store, lambda: None)
            if way == "interrupted":
                hangs.wait()
                raise KeyboardInterrupt

    with pytest.raises(Cancelled if way == "asked" else KeyboardInterrupt):
        work()
    assert [customer.name for customer in Customer.objects.all()] == ["Ann Lee"]
