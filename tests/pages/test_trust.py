"""The trust page: its answer in one sentence, and what it shows in each state."""

import re
from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

import predictions.tasks  # noqa: F401  (what a worker knows how to do)
from jobs import bell
from jobs.models import Job
from tests.factories import NOW
from tests.predictions.told import fitted, happened, make_month, make_run, make_run_below_the_gate


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker."""
    monkeypatch.setattr(bell, "ring", lambda ids: 0)


def words(client: Client) -> str:
    """The page as it is read: without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup(client)).split())


def markup(client: Client) -> str:
    with time_machine.travel(NOW):
        response = client.get("/predictions/")
    assert response.status_code == 200
    return response.content.decode()


def test_before_the_first_predictions_it_says_what_comes_first_and_nothing_else(visitor: Client):
    page = words(visitor)
    assert "Nothing has been predicted yet; predictions follow the first segmentation by themselves." in page
    assert "Not met: Customers with an order needs 200, not counted yet" in page
    assert page.count("Learn from the past now") == 1
    assert "by level" not in page
    assert "What the words mean" not in page


def test_below_a_gate_it_says_what_is_missing_and_that_no_score_is_shown(visitor: Client):
    make_run_below_the_gate()
    page = words(visitor)
    assert "Predictions need 50 more customers with an order (150 of 200)." in page
    assert "no page shows a score" in page
    assert "Not met: Customers with an order 150 of 200" in page
    assert "Met: Days of order history 400 of 180" in page
    assert "What the words mean" not in page
    assert "Learn from the past now" not in page


def test_before_any_month_has_passed_the_tests_answer(visitor: Client):
    make_run()
    page = words(visitor)
    assert re.search(
        r"Tested on this shop’s own past: of 100 customers called critical, \d+ did not order within their own horizon\.", page
    )
    assert re.search(r"Counted: [\d,]+ of [\d,]+\.", page)
    assert re.search(r"When we say 80%, it should happen 80 times in 100\. Our probabilities were off by \d\.\d points", page)
    assert "No month’s scores are kept yet" in page


def test_once_a_month_has_passed_the_record_answers(visitor: Client):
    make_run()
    make_month(date(2026, 9, 1), lapse_30=happened(1384, 1204))
    page = words(visitor)
    assert "Of 100 customers we called critical on 26 Sep , 87 did not order within their own horizon." in page
    assert "Counted: 1,204 of 1,384." in page
    assert "616 customers of that day wait for the end of a longer horizon." in page
    assert "Tested on" not in page.split("Scored customers")[0]


def test_of_a_few_customers_no_hundred_is_made(visitor: Client):
    make_run()
    make_month(date(2026, 9, 1), lapse_30=happened(37, 31))
    page = words(visitor)
    assert "Of the 37 customers called critical on 26 Sep , 31 did not order within their own horizon." in page
    assert "Of 100 customers" not in page
    assert re.search(r"In tests on this shop’s own past: \d+ of 100\.", page)


def test_without_a_tested_window_nobody_can_say(visitor: Client):
    choices = {
        days: choice | {"evidence": None, "windows": [], "reason": "There is no past window to learn from yet."}
        for days, choice in fitted()["choices"].items()
    }
    make_run(fitted() | {"choices": choices, "level": fitted()["level"] | {"errors": []}})
    page = words(visitor)
    assert "Nobody can say yet. No window of the past could be tested yet" in page
    assert "There is no past window to learn from yet." in page
    assert page.count("Not tested yet") == 2
    assert "data-chart" not in markup(visitor)
    assert "echarts" not in markup(visitor)


def test_a_record_that_has_only_begun_says_when_it_tells(visitor: Client):
    make_run()
    make_month(date(2026, 10, 1))
    assert "The first month’s scores were kept on 26 Oct ; what happened will be told from 25 Nov on." in words(visitor)


def test_the_record_tells_what_was_said_and_what_happened_and_what_is_to_come(visitor: Client):
    make_run()
    make_month(date(2026, 10, 1))
    make_month(date(2026, 9, 1), lapse_30=happened(400, 380, 600), churn=happened(1500, 1455, 500))
    page = words(visitor)
    assert "September 2026 2,000 customers, 26 Sep Lapse risk 400 380 (95%) 42.0% 38.0% 1,000 customers, next on 25 Dec" in page
    assert "No order in 30 days 1,500 1,455 (97%) 70.0% 72.8%" in page
    assert "October 2026 2,000 customers, 26 Oct Lapse risk Known on 25 Nov" in page


