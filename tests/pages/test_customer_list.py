"""The customer list: search, filters, order, pages, predictions, and what an empty list says."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection
from django.test import Client

from customers import paging
from customers.forms import SORTS
from customers.models import Customer
from predictions.models import Prediction
from tests.factories import NOW, make_customer, make_customers, make_order, make_prediction, make_shop
from tests.segments import publish

HTMX = {"HX-Request": "true"}
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ settings.SECRET_KEY }}{% load ui %}",
    "javascript:alert(1)//'\"`",
    "</title><svg/onload=alert(1)>",
]


def names(page: str) -> list[str]:
    """Customers shown, in order."""
    return re.findall(r"data-row>(.*?)</a>", page)


def text(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/customers/{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_somebody_who_is_not_signed_in_is_sent_to_the_door(client: Client, shop):
    assert client.get("/customers/").headers["Location"] == "/login/?next=/customers/"


def test_the_most_valuable_customer_comes_first(visitor: Client):
    make_customer("Vera Vance", orders=3)
    make_customer("Noah Lind")
    make_customer("Sarah Whitcombe", orders=5)
    assert names(text(visitor)) == ["Sarah Whitcombe", "Vera Vance", "Noah Lind"]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("value-up", ["Noah", "Vera", "Sarah"]),
        ("orders", ["Sarah", "Vera", "Noah"]),
        ("orders-up", ["Noah", "Vera", "Sarah"]),
        ("name", ["Noah", "Sarah", "Vera"]),
        ("name-down", ["Vera", "Sarah", "Noah"]),
        ("last", ["Vera", "Sarah"]),
        ("last-up", ["Sarah", "Vera"]),
        ("no-such-order", ["Sarah", "Vera", "Noah"]),
    ],
)
def test_the_list_can_be_put_in_another_order(visitor: Client, sort: str, expected: list[str]):
    make_customer("Noah Lind")
    make_customer("Sarah Whitcombe", orders=5)
    make_customer("Vera Vance", orders=3)
    make_order(Customer.objects.get(first_name="Sarah"), total=Decimal("900"))
    Customer.objects.filter(first_name="Sarah").update(last_order_at="2026-01-05T00:00Z")
    assert [name.split()[0] for name in names(text(visitor, f"?sort={sort}"))] == expected


@pytest.mark.parametrize("wanted", ["sarah", "Whitcombe", "sarah w", "SARAH.W@EXAMPLE", "%23A-77", "A-77"])
def test_a_customer_is_found_by_name_address_and_order_number(visitor: Client, wanted: str):
    sarah = make_customer("Sarah Whitcombe", email="sarah.w@example.com")
    make_order(sarah, number="#A-77")
    make_customer("Vera Vance", orders=1)
    assert names(text(visitor, f"?q={wanted}")) == ["Sarah Whitcombe"]


def test_htmx_gets_the_results_and_the_filters_and_nothing_else(visitor: Client):
    make_customer("Sarah Whitcombe", orders=1)
    page, part = text(visitor, "?q=sarah"), text(visitor, "?q=sarah", **HTMX)
    assert "<html" in page
    assert "<html" not in part
    assert 'id="results"' in part
    assert 'hx-swap-oob="true"' in part
    assert names(page) == names(part) == ["Sarah Whitcombe"]


def test_the_list_can_be_narrowed_to_an_archetype(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=2)
    vera = make_customer("Vera Vance", orders=3)
    both = publish(sarah)
    publish(vera, name="Weekend Planner", archetype_id="arch_11111111", into=both)
    page = text(visitor, "?archetype=arch_88099600")
    assert names(page) == ["Sarah Whitcombe"]
    assert "Archetype: Premium Power Buyer" in page
    assert "Weekend Planner" in text(visitor)


@pytest.mark.parametrize("archetype", ["arch_00000000", "x" * 40, "%00", "'; DROP TABLE"])
def test_an_archetype_that_nobody_knows_matches_nobody(visitor: Client, archetype: str):
    publish(make_customer("Sarah Whitcombe", orders=2))
    page = text(visitor, f"?archetype={archetype}")
    assert names(page) == []
    assert "No customer matches" in page


def test_customers_without_an_order_can_be_listed_alone(visitor: Client):
    make_customer("Noah Lind")
    make_customer("Sarah Whitcombe", orders=1)
    page = text(visitor, "?awaiting=1")
    assert names(page) == ["Noah Lind"]
    assert "Awaiting first purchase" in page


def test_an_empty_list_names_the_filter_to_drop(visitor: Client):
    make_customer("Noah Lind")
    publish(make_customer("Sarah Whitcombe", orders=1))
    page = " ".join(text(visitor, "?q=zzz&archetype=arch_88099600").split())
    assert "Without the search there would be 1." in page
    assert "Remove the search" in page
    assert 'href="?archetype=arch_88099600"' in page


@pytest.mark.parametrize("query", ["?q=%00", f"?q={'a' * 101}"])
def test_a_search_that_cannot_be_made_says_so_and_loses_nothing(visitor: Client, query: str):
    make_customer("Noah Lind")
    page = text(visitor, query)
    assert "Search for" in page
    assert "The search was left out." in page
    assert names(page) == ["Noah Lind"]


@pytest.mark.parametrize("number", ["-1", "0", "x", "999999999999999999999", "99999"])
def test_a_page_that_is_not_there_is_the_nearest_one(visitor: Client, number: str):
    make_customer("Noah Lind")
    assert names(text(visitor, f"?page={number}")) == ["Noah Lind"]


def test_pages_follow_each_other_without_losing_the_search(visitor: Client):
    for number in range(30):
        make_customer(f"Ada Number{number:02}")
    page = text(visitor, "?q=ada&sort=name")
    assert "1 to 25 of 30 customers" in page
    assert 'href="?q=ada&amp;sort=name&amp;page=2"' in page
    assert len(names(text(visitor, "?q=ada&sort=name&page=2"))) == 5


def test_beyond_ten_thousand_the_list_says_more_than(visitor: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paging.count_up_to, "__defaults__", (3,))
    monkeypatch.setattr(paging.page_of, "__kwdefaults__", {"size": 25, "cap": 3})
    for number in range(5):
        make_customer(f"Ada Number{number}")
    page = text(visitor)
    assert "1 to 3 of more than 3 customers" in page
    assert len(names(page)) == 3


def test_the_whole_list_says_how_many_the_last_run_counted(visitor: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paging.count_up_to, "__defaults__", (3,))
    monkeypatch.setattr(paging.page_of, "__kwdefaults__", {"size": 25, "cap": 3})
    run = publish(*[make_customer(f"Ada Number{number}", orders=1) for number in range(5)]).run
    run.profiles = 120_979
    run.save()
    page = text(visitor)
    assert "<b>120,979</b>" in page
    assert "1 to 3 of 120,979 customers" in page
    assert "<b>More than 3</b>" in text(visitor, "?q=ada")
    assert "<b>More than 3</b>" in text(visitor, "?sort=last")
    run.profiles = 2
    run.save()
    assert "<b>More than 3</b>" in text(visitor)


def test_who_never_ordered_has_no_value_rather_than_nothing_in_bold(visitor: Client):
    make_customer("Noah Lind")
    page = text(visitor)
    assert "$0.00" not in page
    assert page.count(">None</span>") == 3


def test_the_last_order_is_said_to_be_ago(visitor: Client):
    make_customer("Sarah Whitcombe", orders=1)
    with time_machine.travel(NOW):
        assert ">10 days ago</time>" in text(visitor)


def test_phones_have_a_choice_of_order_that_keeps_the_search(visitor: Client):
    make_customer("Sarah Whitcombe", orders=1)
    page = text(visitor, "?q=sarah&sort=name")
    form = re.findall(r'<form class="d-md-none.*?</form>', page, re.DOTALL)[0]
    assert '<input type="hidden" name="q" value="sarah">' in form
    assert re.findall(r'value="([\w-]+)" selected', form) == ["name"]
    assert set(re.findall(r'option value="([\w-]+)"', form)) == set(SORTS)


@pytest.mark.parametrize("nasty", NASTY)
def test_what_customers_call_themselves_is_only_text(visitor: Client, nasty: str):
    make_customer(first_name=nasty[:120], last_name="", email="", customer_id=f"id/{nasty[:40]}?#%", orders=1)
    page = text(visitor)
    assert nasty not in page or "<" not in nasty
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
    address = re.search(r'href="(/customers/id[^"]*)"', page)
    assert address
    assert visitor.get(address[1].replace("&#x27;", "'").replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?q=ada",
        "?archetype=arch_88099600",
        "?awaiting=1&sort=name",
        "?page=2",
        "?sort=lapse",
        "?sort=rescue&lapse=critical&lapse=medium&tier=standard&churn=critical&at_risk=10&q=ada&archetype=arch_88099600",
    ],
)
def test_the_list_costs_a_fixed_number_of_queries(visitor: Client, query: str, django_assert_max_num_queries):
    buyers = make_customers([f"Ada Number{number}" for number in range(3)], orders=1)
    for buyer in buyers:
        make_prediction(buyer)
    both = publish(*buyers)
    text(visitor, query)
    setting = 3 if connection.vendor == "postgresql" else 0  # "by index only", and the savepoint around it
    with django_assert_max_num_queries(16 + setting) as few:
        text(visitor, query)
    more = make_customers([f"Ada More{number}" for number in range(57)], orders=1)
    for buyer in more:
        make_prediction(buyer)
    publish(*more, archetype_id="arch_11111111", into=both)
    with django_assert_max_num_queries(len(few)):
        text(visitor, query)


def test_a_page_and_its_fragment_are_kept_apart_by_caches(visitor: Client):
    assert "HX-Request" in visitor.get("/customers/").headers["Vary"]


# Predictions: Sarah and Vera are the regulars at risk, Mina is safe, Ola has no score yet, Noah never ordered.

SCORES = {
    "Sarah Whitcombe": {"lapse": 0.62, "churn": 0.55, "tier": Prediction.Tier.HIGH, "at_risk": "310.40"},
    "Vera Vance": {"lapse": 0.741, "churn": 0.9, "tier": Prediction.Tier.VIP, "at_risk": "1240.60"},
    "Mina Holm": {"lapse": 0.08, "churn": 0.2, "tier": Prediction.Tier.LOW, "at_risk": "4.00"},
}
EVERYBODY = {"Sarah Whitcombe", "Vera Vance", "Mina Holm", "Ola Brandt", "Noah Lind"}


@pytest.fixture
def scored(shop) -> dict[str, Customer]:
    people = {customer.name: customer for customer in make_customers([*SCORES, "Ola Brandt"], orders=2)}
    people["Noah Lind"] = make_customer("Noah Lind")
    for name, score in SCORES.items():
        make_prediction(
            people[name],
            lapse_risk_score=score["lapse"],
            churn_risk_score=score["churn"],
            tier=score["tier"],
            value_at_risk=Decimal(str(score["at_risk"])),
            usual_gap_days=12.4,
        )
    return people


def row(page: str, name: str) -> str:
    """The words of somebody's row."""
    found = next(part for part in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if f">{name}</a>" in part)
    return words(found)


