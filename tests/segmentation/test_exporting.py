import csv
import gzip
from collections import defaultdict

import pytest
from django.core.management import CommandError, call_command

from segmentation.axes import AXES

pytestmark = pytest.mark.django_db


def test_every_membership_is_written_and_adds_up_to_one(run, tmp_path):
    path = tmp_path / "memberships.csv.gz"
    call_command("export_memberships", str(path))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["customer_id", "axis", "segment", "membership", "evidence"]
    sums = defaultdict(float)
    for row in rows:
        sums[row["customer_id"], row["axis"]] += float(row["membership"])
    assert len(sums) == run.segmented * len(AXES)
    assert all(total == pytest.approx(1.0, abs=1e-5) for total in sums.values())
    assert [path.name for path in tmp_path.iterdir()] == ["memberships.csv.gz"]


def test_evidence_is_the_number_of_observations(run, tmp_path):
    path = tmp_path / "memberships.csv"
    call_command("export_memberships", str(path))
    membership = run.memberships.select_related("customer").first()
    with path.open(newline="") as file:
        own = [r for r in csv.DictReader(file) if r["customer_id"] == membership.customer.customer_id]
    assert {int(r["evidence"]) for r in own if r["axis"] == "purchase_value"} == {membership.order_count}


def test_before_the_first_run_there_is_one_sentence(db, tmp_path):
    with pytest.raises(CommandError, match="run `segment` first"):
        call_command("export_memberships", str(tmp_path / "x.csv"))


def test_a_folder_that_is_not_there_is_said(run, tmp_path):
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_memberships", str(tmp_path / "nowhere" / "x.csv"))