def test_older_months_are_folded_away(visitor: Client):
    make_run()
    for month in range(1, 9):
        make_month(date(2026, month, 1), lapse_30=happened(400, 380))
    page = words(visitor)
    assert "Show 2 earlier months" in page
    assert page.index("March 2026") < page.index("Show 2 earlier months") < page.index("February 2026")


def test_levels_lead_to_the_customers_at_them(visitor: Client):
    make_run()
    page = markup(visitor)
    assert 'href="/customers/?lapse=critical"' in page
    assert 'href="/customers/?churn=low"' in page
    assert 'aria-label="Lapse risk: critical 50%, high 30%, medium 15%, low 5%"' in page
    assert '<rect class="q-high" x="50%" width="30%" height="100%">' in page
    assert "Most are critical here, and rightly: most people do not buy in a given month." in words(visitor)


def test_the_literal_measure_goes_by_the_days_that_the_shop_chose(visitor: Client):
    choices = fitted()["choices"]
    make_run(fitted() | {"choices": choices | {"60": choices["30"]}}, churn_days=60)
    page = words(visitor)
    assert "No order in 60 days, by level" in page
    assert "The chance of no order in the next 60 days" in page


def test_each_horizon_tells_its_model_and_the_reason(visitor: Client):
    make_run()
    page = words(visitor)
    for days, choice in fitted()["choices"].items():
        assert f"{days} days" in page
        assert choice["reason"] in page.replace("&#x27;", "'")
    assert "10 Jan 1974" in page  # the newest tested window of 30 days: day 1,470


def test_a_fallback_is_said_before_anything_is_shown(visitor: Client):
    make_run(
        fitted() | {"notes": ["The model of order values did not come to rest; each customer's own average is used instead."]}
    )
    page = words(visitor)
    assert page.index("A simpler model is used The model of order values did not come to rest") < page.index("Scored customers")


def test_drift_is_in_words_and_much_of_it_offers_to_learn_anew(visitor: Client):
    make_run()
    page = words(visitor)
    assert "Customers changed since Some most: number of orders" in page
    assert "Number of orders Some 0.12" in page
    assert "Customers have changed much" not in page


def test_much_drift_is_a_warning(visitor: Client):
    make_run(drift={"recency_days": 0.4})
    page = words(visitor)
    assert "Customers have changed much since the model learned “Days since the last order” moved most." in page
    assert page.count("Learn from the past now") == 1


def test_learning_is_started_by_a_button_once(visitor: Client, person):
    make_run()
    response = visitor.post("/predictions/learn/")
    job = Job.objects.get()
    assert (job.kind, job.args, job.created_by, job.only_one_of) == ("predict", {"refit": True}, person, "prediction")
    assert response.headers["Location"] == reverse("job", args=[job.pk])
    assert visitor.post("/predictions/learn/").headers["Location"] == reverse("job", args=[job.pk])
    assert Job.objects.count() == 1


def test_a_support_agent_reads_but_does_not_start_anything(agent: Client):
    make_run(drift={"recency_days": 0.4})
    page = words(agent)
    assert "Learn from the past now" not in page
    assert "A marketer or an admin can start it now." in page
    assert agent.post("/predictions/learn/").status_code == 403
    assert not Job.objects.exists()


def test_nobody_reads_it_without_signing_in(client: Client, shop):
    assert client.get("/predictions/").status_code == 302
    assert client.post("/predictions/learn/").status_code == 302


def test_it_is_in_the_side_bar_and_knows_its_place(visitor: Client):
    page = " ".join(markup(visitor).split())
    assert page.count('href="/predictions/" aria-current="page"') == 2


def test_it_costs_a_fixed_number_of_queries(visitor: Client, django_assert_max_num_queries):
    make_run()
    for month in range(1, 10):
        make_month(date(2026, month, 1), lapse_30=happened(400, 380), churn=happened(1500, 1455))
    with django_assert_max_num_queries(9):
        markup(visitor)


def test_every_number_is_written_out_for_those_who_see_no_chart(visitor: Client):
    make_run()
    page = words(visitor)
    said, came, size = (stored[-1] for stored in _curve(fitted()["choices"]["30"]["evidence"]["everybody"]))
    assert f"{100 * said / size:.1f}% {100 * came / size:.1f}% {size:,}" in page


def _curve(outcome: dict) -> tuple[list[float], list[int], list[int]]:
    return outcome["predicted"], outcome["happened"], outcome["sizes"]
