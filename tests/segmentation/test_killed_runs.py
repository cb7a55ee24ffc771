"""kill -9 at every stage of a run: readers keep the run before, and the next run works."""

import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from customers.models import Customer
from insights.profiles import customer_profile
from segmentation.models import ActiveRun, Membership, SegmentationRun
from segmentation.runs import segment_everyone
from tests.conftest import environment_of_processes
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


@pytest.fixture(scope="module")
def runs_that_are_killed(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator["subprocess.Popen[str]"]:
    """The process that starts them (`tests.segmentation.killed_run`)."""
    log = tmp_path_factory.mktemp("killed") / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.segmentation.killed_run"],
            env=environment_of_processes(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    yield process
    process.communicate()
    sys.stderr.write(log.read_text())


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_a_run_killed_at_any_stage_leaves_the_last_one_in_force(run, runs_that_are_killed, stage):
    before = dict(Membership.objects.filter(run=run).values_list("customer_id", "shares"))
    somebody = Customer.objects.filter(order_count__gt=0).first()
    print(stage, file=runs_that_are_killed.stdin, flush=True)
    served = {customer_profile(somebody.customer_id, NOW).run_id}
    while not select.select([runs_that_are_killed.stdout], [], [], 0.02)[0]:  # leaves the processor to the run
        served.add(customer_profile(somebody.customer_id, NOW).run_id)
    assert runs_that_are_killed.stdout.readline() == f"{-signal.SIGKILL}\n"

    served.add(customer_profile(somebody.customer_id, NOW).run_id)
    assert served == {run.pk}
    assert ActiveRun.current() == run
    assert dict(Membership.objects.filter(run=run).values_list("customer_id", "shares")) == before

    again = segment_everyone(NOW)
    assert ActiveRun.current() == again
    states = dict(SegmentationRun.objects.exclude(pk__in=[run.pk, again.pk]).values_list("pk", "state"))
    assert set(states.values()) <= {SegmentationRun.State.FAILED}
    assert set(Membership.objects.values_list("run_id", flat=True)) == {run.pk, again.pk}
