"""The archetype list and an archetype's page."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from segmentation.axes import AXES
from segmentation.listing import top_archetypes
from segmentation.models import Archetype, ArchetypeSnapshot
from segmentation.overview import revenue_bands
from tests.factories import NOW, make_customer
from tests.segments import publish


def words(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


@pytest.fixture
def two(visitor: Client):
    first = publish(make_customer("Sarah Whitcombe", orders=4), make_customer("Vera Vance", orders=2))
    ada = make_customer("Ada Holm", orders=5)
    publish(
        ada, name="Weekend Planner", archetype_id="arch_11111111", into=first, dominant_segments={"purchase_value": "mid_tier"}
    )
    first.run.segmented = 3
    first.run.save()
    return first


@pytest.mark.parametrize(
    ("measure", "first"),
    [("revenue", "Premium Power"), ("average", "Weekend"), ("members", "Premium Power"), ("nonsense", "Premium Power")],
)
def test_archetypes_are_in_the_order_of_the_measure(visitor: Client, two, measure: str, first: str):
    page = words(visitor, f"/archetypes/?by={measure}")
    assert page.index(f">{first}") == min(page.index(">Premium Power"), page.index(">Weekend"))
    assert "2 archetypes cover 3 customers" in page


@pytest.mark.parametrize(("wanted", "found"), [("planner", "Weekend Planner"), ("weekly shopper", "Premium Power Buyer")])
def test_archetypes_are_found_by_name_and_by_trait(visitor: Client, two, wanted: str, found: str):
    part = words(visitor, f"/archetypes/?q={wanted}", **{"HX-Request": "true"})
    assert part.count("data-row") == 1
    assert found in part
    assert "<html" not in part


def test_a_search_that_finds_nothing_offers_all(visitor: Client, two):
    assert "Show all 2" in words(visitor, "/archetypes/?q=zzz")


def test_before_the_first_segmentation_the_list_says_what_comes_first(visitor: Client):
    assert "No segmentation yet" in words(visitor, "/archetypes/")


def test_an_archetype_shows_its_signature_and_its_members(visitor: Client, two):
    page = words(visitor, "/archetypes/arch_88099600/")
    assert page.count(">defining<") == 3
    assert "66.67% of segmented customers" in page
    assert "54.5% of all lifetime value" in page
    assert "Sarah Whitcombe" in page
    assert "Ada Holm" not in page
    assert "Weekly shopper" in page
    assert "?archetype=arch_88099600" in page


def test_a_minority_is_the_most_frequent_and_not_the_leading_one(visitor: Client):
    agreement = {axis.name: 0.85 for axis in AXES} | {"return_behavior": 0.49}
    publish(make_customer("Sarah Whitcombe", orders=4), agreement=agreement)
    page = words(visitor, "/archetypes/arch_88099600/")
    assert "Mixed, most often Never returns" in page
    assert '<span class="q-strong">Never returns</span>' not in page
    assert "has sent back nothing" not in page
    assert page.count('class="q-bar mixed"') == 1
    assert "the segment is the most frequent one" in page
    assert "Leading segment" not in page


def test_full_agreement_is_said_where_it_is_not_everybody(visitor: Client):
    sarah = make_customer("Sarah Whitcombe", orders=4)
    first = publish(sarah)
    assert "Full agreement" not in words(visitor, "/archetypes/arch_88099600/")
    publish(make_customer("Ada Holm", orders=1), archetype_id="arch_11111111", into=first, exact_count=0)
    assert "Full agreement" in words(visitor, "/archetypes/arch_11111111/")


def test_members_bought_last_some_days_ago(visitor: Client):
    publish(make_customer("Sarah Whitcombe", orders=4))
    with time_machine.travel(NOW):
        assert ">10 days ago</time>" in words(visitor, "/archetypes/arch_88099600/")


def test_twins_differ_in_the_same_place_of_the_second_line(visitor: Client, two):
    page = words(visitor, "/archetypes/")
    assert "Weekly shopper · Top spender · Full-price buyer" in page
    # The other archetype is told to have one axis only.
    assert ">Mid tier</div>" in page


def test_a_trait_that_is_not_known_keeps_its_place(visitor: Client):
    segments = {axis.name: (axis.not_enough or axis.names[0].name) for axis in AXES}
    publish(make_customer("Sarah Whitcombe", orders=4), dominant_segments=segments)
    [archetype] = top_archetypes("total_ltv", 1).archetypes
    assert replace(archetype, defining_axes=("purchase_cadence", "purchase_value")).defining_traits == (
        "Top spender",
        "Too early to tell",
    )


def test_small_archetypes_can_be_left_out_in_paging_and_search_too(visitor: Client, two):
    ArchetypeSnapshot.objects.filter(archetype__name="Weekend Planner").update(member_count=50)
    page = words(visitor, "/archetypes/?by=members")
    assert 'href="?by=members&amp;least=50">At least 50 members</a>' in page
    page = words(visitor, "/archetypes/?least=50&by=average")
    assert page.count("data-row") == 1
    assert "Weekend Planner" in page
    assert '<input type="hidden" name="least" value="50">' in page
    assert 'href="?least=50&amp;by=revenue"' in page
    assert 'href="?by=average"' in page
    part = words(visitor, "/archetypes/?q=zzz&least=50", **{"HX-Request": "true"})
    assert "Only archetypes with at least 50 members were searched." in part
    assert 'id="filters" hx-swap-oob="true"' in part
    assert 'href="?q=zzz&amp;least=50&amp;by=members"' in part


def test_next_page_keeps_the_least_number_of_members(visitor: Client, two):
    for number in range(30):
        publish(into=two, name=f"Archetype {number}", archetype_id=f"arch_{number:08}", member_count=60)
    assert 'href="?least=50&amp;page=2"' in words(visitor, "/archetypes/?least=50")


@pytest.mark.parametrize("least", ["-1", "0", "x", "9" * 30])
def test_a_least_number_that_cannot_be_read_leaves_nobody_out(visitor: Client, two, least: str):
    assert words(visitor, f"/archetypes/?least={least}").count("data-row") == 2


@pytest.mark.parametrize(("measure", "column"), [("revenue", "Revenue"), ("members", "Members"), ("average", "Average LTV")])
def test_the_column_in_force_has_an_arrow(visitor: Client, two, measure: str, column: str):
    page = words(visitor, f"/archetypes/?by={measure}")
    assert re.findall(r'aria-sort="descending"> ([\w ]+) <svg', page) == [column]


def test_an_archetype_of_an_older_run_says_so_and_an_unknown_one_is_not_found(visitor: Client, two):
    Archetype.objects.create(archetype_id="arch_22222222", signature={}, name="Lapsing Big Spender")
    assert "Not in the current segmentation" in words(visitor, "/archetypes/arch_22222222/")
    for address in ("/archetypes/arch_33333333/", "/archetypes/arch_33333333/name/", "/archetypes/%00/"):
        response = visitor.get(address)
        page = response.content.decode()
        assert response.status_code == 404
        assert "There is no archetype" in page
        assert "matches the given query" not in page
        assert 'aria-label="Main"' in page


def test_a_marketer_can_rename_an_archetype(visitor: Client, two):
    response = visitor.post("/archetypes/arch_88099600/name/", {"name": "Studio regulars", "description": ""}, follow=True)
    page = response.content.decode()
    assert "“Premium Power Buyer” is now “Studio regulars”." in page
    assert "Named by a person" in page
    assert Archetype.objects.get(archetype_id="arch_88099600").author == Archetype.Author.PERSON


def test_a_name_is_required(visitor: Client, two):
    response = visitor.post("/archetypes/arch_88099600/name/", {"name": " ", "description": ""})
    assert response.status_code == 422
    assert "Give the archetype a name." in response.content.decode()
    assert Archetype.objects.get(archetype_id="arch_88099600").name == "Premium Power Buyer"


def test_a_support_agent_may_not_rename(agent: Client):
    publish(make_customer("Sarah Whitcombe", orders=1))
    assert "Rename" not in words(agent, "/archetypes/arch_88099600/")
    assert agent.post("/archetypes/arch_88099600/name/", {"name": "Mine"}).status_code == 403


def test_the_list_costs_a_fixed_number_of_queries(visitor: Client, two, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        words(visitor, "/archetypes/")
    with django_assert_max_num_queries(13):
        words(visitor, "/archetypes/arch_88099600/")


def test_revenue_comes_in_bands_that_add_up():
    bands = revenue_bands([Decimal(number) for number in range(1, 151)])
    assert [band.words for band in bands] == ["Top 10", "Next 90", "Other 50"]
    assert sum(band.share for band in bands) == pytest.approx(1)
    assert bands[0].share == pytest.approx(sum(range(141, 151)) / sum(range(1, 151)))
    assert revenue_bands([]) == revenue_bands([Decimal(0)]) == []
