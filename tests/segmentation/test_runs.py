from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db.models import Sum

from customers.models import Customer
from jobs.exclusive import Busy, one_at_a_time
from segmentation import runs
from segmentation.maths.model import FittedModel
from segmentation.models import ActiveRun, Archetype, ArchetypeSnapshot, Membership, SegmentationRun, SegmentModel
from segmentation.one_customer import segment_customer
from segmentation.publishing import roll_back
from segmentation.reading import memberships_of
from segmentation.runs import discover, segment_everyone
from tests.factories import NOW, make_customer, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_shop")]


def test_every_buyer_is_segmented_and_nobody_else(run):
    buyers = set(Customer.objects.buyers().values_list("pk", flat=True))
    assert set(run.memberships.values_list("customer_id", flat=True)) == buyers
    assert run.state == SegmentationRun.State.PUBLISHED
    assert (run.profiles, run.segmented) == (400, len(buyers))
    assert ActiveRun.current() == run


def test_memberships_of_each_axis_add_up_to_one(run):
    model = run.model.fitted()
    for membership in run.memberships.all():
        for shares in memberships_of(membership, model).values():
            assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)


def test_archetypes_add_up_to_their_members(run):
    totals = ArchetypeSnapshot.objects.filter(run=run).aggregate(
        members=Sum("member_count"), value=Sum("total_ltv"), orders=Sum("total_orders")
    )
    facts = Customer.objects.buyers().aggregate(value=Sum("lifetime_value"), orders=Sum("order_count"))
    assert totals["members"] == run.segmented
    assert totals["orders"] == facts["orders"]
    assert totals["value"] == pytest.approx(facts["value"], abs=Decimal("0.01") * run.segmented)


def test_archetype_names_are_unique_and_short(run):
    names = list(Archetype.objects.values_list("name", flat=True))
    assert len({name.lower() for name in names}) == len(names)
    assert max(len(name) for name in names) <= 60


def test_the_same_shop_gives_the_same_run_again(run):
    again = segment_everyone(NOW)
    assert again.pk != run.pk
    rows = [
        list(r.memberships.order_by("customer_id").values_list("customer_id", "segments", "archetype_id")) for r in (run, again)
    ]
    assert rows[0] == rows[1]
    assert SegmentModel.objects.count() == 1


def test_archetypes_keep_id_and_name_over_a_new_discovery(run):
    before = dict(Archetype.objects.values_list("archetype_id", "name"))
    again = segment_everyone(NOW, discover_first=True)
    assert again.model != run.model
    assert dict(Archetype.objects.values_list("archetype_id", "name")) == before


def test_one_customer_alone_gets_what_the_batch_gives(run):
    stored = {m.customer_id: m for m in run.memberships.all()[:60]}
    before = list(
        ArchetypeSnapshot.objects.filter(run=run).order_by("pk").values_list("member_count", "total_ltv", "total_orders")
    )
    for pk, batch in stored.items():
        assert segment_customer(pk, NOW)
        alone = Membership.objects.get(run=run, customer=pk)
        assert np.abs(alone.share_array() - batch.share_array()).max() <= 1e-6
        assert (alone.segments, alone.archetype_id, alone.agrees_on) == (batch.segments, batch.archetype_id, batch.agrees_on)
        assert alone.evidence_array().tolist() == batch.evidence_array().tolist()
    after = list(
        ArchetypeSnapshot.objects.filter(run=run).order_by("pk").values_list("member_count", "total_ltv", "total_orders")
    )
    assert after == before


def test_customers_who_fit_several_archetypes_equally_well_join_the_same_one_alone_and_in_the_batch(run, settings):
    settings.ARCHETYPES_AT_MOST = 6  # most customers agree with none of so few, and many with several equally
    few = segment_everyone(NOW)
    batch = dict(few.memberships.values_list("customer_id", "archetype_id"))
    for pk in batch:
        assert segment_customer(pk, NOW)
    assert dict(few.memberships.values_list("customer_id", "archetype_id")) == batch


def test_a_first_order_segments_its_customer(run):
    noah = make_customer("Noah Lind")
    make_order(noah, total=Decimal("40.00"))
    assert segment_customer(noah.pk, NOW)
    membership = Membership.objects.get(run=run, customer=noah)
    snapshots = ArchetypeSnapshot.objects.filter(run=run)
    assert (membership.order_count, membership.lifetime_value) == (1, Decimal("40.00"))
    assert snapshots.aggregate(n=Sum("member_count"))["n"] == run.segmented + 1
    run.refresh_from_db()
    assert run.memberships.count() == run.segmented


def test_a_customer_without_orders_is_not_segmented(run):
    noah = make_customer("Noah Lind")
    assert not segment_customer(noah.pk, NOW)
    assert not Membership.objects.filter(customer=noah).exists()


