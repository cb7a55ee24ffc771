import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from jobs import bell, reporting
from jobs.models import Job
from jobs.running import Cancelled, JobFailed, cancel, does, run, start

pytestmark = pytest.mark.django_db
threaded = pytest.mark.django_db(transaction=True)


def lose_worker(job, **columns):
    """What a killed worker leaves behind."""
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=past, lease_token="gone", **columns)


def test_a_job_runs_once_and_keeps_its_result(rung):
    runs = []

    @does("sum")
    def work(job):
        runs.append(job.args)
        return {"total": sum(job.args["of"])}

    job = start("sum", "Add up", {"of": [1, 2]})
    done = run(job.pk)
    assert (done.state, done.result, done.attempts, done.progress_share) == ("done", {"total": 3}, 1, 1.0)
    assert done.lease_until is None
    assert done.ended_at >= done.started_at
    assert run(job.pk) is None
    assert runs == [{"of": [1, 2]}]


def test_the_bell_rings_only_once_the_row_is_committed(rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = start("sum", "Add up", {})
        assert rung == []
    assert rung == [job.pk]


def test_a_broker_that_is_down_does_not_disturb_the_person(settings, django_capture_on_commit_callbacks, monkeypatch):
    def down(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr("jobs.tasks.run_job.apply_async", down)
    with django_capture_on_commit_callbacks(execute=True):
        job = start("sum", "Add up", {})
    assert Job.objects.get(pk=job.pk).state == "queued"
    assert bell._quiet_until > time.monotonic()


def test_a_job_tells_steps_log_and_progress(rung):
    @does("steps")
    def work(job):
        job.plan("Read file", "Save", "Tidy up")
        job.step("Read file")
        job.progress(0.4, "48,210 rows")
        job.step("Look again")
        job.step("Save", "orders")
        job.log("warning: 3 rows\nskipped")
        job.progress(float("nan"))
        return {}

    done = run(start("steps", "Steps", {}).pk)
    assert [(step["name"], step["note"], step["state"]) for step in done.steps] == [
        ("Read file", "48,210 rows", "done"),
        ("Look again", "", "done"),
        ("Save", "orders", "done"),
    ]
    assert all(step["seconds"] >= 0 for step in done.steps)
    assert done.log.splitlines()[-1].endswith("Z warning: 3 rows skipped")


def test_the_log_keeps_its_first_line_and_the_last_thousand(rung):
    @does("chatty")
    def work(job):
        for number in range(1500):
            job.log(f"line {number}")
        return {}

    lines = run(start("chatty", "Chatty", {}).pk).log.splitlines()
    assert len(lines) == reporting.LOG_LINES
    assert lines[0].endswith("chatty asked for")
    assert lines[-1].endswith("line 1499")


def test_a_failure_is_told_in_the_works_own_sentence_and_keeps_the_reject_file(rung):
    @does("fails")
    def work(job):
        job.step("Read file")
        raise JobFailed(
            "The file has no column order_id; name it in the mapping.", {"downloads": [{"label": "r", "url": "/r"}]}
        )

    job = run(start("fails", "Fails", {}).pk)
    assert job.state == "failed"
    assert job.error == "The file has no column order_id; name it in the mapping."
    assert job.result["downloads"][0]["url"] == "/r"
    assert job.steps[0]["state"] == "failed"


def test_a_defect_is_told_without_its_text_but_with_the_number_that_finds_it(rung, caplog):
    @does("broken")
    def work(job):
        raise KeyError("ada@example.com")

    job = run(start("broken", "Broken", {}).pk)
    assert job.state == "failed"
    assert "ada@example.com" not in job.error
    assert str(job.pk) in job.error
    assert "KeyError" in caplog.text


def test_work_that_nobody_knows_fails_with_a_reason(rung):
    job = run(start("unheard-of", "What", {}).pk)
    assert job.state == "failed"
    assert "unheard-of" in job.error


def test_running_out_of_memory_says_so(rung):
    @does("hungry")
    def work(job):
        raise MemoryError

    assert "memory" in run(start("hungry", "Hungry", {}).pk).error


def test_a_result_that_is_no_json_is_a_defect_of_the_work(rung):
    @does("odd")
    def work(job):
        return {"when": {1, 2}}

    job = start("odd", "Odd", {})
    assert run(job.pk).state == "failed"


def test_a_failing_database_sends_the_job_back_until_the_attempts_are_used_up(rung):
    @does("unlucky")
    def work(job):
        raise OperationalError("server closed the connection")

    job = start("unlucky", "Unlucky", {})
    assert [run(job.pk).state for _ in range(3)] == ["queued", "queued", "failed"]
    assert run(job.pk) is None
    assert "database" in Job.objects.get(pk=job.pk).error


def test_a_lease_that_still_runs_is_respected_and_one_that_ran_out_is_taken_over(rung):
    @does("sum")
    def work(job):
        return {"attempt": job.attempt}

    job = start("sum", "Add up", {})
    Job.objects.filter(pk=job.pk).update(
        state="running", attempts=1, lease_token="other", lease_until=timezone.now() + timedelta(seconds=30)
    )
    assert run(job.pk) is None
    lose_worker(job)
    done = run(job.pk)
    assert (done.state, done.result) == ("done", {"attempt": 2})
    assert "attempt 2" in done.log


def test_after_three_crashes_the_job_is_given_up_with_a_reason(rung):
    job = start("sum", "Add up", {})
    lose_worker(job, attempts=3)
    assert run(job.pk) is None
    given_up = Job.objects.get(pk=job.pk)
    assert given_up.state == "failed"
    assert "3 times" in given_up.error
    assert given_up.ended_at is not None


def test_a_worker_that_lost_its_lease_cannot_settle(rung, caplog):
    @does("slow")
    def work(job):
        Job.objects.filter(pk=job.id).update(lease_token="a-faster-one")
        return {"stale": True}

    job = run(start("slow", "Slow", {}).pk)
    assert job.state == "running"
    assert job.result == {}
    assert "another worker" in caplog.text


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(rung):
    job = start("sum", "Add up", {})
    assert cancel(job.pk)
    assert run(job.pk) is None
    assert Job.objects.get(pk=job.pk).state == "cancelled"
    assert not cancel(job.pk)
    assert not cancel(uuid.uuid4())


def test_a_cancelled_job_whose_worker_died_is_not_begun_again(rung):
    job = start("sum", "Add up", {})
    lose_worker(job, attempts=1, cancel_asked=True)
    assert run(job.pk) is None
    assert Job.objects.get(pk=job.pk).state == "cancelled"


@threaded
def test_a_running_job_hears_at_its_next_report_that_it_is_cancelled(rung, settings):
    settings.JOB_REPORT_SECONDS = 0.01
    saved = []

    @does("long")
    def work(job):
        job.step("Count")
        cancel(job.id)
        try:
            for number in range(2000):
                job.progress(number / 2000)
                time.sleep(0.005)
        except Cancelled:
            saved.append(number)
            raise
        return {}

    job = run(start("long", "Long", {}).pk)
    assert job.state == "cancelled"
    assert job.steps[0]["state"] == "cancelled"
    assert saved[0] < 1999


@threaded
def test_the_lease_is_renewed_and_the_report_written_while_the_work_is_in_a_transaction_elsewhere(rung, settings):
    settings.JOB_REPORT_SECONDS = 0.01
    settings.JOB_LEASE_SECONDS = 1
    seen = []

    @does("long")
    def work(job):
        first = Job.objects.get(pk=job.id).lease_until
        job.step("Count")
        for number in range(200):
            job.progress(number / 200, f"row {number}")
            time.sleep(0.01)
            row = Job.objects.get(pk=job.id)
            if row.lease_until > first and row.progress_share > 0.1 and row.steps[0]["note"]:
                seen.append(row)
                break
        return {}

    assert run(start("long", "Long", {}).pk).state == "done"
    assert seen


@threaded
def test_work_that_falls_silent_loses_its_lease(rung, settings):
    settings.JOB_REPORT_SECONDS = 0.01
    settings.JOB_LEASE_SECONDS = 1
    settings.JOB_SILENT_SECONDS = 0.05
    leases = []

    @does("asleep")
    def work(job):
        leases.append(Job.objects.get(pk=job.id).lease_until)
        time.sleep(0.6)
        leases.append(Job.objects.get(pk=job.id).lease_until)
        return {}

    run(start("asleep", "Asleep", {}).pk)
    assert leases[0] == leases[1]


def test_a_worker_that_is_stopped_hands_the_job_back_without_counting_the_attempt(rung):
    @does("long")
    def work(job):
        job.step("Count")
        reporting.worker_is_stopping.set()
        job.progress(0.5)
        return {}

    job = run(start("long", "Long", {}).pk)
    assert (job.state, job.attempts, job.lease_token) == ("queued", 0, "")


@threaded
def test_of_eight_workers_that_hear_the_bell_one_gets_the_job(rung):
    runs, ready = [], threading.Barrier(8)

    @does("once")
    def work(job):
        runs.append(job.attempt)
        return {}

    job = start("once", "Once", {})

    def answer():
        ready.wait()
        try:
            run(job.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs == [1]
    assert Job.objects.get(pk=job.pk).state == "done"


@threaded
def test_jobs_that_exclude_each_other_run_one_after_the_other(rung):
    order = []

    @does("exclusive")
    def work(job):
        if job.args["name"] == "first":
            rung.clear()
            assert run(second.pk) is None  # heard while the first one runs
            assert Job.objects.get(pk=second.pk).state == "queued"
            assert run(free.pk).state == "done"
        order.append(job.args["name"])
        return {}

    first = start("exclusive", "First", {"name": "first"}, only_one_of="segmentation")
    second = start("exclusive", "Second", {"name": "second"}, only_one_of="segmentation")
    free = start("exclusive", "Free", {"name": "free"}, only_one_of="another")
    assert run(first.pk).state == "done"
    assert rung == [second.pk]
    assert run(second.pk).state == "done"
    assert order == ["free", "first", "second"]


def test_the_database_itself_refuses_two_that_exclude_each_other(rung):
    for name in ("first", "second"):
        start("segment", name, {}, only_one_of="segmentation")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.update(state="running")


def test_two_functions_cannot_do_the_same_kind():
    does("sum")(lambda job: {})
    with pytest.raises(ValueError, match="sum"):
        does("sum")(lambda job: {})


def test_what_a_broken_file_brings_in_can_be_stored(rung):
    dirt = "Gr\ud83dün\0"

    @does("dirty")
    def work(job):
        job.step("Read", dirt)
        job.log(dirt)
        raise JobFailed(dirt, {"links": [{"label": dirt, "url": "/"}]})

    job = run(start("dirty", dirt, {"file": dirt}).pk)
    assert (job.title, job.args["file"], job.error, job.steps[0]["note"]) == ("Gr?ün",) * 4


def test_ctrl_c_in_a_shell_cancels_the_job_and_lets_the_next_one_begin(rung):
    @does("long")
    def work(job):
        job.step("Count")
        raise KeyboardInterrupt

    first, second = (start("long", name, {}, only_one_of="import") for name in ("first", "second"))
    rung.clear()
    with pytest.raises(KeyboardInterrupt):
        run(first.pk)
    stopped = Job.objects.get(pk=first.pk)
    assert (stopped.state, stopped.lease_token, stopped.steps[0]["state"]) == ("cancelled", "", "cancelled")
    assert rung == [second.pk]
