"""The growth page."""

import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import NOW, make_customer
from tests.growing import keep_months, keep_moves, score_everybody
from tests.published import publish


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def scored(visitor: Client):
    score_everybody()
    return keep_months()


def words(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/growth/{query}", headers=headers)
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


def rows(page: str) -> list[str]:
    return re.findall(r'data-l="Returns">', page)


def test_it_says_first_in_words_what_the_projection_says(visitor: Client, scored):
    page = words(visitor)
    assert "<h1>Growth</h1>" in page
    assert re.search(r"8,410 active customers today; about 9,\d\d0 by November 2027, between 8,\d\d0 and 10,\d\d0\.", page)
    assert page.index("active customers today") < page.index("data-chart=") < page.index("Month by month")
    assert len(rows(page)) == 12
    assert "2026-Q4" in page
    assert "1 of 3 months" in page
    assert "11 of 12 months" in page
    assert re.search(r"Looking back, one month ahead the projection was typically \d\.\d% off, \d+ months \d+\.\d%\.", page)
    assert "What “active” means" in page
    assert "Back to the shop’s own" not in page
    assert re.search(r"placeholder=\"\d\.\d, the shop’s own\"", page)


def test_scores_of_another_day_say_which(visitor: Client, scored):
    with time_machine.travel(NOW.replace(day=28), tick=False):
        assert "8,410 active customers on 19 November 2026;" in words(visitor)


def test_rates_and_months_can_be_changed_and_taken_back(visitor: Client, scored):
    page = words(visitor, "?churn=0&acquisition=10&months=3")
    assert len(rows(page)) == 3
    assert "841, 10.0% of those active now" in page
    assert "Your own churn and acquisition." in page
    assert 'href="/growth/?months=3">Back to the shop’s own</a>' in page
    assert 'value="10"' in page
    assert 'href="/growth/">Back' in words(visitor, "?churn=2.5")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?churn=150", "Churn is a percentage from 0 to 100."),
        ("?acquisition=-1", "Acquisition is a percentage from 0 to 100."),
        ("?acquisition=nan", "Acquisition is a percentage from 0 to 100, such as 4.5."),
        ("?churn=a+lot", "Churn is a percentage from 0 to 100, such as 4.5."),
        ("?months=61", "Months ahead is a whole number from 1 to 60."),
    ],
)
def test_what_cannot_be_read_gives_one_sentence_and_the_shops_own_projection(visitor: Client, scored, query, sentence):
    page, own = words(visitor, query), words(visitor)
    assert page.count(sentence) == 1
    table = own[own.index("Month by month") : own.index("By quarter and year")]
    assert table in page
    assert "Back to the shop’s own" in page


def test_htmx_gets_the_part_alone(visitor: Client, scored):
    part = words(visitor, "?months=2", **{"HX-Request": "true"})
    assert part.startswith('<div id="growth"')
    assert "<html" not in part


def test_without_predictions_it_says_what_is_missing(visitor: Client):
    make_customer("Sarah Johnson", orders=1)
    page = words(visitor)
    assert "No projection yet" in page
    assert "Nobody is scored yet" in page
    assert "1 profile, 1 with an order that counts" in page
    assert "echarts" not in page
    keep_months(2)
    score_everybody()
    assert "Growth needs 1 more whole month of orders (2 of 3)." in words(visitor)
    assert "No projection yet" in words(visitor, "", **{"HX-Request": "true"})


def test_archetypes_that_change_most_come_first(visitor: Client, scored):
    published = publish(segmented=1_000)
    published.run.archetypes.all().delete()
    made = {
        name: published.add_archetype(name, member_count=members, total_ltv="9.00").archetype_id
        for name, members in (("Hunter", 600), ("Planner", 390), ("Idler", 10))
    }
    keep_moves(
        (made["Hunter"], made["Hunter"], 500),
        (made["Hunter"], made["Planner"], 100),
        (made["Planner"], made["Planner"], 390),
        ("", made["Hunter"], 10),
    )
    page = words(visitor)
    assert "From 990 customers’ moves between 1 October and 1 November 2026." in page
    card = page[page.index("Archetypes that change most by November 2027") :]
    assert f"/archetypes/{made['Planner']}/" in card
    assert card.index(">Planner<") < card.index(">Idler<")
    assert re.search(r"\+[\d,]+", card)


def test_archetypes_without_a_run_say_what_comes_first(visitor: Client, scored):
    assert "No segmentation has been published yet" in words(visitor)


def test_it_is_in_both_menus_and_behind_two_keys(visitor: Client, scored):
    page = words(visitor)
    assert page.count('href="/growth/" aria-current="page"') == 2
    assert 'data-go-r="/growth/"' in page
    assert "<kbd>g</kbd> <kbd>r</kbd>" in page


def test_a_stranger_is_sent_to_the_door(client: Client, db):
    assert client.get("/growth/").status_code == 302


def test_the_number_of_queries_does_not_grow(visitor: Client, scored):
    published = publish()
    keep_moves((published.archetype.archetype_id,) * 2 + (200,))
    words(visitor)
    with CaptureQueriesContext(connection) as few:
        words(visitor)
    for number in range(12):
        published.add_archetype(f"Another {number}", member_count=10, total_ltv="9.00")
    with CaptureQueriesContext(connection) as many:
        words(visitor, "?months=60")
    assert len(few) == len(many) <= 17
