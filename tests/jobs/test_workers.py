"""What happens to real worker processes must not happen to the jobs."""

import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now

from jobs import bell
from jobs.models import Job
from jobs.running import start
from tests.jobs.conftest import wait_for

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def state(job):
    return Job.objects.values_list("state", flat=True).get(pk=job.pk)


def pages(folder):
    return {page.name: page.read_text() for page in folder.glob("page-*")}


def beat_of(worker):
    """The process that a worker has started for its clock."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    wait_for(lambda: children.read_text().split(), "the beat process")
    return Path(f"/proc/{children.read_text().split()[0]}")


def test_a_job_whose_worker_is_killed_with_its_beat_is_finished_by_the_other_one_exactly_once(workers, queue, tmp_path):
    started = {worker.pid: worker for worker in (workers.start(), workers.start())}
    tallies = [start("test-tally", f"{n}", {"folder": str(tmp_path), "name": f"job-{n}"}) for n in range(6)]
    job = start("test-pages", "Pages", {"folder": str(tmp_path)})
    bell.ring([job.pk, *(tally.pk for tally in tallies)] * 2)
    wait_for((tmp_path / "page-4").exists, "the fifth page")
    wait_for(lambda: Job.objects.filter(state="done").count() == 6, "the six other jobs to be done")
    worker = started[int((tmp_path / "attempt-1").read_text())]
    beat = beat_of(worker)
    workers.kill(worker)
    wait_for(lambda: not beat.exists() or "(zombie)" in (beat / "status").read_text(), "the end of beat")
    queue.lose_everything()
    (tmp_path / "go").touch()
    wait_for(lambda: state(job) == "done", "the job to be done")
    job.refresh_from_db()
    assert job.attempts == 2
    assert job.result == {"summary": "5 pages written"}
    assert pages(tmp_path) == {f"page-{number}": "1" if number < 5 else "2" for number in range(10)}
    assert [mark.read_text() for mark in tmp_path.glob("job-*")] == ["x"] * 6
    assert set(Job.objects.exclude(pk=job.pk).values_list("attempts", flat=True)) == {1}


def test_a_job_that_kills_its_worker_is_given_up_after_three_attempts(workers, tmp_path):
    job = start("test-poison", "Poison", {"folder": str(tmp_path)})
    Job.objects.filter(pk=job.pk).update(attempts=2)  # two of the three kills
    for _ in range(3):  # on a crowded machine one may end before it has come to any work
        worker = workers.start()
        wait_for(lambda worker=worker: worker.poll() is not None, "the worker to be killed")
        if (tmp_path / "attempt-3").exists():
            break
    assert (tmp_path / "attempt-3").exists()
    long_ago = ExpressionWrapper(Now() - timedelta(seconds=1), output_field=DateTimeField())
    Job.objects.filter(pk=job.pk).update(lease_until=long_ago)  # spares the test the wait
    healthy = workers.start()
    neighbour = start("test-pages", "Neighbour", {"folder": str(tmp_path)})
    wait_for((tmp_path / "page-4").exists, "the neighbour to be at work")
    wait_for(lambda: state(job) == "failed", "the poison to be given up")
    job.refresh_from_db()
    assert job.attempts == 3
    assert "3 times" in job.error

    # A worker that is asked to stop hands its job back, and that attempt does not count.
    healthy.send_signal(signal.SIGTERM)
    assert healthy.wait(40) == 0
    neighbour.refresh_from_db()
    assert (neighbour.state, neighbour.attempts) == ("queued", 0)
