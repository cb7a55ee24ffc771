"""kill -9 at every stage of a run: readers keep the run before, and the next run works."""

import signal
import subprocess
import sys

import pytest

from customers.models import Customer
from insights.profiles import customer_profile
from segmentation.models import ActiveRun, Membership, SegmentationRun
from segmentation.runs import segment_everyone
from tests.factories import NOW

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

STAGES = {
    "features": "Read orders and tickets: ",
    "search for k": "Find segments: Purchase frequency",
    "fit": "Find segments: Value sophistication",
    "memberships": "Score customers",
    "archetypes": "Choose archetypes",
    "naming": "Store memberships",
    "gates": "Check and publish",
    "publish": "publish",
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_a_run_killed_at_any_stage_leaves_the_last_one_in_force(run, process_environment, stage):
    before = dict(Membership.objects.filter(run=run).values_list("customer_id", "shares"))
    command = [sys.executable, "-m", "tests.segmentation.killed_run", stage]
    killed = subprocess.Popen(command, env=process_environment, stderr=subprocess.PIPE, text=True)
    somebody = Customer.objects.filter(order_count__gt=0).first()
    served = set()
    while killed.poll() is None:
        served.add(customer_profile(somebody.customer_id, NOW).run_id)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.read()

    served.add(customer_profile(somebody.customer_id, NOW).run_id)
    assert served == {run.pk}
    assert ActiveRun.current() == run
    assert dict(Membership.objects.filter(run=run).values_list("customer_id", "shares")) == before

    again = segment_everyone(NOW)
    assert ActiveRun.current() == again
    states = dict(SegmentationRun.objects.exclude(pk__in=[run.pk, again.pk]).values_list("pk", "state"))
    assert set(states.values()) <= {SegmentationRun.State.FAILED}
    assert set(Membership.objects.values_list("run_id", flat=True)) == {run.pk, again.pk}
