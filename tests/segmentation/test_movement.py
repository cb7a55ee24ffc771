"""The months that are kept of published runs."""

from datetime import UTC, datetime, timedelta

import pytest

from segmentation import movement
from segmentation.maths.movement import Members
from segmentation.models import ActiveRun, ArchetypeMonth, SegmentationRun
from segmentation.movement import members_of, remember_month
from segmentation.runs import segment_everyone
from tests.factories import NOW, make_customer, make_shop
from tests.published import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    make_shop()
    return [make_customer(f"Person {number}", orders=1) for number in range(4)]


def run_of(as_of, **archetype_of):
    """A published run with customers in archetypes by name: `run_of(day, Planner=[ada, ben])`."""
    published = publish()
    published.run.as_of = as_of
    published.run.save()
    ids = {}
    for name, customers in archetype_of.items():
        archetype = published.archetype.__class__.objects.filter(name=name).first()
        archetype = archetype or published.add_archetype(name, member_count=8, total_ltv="9.00")
        ids[name] = archetype.archetype_id
        for customer in customers:
            published.join(customer, archetype)
    return published.run, ids


def test_a_published_run_keeps_who_is_in_which_archetype(run):
    kept = ArchetypeMonth.objects.get()
    assert (kept.month.isoformat(), kept.run, kept.as_of) == ("2026-11-01", run, NOW)
    assert kept.moves == []
    members = Members.from_bytes(kept.members)
    stored = dict(run.memberships.values_list("customer_id", "archetype__archetype_id"))
    names = [members.names[at] for at in members.archetype]
    assert dict(zip(members.customer_ids.tolist(), names, strict=True)) == stored


def test_the_first_run_of_a_month_stays_and_the_next_month_tells_who_moved(people):
    ada, ben, cleo, dan = people
    first, ids = run_of(NOW - timedelta(days=30), Planner=[ada, ben], Hunter=[cleo])
    assert remember_month(first).moves == []
    assert remember_month(first) is None
    second, _ = run_of(NOW, Planner=[ada], Hunter=[ben, cleo, dan])
    planner, hunter = ids["Planner"], ids["Hunter"]
    assert sorted(map(list, remember_month(second).moves)) == sorted(
        [["", hunter, 1], [hunter, hunter, 1], [planner, hunter, 1], [planner, planner, 1]]
    )
    third, _ = run_of(NOW + timedelta(days=3), Planner=people)
    assert remember_month(third) is None
    assert ArchetypeMonth.objects.count() == 2


@pytest.mark.parametrize(("days", "is_compared"), [(19, False), (20, True), (45, True), (46, False)])
def test_only_a_month_that_lies_about_a_month_before_is_compared(people, days, is_compared):
    remember_month(run_of(NOW - timedelta(days=days), Planner=people)[0])
    assert bool(remember_month(run_of(NOW, Planner=people)[0]).moves) == is_compared


def test_the_month_is_the_shops(people):
    make_shop(time_zone="Pacific/Auckland")
    kept = remember_month(run_of(datetime(2026, 11, 30, 20, tzinfo=UTC), Planner=people)[0])
    assert kept.month.isoformat() == "2026-12-01"


def test_a_run_that_is_held_back_is_not_kept(people):
    held_back, _ = run_of(NOW, Planner=people)
    held_back.state = SegmentationRun.State.REJECTED
    assert remember_month(held_back) is None


def test_a_month_takes_the_same_few_queries_whatever_the_number_of_customers(people, django_assert_max_num_queries):
    remember_month(run_of(NOW - timedelta(days=30), Planner=people[:1])[0])
    run, _ = run_of(NOW, Planner=people)
    # Shop, month there?, members (on PostgreSQL a COPY, which is not counted), archetypes, month before; get or create, and
    # that in a savepoint.
    with django_assert_max_num_queries(9):
        remember_month(run)


def test_a_run_stays_published_if_its_month_cannot_be_kept(run, monkeypatch, caplog):
    ArchetypeMonth.objects.all().delete()
    monkeypatch.setattr(movement, "members_of", lambda run: 1 / 0)
    second = segment_everyone(NOW)
    assert second.state == SegmentationRun.State.PUBLISHED
    assert ActiveRun.current() == second
    assert not ArchetypeMonth.objects.exists()
    assert "were not kept" in caplog.text


def test_members_without_an_archetype_are_in_none(people):
    run, _ = run_of(NOW, Planner=people)
    run.memberships.filter(customer=people[0]).update(archetype=None)
    assert len(members_of(run)) == 3
