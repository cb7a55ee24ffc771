"""What came of an import, in sentences."""

from customers.importing.causes import Causes, told
from customers.importing.records import Reject
from customers.importing.summary import Counts, Summary


def test_what_is_zero_is_not_mentioned():
    summary = Summary(rows_read=97, facts={"orders": Counts(), "customers": Counts(new=97)})
    assert summary.sentences() == ["97 rows read and stored.", "97 new customers."]


def test_new_changed_and_unchanged_are_a_sentence_each():
    summary = Summary(rows_read=1, facts={"lines": Counts(1, 2, 3), "orders": Counts(1), "customers": Counts(0, 1, 2_000)})
    assert summary.details() == [
        "1 new order, 1 new order line.",
        "1 changed customer, 2 changed order lines.",
        "2,000 unchanged customers, 3 unchanged order lines.",
    ]


def test_rejects_are_told_by_their_causes():
    summary = Summary(rows_read=400, rows_rejected=7, causes={"with a date that cannot be read": 3, "without an amount": 4})
    assert summary.headline() == "400 rows read, 393 stored, 7 rejected."
    assert summary.about_rejects() == "7 rows were rejected: 4 without an amount, 3 with a date that cannot be read."
    summary.rows_held_back = 1
    assert summary.about_rejects().endswith(" 1 sound row of the same orders waits in the reject file.")
    assert Summary(rows_read=2, rows_rejected=2).headline() == "2 rows read, none stored, 2 rejected."


def test_what_is_left_out_is_told_in_one_and_in_many():
    summary = Summary(rows_read=3, rows_left_out={"test products": 1}, orders_left_out={"unpaid": 1, "test": 2})
    assert summary.details() == [
        "1 row not taken: test products.",
        "2 orders are stored but do not count: a test order.",
        "1 order is stored but does not count: not paid.",
    ]


def test_causes_are_told_with_what_is_left_over():
    assert told({"without an amount": 1}, 1) == "without an amount"
    assert told({"without an amount": 9}, 9) == "all without an amount"
    assert told({"b": 2, "a": 2}, 9) == "2 a, 2 b, 5 for other reasons"
    assert told({}, 3) == ""


def test_a_handful_of_causes_is_kept_whatever_comes():
    causes = Causes()
    for number in range(10_000):
        causes.add(Reject(number, f"column {number}", "is odd", ""))
        causes.add(Reject(number, "", "is odd", "", cause="without an amount"))
    assert len(causes.most()) == 4
    assert causes.most()["without an amount"] == 10_000
    assert "with a problem in column 0" in causes.most()
