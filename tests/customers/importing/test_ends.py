"""How an import that does not come to its end leaves things: for its next attempt, or for whoever has it by now."""

import pytest

from customers.importing import storing_orders
from customers.models import DataImport, Order
from jobs.reporting import LeaseLost
from tests.customers.importing.storage import an_import, batch, bring, line, order

pytestmark = pytest.mark.django_db(transaction=True)


def at(step, problem):
    def progress(share, note):
        if step in note:
            raise problem

    return progress


@pytest.mark.parametrize("step", ["rows read", "storing orders"])
def test_an_attempt_that_lost_its_lease_leaves_rows_and_state_to_the_one_that_has_it(step):
    data_import = an_import()
    rows = [batch(orders=[order("1", "7")], lines=[line("1")]), batch(orders=[order("2", "7")])]
    with pytest.raises(LeaseLost):
        bring(*rows, data_import=data_import, progress=at(step, LeaseLost()))
    data_import.refresh_from_db()
    assert data_import.state == (DataImport.State.READING if step == "rows read" else DataImport.State.STORING)
    summary = bring(*rows, data_import=data_import)
    assert Order.objects.count() == summary.facts["orders"].new == 2


def test_rows_of_a_transaction_that_failed_are_not_counted(monkeypatch):
    data_import = an_import()

    def fails(*args):
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patched:
        patched.setattr(storing_orders, "_write_lines", fails)
        with pytest.raises(RuntimeError):
            bring(batch(orders=[order("1", "7")], lines=[line("1")]), data_import=data_import)
    data_import.refresh_from_db()
    assert data_import.state == DataImport.State.STOPPED
    assert data_import.summary["facts"].get("orders", {}).get("new", 0) == 0
    summary = bring(batch(orders=[order("1", "7")], lines=[line("1")]), data_import=data_import)
    assert (summary.facts["orders"].new, summary.facts["lines"].new) == (1, 1)