def test_a_customer_who_moves_takes_orders_and_value_along(run):
    membership = run.memberships.order_by("customer_id").first()
    assert membership is not None
    for back in range(40):
        make_order(membership.customer, total=Decimal("900.00"), placed_at=NOW - timedelta(days=back), refresh_metrics=False)
    segment_customer(membership.customer_id, NOW)
    snapshots = ArchetypeSnapshot.objects.filter(run=run).aggregate(
        n=Sum("member_count"), orders=Sum("total_orders"), value=Sum("total_ltv")
    )
    members = run.memberships.aggregate(orders=Sum("order_count"), value=Sum("lifetime_value"))
    assert snapshots["n"] == run.segmented
    assert snapshots["orders"] == members["orders"]
    assert snapshots["value"] == pytest.approx(members["value"], abs=Decimal("0.01") * run.segmented)


def test_a_customer_with_thousands_of_orders_does_not_break_a_run(small_shop):
    whale = make_customer("Wanda Whale")
    from customers.models import Order

    Order.objects.bulk_create(
        Order(
            order_id=f"w{i}", customer=whale, placed_at=NOW - timedelta(minutes=20 * i), currency="USD", total=Decimal("9.00")
        )
        for i in range(5000)
    )
    run = segment_everyone(NOW)
    assert Membership.objects.get(run=run, customer=whale).order_count == 5000


def test_two_runs_at_once_are_refused_with_a_sentence(small_shop):
    with one_at_a_time("segmentation"), pytest.raises(Busy, match="Another segmentation is running"):
        _from_another_connection()


def _from_another_connection():
    from threading import Thread

    from django.db import connection

    caught: list[BaseException] = []

    def attempt() -> None:
        try:
            with one_at_a_time("segmentation"):
                pass
        except Busy as busy:
            caught.append(busy)
        finally:
            connection.close()

    thread = Thread(target=attempt)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def test_progress_rises_to_the_end_and_names_its_steps(small_shop, note_taker):
    told, progress = note_taker
    segment_everyone(NOW, progress)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {note.split(":")[0] for _, note in told} >= {"Read orders and tickets", "Find segments", "Store memberships"}


@pytest.mark.parametrize(
    "stage", ["observe", "fit", "score", "find_archetypes", "store_archetypes", "store_memberships", "figures_of", "publish"]
)
def test_a_run_that_breaks_at_any_stage_leaves_the_last_one_published(run, monkeypatch, stage):
    def break_off(*args, **kwargs):
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(runs, stage, break_off)
    with pytest.raises(RuntimeError):
        segment_everyone(NOW, discover_first=stage == "fit")
    monkeypatch.undo()
    assert ActiveRun.current() == run
    assert run.memberships.count() == run.segmented
    assert not SegmentationRun.objects.filter(state=SegmentationRun.State.BUILDING).exists()
    after = segment_everyone(NOW)
    assert after.state == SegmentationRun.State.PUBLISHED
    assert set(Membership.objects.values_list("run_id", flat=True)) == {run.pk, after.pk}


def test_a_sick_run_is_held_back_with_its_reasons(run, monkeypatch):
    monkeypatch.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
    held_back = segment_everyone(NOW)
    assert held_back.state == SegmentationRun.State.REJECTED
    assert "too weakly" in held_back.error
    assert ActiveRun.current() == run


def test_a_model_whose_run_was_held_back_is_not_tried_again(run, monkeypatch):
    with monkeypatch.context() as strict:
        strict.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
        held_back = segment_everyone(NOW, discover_first=True)
    assert held_back.state == SegmentationRun.State.REJECTED
    assert held_back.model != run.model
    assert segment_everyone(NOW).model == run.model


def test_a_model_that_was_rolled_back_does_not_return_with_the_next_run(run):
    assert segment_everyone(NOW, discover_first=True).model != run.model
    roll_back()
    assert segment_everyone(NOW).model == run.model


def test_a_discovery_is_not_lost_when_its_run_breaks_off(run, monkeypatch):
    found = discover(NOW)
    with monkeypatch.context() as broken:
        broken.setattr(runs, "store_memberships", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            segment_everyone(NOW)
    assert segment_everyone(NOW).model == found


def test_where_the_first_run_was_held_back_the_next_one_finds_a_model_of_its_own(small_shop, monkeypatch):
    with monkeypatch.context() as strict:
        strict.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
        held_back = segment_everyone(NOW)
    after = segment_everyone(NOW)
    assert after.state == SegmentationRun.State.PUBLISHED
    assert after.model != held_back.model


def test_a_model_survives_being_stored(run):
    model = run.model.fitted()
    assert FittedModel.from_json(model.to_json()).to_json() == model.to_json()


def test_discovery_alone_changes_nothing_that_is_read(run):
    model = discover(NOW)
    assert ActiveRun.current() == run
    assert segment_everyone(NOW).model == model