def words(markup: str) -> str:
    """What is read aloud of it, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def chips(page: str) -> list[str]:
    """The links that remove a filter, by what they are called."""
    return re.findall(r'aria-label="([^"]*), remove filter"', page)


def test_a_row_says_risk_value_at_risk_tier_and_usual_gap(visitor: Client, scored):
    page = text(visitor)
    assert "VIP $100.00 Critical 74% lapse risk $1,241" in row(page, "Vera Vance")
    assert row(page, "Vera Vance").endswith("12 d")
    assert "High value $100.00 High 62% lapse risk $310" in row(page, "Sarah Whitcombe")
    assert "Low $100.00 Low 8% lapse risk $4" in row(page, "Mina Holm")
    assert 'class="q-tier q-tier-vip"' in page
    assert 'class="q-churn q-critical"' in page


def test_who_has_no_score_yet_is_told_from_who_never_ordered(visitor: Client, scored):
    page = text(visitor)
    assert "No score yet" in row(page, "Ola Brandt")
    assert "No score yet" not in row(page, "Noah Lind")
    assert "Awaiting first purchase" in row(page, "Noah Lind")


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.7, "Critical 70%"),
        (0.6999, "High 69%"),  # 70% would be critical
        (0.5, "High 50%"),
        (0.496, "Medium 49%"),
        (0.3, "Medium 30%"),
        (0.299, "Low 29%"),
        (0.666, "High 67%"),
        (0.001, "Low &lt;1%"),
        (0.9999, "Critical &gt;99%"),
    ],
)
def test_the_level_and_the_percentage_of_a_badge_agree(visitor: Client, shop, score: float, expected: str):
    make_prediction(make_customer("Vera Vance", orders=1), lapse_risk_score=score)
    assert f"{expected} lapse risk" in row(text(visitor), "Vera Vance")


def test_the_meter_of_a_badge_has_a_bar_more_with_every_level(visitor: Client, scored):
    def bars(name: str) -> int:
        return text(visitor, f"?q={name}").split("</table>")[0].count('<i class="on">')

    assert (bars("vera"), bars("sarah"), bars("mina")) == (4, 3, 1)


@pytest.mark.parametrize(
    ("sort", "expected", "note"),
    [
        ("lapse", ["Vera", "Sarah", "Mina"], "In the order of lapse risk; customers without a score are left out."),
        ("lapse-up", ["Mina", "Sarah", "Vera"], "In the order of lapse risk; customers without a score are left out."),
        ("rescue", ["Vera", "Sarah", "Mina"], "In the order of value at risk; customers without a score are left out."),
        ("churn", ["Vera", "Sarah", "Mina"], "In the order of “No order in 30 days”; customers without a score are left out."),
    ],
)
def test_the_order_of_a_prediction_leaves_out_who_has_none(visitor: Client, scored, sort: str, expected: list[str], note: str):
    page = text(visitor, f"?sort={sort}")
    assert [name.split()[0] for name in names(page)] == expected
    assert note in words(page)
    assert "are left out" not in text(visitor)


def test_two_with_the_same_score_stand_in_a_fixed_order(visitor: Client, shop):
    for name in ("Ada", "Bea", "Cleo"):
        make_prediction(make_customer(name, orders=1))
    assert names(text(visitor, "?sort=lapse")) == ["Ada", "Bea", "Cleo"]
    assert names(text(visitor, "?sort=lapse-up")) == ["Cleo", "Bea", "Ada"]


@pytest.mark.parametrize(
    ("query", "expected", "chip"),
    [
        ("lapse=critical", {"Vera"}, "Lapse risk: Critical"),
        ("lapse=critical&lapse=high", {"Vera", "Sarah"}, "Lapse risk: Critical, High"),
        ("lapse=critical&lapse=low", {"Vera", "Mina"}, "Lapse risk: Critical, Low"),
        (
            "lapse=low&lapse=medium&lapse=high&lapse=critical",
            {"Vera", "Sarah", "Mina"},
            "Lapse risk: Critical, High, Medium, Low",
        ),
        ("tier=vip", {"Vera"}, "Tier: VIP"),
        ("tier=high&tier=low", {"Sarah", "Mina"}, "Tier: High value, Low"),
        ("churn=high", {"Sarah"}, "No order in 30 days: High"),
        ("churn=critical&churn=low", {"Vera", "Mina"}, "No order in 30 days: Critical, Low"),
        ("at_risk=310", {"Vera", "Sarah"}, "Value at risk: $310 or more"),
        ("at_risk=0", {"Vera", "Sarah", "Mina"}, "Value at risk: $0 or more"),
    ],
)
def test_a_filter_narrows_the_list_and_is_a_chip_that_can_be_removed(
    visitor: Client, scored, query: str, expected: set[str], chip: str
):
    page = text(visitor, f"?{query}")
    assert {name.split()[0] for name in names(page)} == expected
    assert chips(page) == [chip]
    assert "Clear all" in page
    link = re.search(rf'href="([^"]*)"\s+aria-label="{re.escape(chip)}, remove filter"', page)
    assert link
    assert set(names(text(visitor, link[1]))) == EVERYBODY


@pytest.mark.parametrize("score", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_a_score_on_an_edge_is_in_the_filter_that_its_badge_names(visitor: Client, shop, score: float):
    make_prediction(make_customer("Vera Vance", orders=1), lapse_risk_score=score)
    found = [level for level in ("critical", "high", "medium", "low") if names(text(visitor, f"?lapse={level}"))]
    assert len(found) == 1
    assert found[0].capitalize() in row(text(visitor), "Vera Vance")


def test_filters_combine_with_each_other_with_the_search_and_with_the_archetype(visitor: Client, scored):
    publish(scored["Vera Vance"], scored["Mina Holm"])
    assert names(text(visitor, "?tier=vip&tier=high&lapse=high")) == ["Sarah Whitcombe"]
    assert names(text(visitor, "?q=vera&lapse=critical&churn=critical&at_risk=1000")) == ["Vera Vance"]
    assert names(text(visitor, "?archetype=arch_88099600&sort=lapse-up")) == ["Mina Holm", "Vera Vance"]
    page = text(visitor, "?archetype=arch_88099600&tier=vip&sort=name")
    assert names(page) == ["Vera Vance"]
    assert chips(page) == ["Tier: VIP", "Archetype: Premium Power Buyer"]
    assert 'href="?archetype=arch_88099600&amp;sort=name"' in page
    assert names(text(visitor, "?awaiting=1&lapse=low")) == []


@pytest.mark.parametrize(
    "query",
    [
        *("lapse=fatal", "lapse=critical&lapse=fatal", "lapse=%00", "tier=platinum", "tier=0", "churn=0.7", "churn=Critical"),
        *("at_risk=much", "at_risk=-1", "at_risk=1e9", "at_risk=nan", f"at_risk={10**30}", "at_risk=%00"),
    ],
)
def test_a_filter_that_cannot_be_read_matches_nobody(visitor: Client, scored, query: str):
    page = text(visitor, f"?{query}")
    assert names(page) == []
    assert "No customer matches" in page
    assert chips(page)[0].endswith(": not known")
    assert names(text(visitor, f"?{query}&q=vera")) == []


@pytest.mark.parametrize("query", ["lapse=", "tier=", "churn=", "at_risk="])
def test_an_empty_filter_is_none(visitor: Client, scored, query: str):
    assert set(names(text(visitor, f"?{query}"))) == EVERYBODY


def test_whom_to_rescue_first_is_one_link_away(visitor: Client, scored):
    link = re.search(
        r'href="([^"]*)"[^>]*>[^<]*<svg[^>]*>(?:(?!</a>).)*Rescue first</a>', text(visitor, "?q=v&page=3"), re.DOTALL
    )
    assert link
    assert link[1] == "?q=v&amp;sort=rescue&amp;lapse=critical&amp;lapse=high"
    page = text(visitor, "?sort=rescue&lapse=critical&lapse=high")
    assert names(page) == ["Vera Vance", "Sarah Whitcombe"]
    assert "Customers at high or critical lapse risk, most expected spend first." in words(page)
    assert "are left out" not in page
    assert chips(page) == ["Rescue first", "Lapse risk: Critical, High"]
    assert "most expected spend first." not in words(text(visitor, "?sort=rescue&lapse=critical"))


def test_the_chance_of_no_order_is_shown_where_it_is_asked_about_and_named_by_the_shops_days(visitor: Client, scored):
    assert "No order in 30 days</th>" not in text(visitor)
    make_shop(churn_days=90)
    for query in ("?churn=critical", "?sort=churn"):
        page = text(visitor, query)
        assert "No order in 90 days</th>" in page
        assert "Critical 90% No order in 90 days" in row(page, "Vera Vance")
    assert "No order in 90 days, likeliest first</option>" in page


def test_every_form_keeps_what_the_others_asked_for(visitor: Client, scored):
    query = "q=v&archetype=arch_88099600&lapse=critical&lapse=high&tier=vip&churn=critical&at_risk=5&sort=rescue"
    publish(scored["Vera Vance"])
    page = text(visitor, f"?{query}&page=1")
    asked = [tuple(pair.split("=")) for pair in query.split("&")]
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    by_search = re.findall(r'<input type="hidden" form="search" name="(\w+)" value="(\w+)">', page)
    assert sorted(by_search) == sorted(pair for pair in asked if pair[0] != "q")
    for name in ("lapse", "tier", "churn", "at_risk", "sort"):
        form = next(form for form in forms if re.search(rf'(checkbox|number|id="sort)"\s+name="{name}"', form))
        kept = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form)
        assert sorted(kept) == sorted(pair for pair in asked if pair[0] != name), name
    assert re.findall(r'value="(\w+)"\s+checked', page) == ["critical", "high", "vip", "critical"]
    assert re.search(r'name="at_risk"[^>]*value="5"', page)


def test_an_empty_list_names_the_prediction_filter_to_drop(visitor: Client, scored):
    page = text(visitor, "?tier=low&lapse=critical&churn=low&at_risk=3")
    assert names(page) == []
    assert "Without the lapse risk filter there would be 1." in words(page)
    assert "Without the tier filter" not in page
    link = re.search(r'href="([^"]*)">Remove the lapse risk filter</a>', page)
    assert link
    assert names(text(visitor, link[1].replace("&amp;", "&"))) == ["Mina Holm"]
    for query, label in (
        ("?tier=vip&lapse=low", "tier filter"),
        ("?churn=low&lapse=critical", "filter for the chance of no order"),
        ("?at_risk=5000&lapse=critical", "value at risk filter"),
    ):
        assert f"Remove the {label}" in text(visitor, query)


def test_pages_keep_the_filters(visitor: Client, shop):
    for number in range(30):
        make_prediction(make_customer(f"Ada Number{number:02}", orders=1))
    page = text(visitor, "?lapse=medium&tier=standard&sort=rescue")
    assert 'href="?lapse=medium&amp;tier=standard&amp;sort=rescue&amp;page=2"' in page
    assert len(names(text(visitor, "?lapse=medium&tier=standard&sort=rescue&page=2"))) == 5


def test_a_filter_that_more_than_ten_thousand_pass_says_more_than(visitor: Client, scored, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paging.page_of_keys, "__kwdefaults__", {"size": 25, "cap": 1})
    page = text(visitor, "?lapse=high&lapse=critical&sort=rescue")
    assert "<b>More than 1</b>" in page
    assert names(page) == ["Vera Vance"]


def test_a_search_that_was_left_out_is_not_kept_but_the_filters_are(visitor: Client, scored):
    page = text(visitor, "?q=%00&lapse=critical")
    assert names(page) == ["Vera Vance"]
    assert 'name="q" value="\0"' not in page
    assert '<input type="hidden" form="search" name="lapse" value="critical">' in page


@pytest.mark.parametrize("nasty", NASTY)
def test_what_stands_in_the_address_is_only_text(visitor: Client, scored, nasty: str):
    for name in ("lapse", "tier", "churn", "at_risk", "archetype"):
        page = visitor.get("/customers/", {name: nasty}).content.decode()
        assert "<script>alert" not in page
        assert "onerror=alert(1)>" not in page
        assert names(page) == []


def test_in_a_shop_whose_orders_have_ended_ages_are_those_of_its_last_day(visitor: Client):
    for back in (0, 40):
        make_order(make_customer(f"Ann {back}"), placed_at=datetime(2011, 12, 9, 12, tzinfo=UTC) - timedelta(days=back))
    page = visitor.get("/customers/").content.decode()
    assert "40 days ago" in page
    assert "years ago" not in page
