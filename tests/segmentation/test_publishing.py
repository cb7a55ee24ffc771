import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from jobs.exclusive import Busy
from segmentation import publishing
from segmentation.models import ActiveRun, Membership, SegmentationRun
from segmentation.publishing import roll_back
from segmentation.runs import segment_everyone
from tests.factories import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("standing_shop")]


def test_roll_back_shows_the_run_before_and_can_be_undone(run):
    second = segment_everyone(NOW)
    assert roll_back() == run
    assert ActiveRun.current() == run
    assert roll_back() == second


def test_there_is_nothing_to_roll_back_to_after_the_first_run(run):
    with pytest.raises(CommandError, match="no earlier run"):
        call_command("segment", "--roll-back")
    assert ActiveRun.current() == run


def test_memberships_of_the_published_run_and_the_one_before_are_kept(run):
    second, third = segment_everyone(NOW), segment_everyone(NOW)
    assert set(Membership.objects.values_list("run_id", flat=True)) == {second.pk, third.pk}
    assert run.archetypes.exists(), "snapshots stay, for trends"


def test_a_run_left_behind_by_a_killed_worker_is_marked_and_cleared(run):
    orphan = SegmentationRun.objects.create(model=run.model, as_of=NOW)
    Membership.objects.filter(run=run, customer=run.memberships.first().customer).update(run=orphan)
    segment_everyone(NOW)
    orphan.refresh_from_db()
    assert orphan.state == SegmentationRun.State.FAILED
    assert not orphan.memberships.exists()


def test_an_admin_may_publish_what_a_gate_held_back_and_it_is_written_down(run, monkeypatch, capsys):
    monkeypatch.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
    held_back = segment_everyone(NOW)
    User.objects.create_user("ada", role=User.Role.ADMIN)
    User.objects.create_user("mia", role=User.Role.MARKETER)
    with pytest.raises(CommandError, match="Name the admin"):
        call_command("segment", "--publish", str(held_back.pk), "--by", "mia")
    call_command("segment", "--publish", str(held_back.pk), "--by", "ada")
    assert ActiveRun.current() == held_back
    held_back.refresh_from_db()
    assert held_back.summary["answered_for_by"] == "ada"
    assert [gate["gate"] for gate in held_back.summary["published_in_spite_of"]] == ["structure"]


def test_a_run_whose_memberships_have_been_cleared_away_cannot_be_published_any_more(run, monkeypatch):
    monkeypatch.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
    earlier, last = segment_everyone(NOW), segment_everyone(NOW)
    User.objects.create_user("ada", role=User.Role.ADMIN)
    with pytest.raises(CommandError, match=f"memberships of run {earlier.pk} have been cleared away"):
        call_command("segment", "--publish", str(earlier.pk), "--by", "ada")
    assert ActiveRun.current() == run
    earlier.refresh_from_db()
    assert earlier.state == SegmentationRun.State.REJECTED
    assert "answered_for_by" not in earlier.summary
    call_command("segment", "--publish", str(last.pk), "--by", "ada")
    assert ActiveRun.current() == last


def test_a_run_is_not_published_while_another_is_built(run, monkeypatch):
    monkeypatch.setattr("segmentation.gates.MEDIAN_SILHOUETTE", 0.99)
    held_back = segment_everyone(NOW)
    User.objects.create_user("ada", role=User.Role.ADMIN)

    def busy(name):
        raise Busy(f"Another {name} is running.")

    monkeypatch.setattr(publishing, "one_at_a_time", busy)
    with pytest.raises(CommandError, match="Another segmentation is running"):
        call_command("segment", "--publish", str(held_back.pk), "--by", "ada")
    assert ActiveRun.current() == run


def test_the_command_segments_and_says_so_in_one_sentence(small_shop, capsys):
    call_command("segment")
    out = capsys.readouterr().out
    assert "of 400 customers are segmented into" in out
    assert "have no order that counts" in out


def test_a_date_that_is_none_is_refused_with_an_example(db):
    with pytest.raises(CommandError, match="write one like"):
        call_command("segment", "--as-of", "31/01/2026")
