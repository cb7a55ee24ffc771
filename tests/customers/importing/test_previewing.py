"""What the preview promises: exactly what the import then does, as far as the rows that were looked at tell."""

import pytest

from customers.importing import sampling
from customers.importing.previewing import preview
from customers.importing.reading import ReadOptions, inspect
from tests.customers.importing.files import NOW, read_all, write

HEADER = "order,customer,date,amount,currency\n"
SAID = ReadOptions(amount_per="line")


def row(order="1", customer="A", date="2026-03-02T10:00Z", amount="20.00", currency="USD"):
    return f"{order},{customer},{date},{amount},{currency}\n"


def test_an_empty_cell_that_every_order_needs_is_a_problem_with_words_of_its_own(tmp_path):
    seen = preview(
        write(tmp_path, HEADER + row() + row("2", amount="") + row("3", amount="n/a") + row("4", date="")), SAID, now=NOW
    )
    assert [cells["amount"].problem for cells in seen.rows] == ["", "no amount", "no amount", ""]
    assert seen.rows[3]["placed_at"].problem == "no date"
    assert (seen.readable_share["amount"], seen.readable_share["placed_at"]) == (0.5, 0.75)
    assert (seen.rejected, seen.causes) == (3, {"without an amount": 2, "without a date": 1})


def test_a_row_without_anybody_is_named_where_somebody_would_stand(tmp_path):
    content = "order,email,date,amount,currency\n1,,2026-03-02T10:00Z,20.00,USD\n"
    assert preview(write(tmp_path, content), ReadOptions(), now=NOW).rows[0]["email"].problem == "no customer"


@pytest.mark.parametrize(
    "rows",
    [
        [row(), row("2", date="never"), row("3", date="2035-01-01T10:00Z"), row("4", date="1975-01-01T10:00Z")],
        [row(), row("2", amount="EUR 20.00", currency=""), row("3", currency="Dollars"), row("4", currency="")],
        [row(), row("1", amount=""), row("2", customer=""), row("2", customer="B"), row("", "C")],
        [row(), "2,A,2026-03-02T10:00Z\n", "3,A,2026-03-02T10:00Z,5.00,USD,more\n", *(row(f"{n}") for n in range(10, 60))],
        [row("1", "A"), row("2", "B", amount="5.00"), row("1", "C", amount="never")],
    ],
)
def test_what_is_rejected_is_what_the_import_rejects(tmp_path, rows):
    path = write(tmp_path, HEADER + "".join(rows))
    seen, found = preview(path, SAID, now=NOW), read_all(path, amount_per="line")
    broken = [reject for reject in found.rejects if not reject.with_order]
    assert (seen.rejected, seen.held_back) == (len(broken), len(found.rejects) - len(broken))
    assert sum(seen.causes.values()) == len(broken) > 0
    assert seen.rows_tried == found.rows == len(rows)


def test_the_kinds_of_unreadable_dates_and_amounts_are_told_apart(tmp_path):
    rows = [row("1", date="2035-01-01T10:00Z"), row("2", date="soon"), row("3", amount="much"), row("4", customer="1.2E+15")]
    assert preview(write(tmp_path, HEADER + "".join(rows)), SAID, now=NOW).causes == {
        "with a customer id that a spreadsheet has shortened": 1,
        "with a date in the future": 1,
        "with a date that cannot be read": 1,
        "with an amount that cannot be read": 1,
    }


def test_a_column_with_an_open_question_waits_and_the_others_are_judged(tmp_path):
    path = write(tmp_path, HEADER + row(date="03/04/2026") + row("2", date="05/04/2026", amount=""))
    seen = preview(path, ReadOptions(amount_per="line"), now=NOW)
    assert "placed_at" not in seen.readable_share
    assert (seen.rows[0]["placed_at"].text, seen.rows[0]["placed_at"].waits) == ("03/04/2026", True)
    assert (seen.rejected, seen.causes) == (1, {"without an amount": 1})


def test_a_currency_that_is_not_known_yet_breaks_no_row(tmp_path):
    path = write(tmp_path, "order,customer,date,amount\n1,A,2026-03-02T10:00Z,€5.00\n2,A,2026-03-02T10:00Z,£5.00\n")
    assert preview(path, ReadOptions(), now=NOW).rejected == 0


def test_nothing_is_judged_while_a_column_is_missing(tmp_path):
    path = write(tmp_path, "order,customer,date,worth,currency\n1,A,2026-03-02T10:00Z,5.00,USD\n")
    assert preview(path, ReadOptions(), now=NOW).rejected == 0


def test_an_order_whose_head_was_not_looked_at_is_not_judged(tmp_path, monkeypatch):
    header = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price\n"
    content = header + "#1,,,,,,1,Loom,5.00\n" + "#2,ada@example.com,paid,USD,5.00,2026-03-02 10:00:00 +0000,1,Loom,5.00\n" * 3
    path = write(tmp_path, content)
    assert preview(path, ReadOptions(), now=NOW).causes == {"of an order that begins in another file": 1}
    monkeypatch.setattr(sampling, "MOST_SAMPLED", 2)
    assert preview(path, ReadOptions(), now=NOW).rejected == 0


def test_few_rows_are_counted_and_many_estimated(tmp_path):
    few = inspect(write(tmp_path, HEADER + row() + "\n,,,,\n" + row("2") + "3,A\n" + HEADER))
    assert (few.estimated_rows, few.rows_are_counted) == (3, True)
    quoted = inspect(write(tmp_path, HEADER + row() + '2,"A\nB",2026-03-02T10:00Z,20.00,USD\n'))
    assert (quoted.estimated_rows, quoted.rows_are_counted) == (2, True)
    assert not inspect(write(tmp_path, HEADER + row() + '2,"A,2026-03-02T10:00Z,20.00,USD\n' + row("3"))).rows_are_counted
    assert not inspect(write(tmp_path, HEADER + row() * 6_000)).rows_are_counted
    packed = inspect(write(tmp_path, HEADER + "".join(row(f"{n}") for n in range(40_000)), "many.csv.gz"))
    assert not packed.rows_are_counted


def test_a_habit_of_leaving_out_last_cells_costs_no_row(tmp_path):
    path = write(
        tmp_path,
        "order,customer,date,amount,product\n" + "1,A,2026-03-02T10:00Z,20.00\n" + "2,A,2026-03-02T10:00Z,5.00,Loom\n" * 3,
    )
    seen = preview(path, ReadOptions(currency="USD", amount_per="line"), now=NOW)
    assert (seen.rows_tried, seen.rejected, seen.rows[0]["order_id"].text) == (4, 0, "1")


def test_times_are_shown_in_a_zone_that_is_named_and_days_without_a_time(tmp_path):
    times = write(tmp_path, HEADER + row(date="2026-03-02T03:00:00Z"))
    seen = preview(times, ReadOptions(), now=NOW, time_zone="America/Chicago")
    assert (seen.rows[0]["placed_at"].text, seen.time_zone) == ("1 Mar 2026, 21:00", "America/Chicago")
    assert preview(times, ReadOptions(time_zone="Europe/Berlin"), now=NOW).time_zone == "Europe/Berlin"
    days = write(tmp_path, HEADER + row(date="2026-03-02"))
    seen = preview(days, ReadOptions(time_zone="Asia/Tokyo"), now=NOW)
    assert (seen.rows[0]["placed_at"].text, seen.time_zone) == ("2 Mar 2026", "")
    asked = {question.name: question.text for question in inspect(days).questions}
    assert "Which time zone are these dates in?" in asked["time_zone"]
