import re

import pytest
from django.urls import reverse

from accounts.models import User
from jobs.models import Job, Pulse
from jobs.running import start

pytestmark = pytest.mark.django_db
PART = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def quiet(rung):
    """No broker here."""


def person(client, role):
    user = User.objects.create_user(f"a-{role}", role=role)
    client.force_login(user)
    return user


def make_job(**columns):
    job = start("import", columns.pop("title", "Import orders.csv"), {})
    Job.objects.filter(pk=job.pk).update(**columns)
    return Job.objects.get(pk=job.pk)


RUNNING = {
    "state": "running",
    "progress_share": 0.624,
    "seconds_left": 97,
    "steps": [
        {"name": "Read file", "note": "48,210 rows", "state": "done", "seconds": 6.2},
        {"name": "Save", "note": "", "state": "running", "seconds": None},
    ],
}


def test_a_running_job_shows_its_share_its_steps_and_the_time_left_and_asks_again(client):
    person(client, "marketer")
    page = client.get(reverse("job", args=[make_job(**RUNNING).pk])).content.decode()
    assert "62%" in page
    assert "about 1 min 40 s left" in page
    assert "48,210 rows" in page
    assert re.search(r"<title>\s*62% Import orders.csv", page)
    assert 'hx-trigger="every 2s"' in page
    assert "Cancel job" in page


def test_the_part_brings_the_title_along_and_stops_asking_at_the_end(client):
    person(client, "marketer")
    job = make_job(**RUNNING)
    part = client.get(reverse("job", args=[job.pk]), headers=PART).content.decode()
    assert "<html" not in part
    assert re.search(r"<title>\s*62% ", part)
    Job.objects.update(
        state="done",
        ended_at=job.created_at,
        result={"summary": "93,564 customers segmented", "links": [{"label": "See", "url": "/a/"}]},
    )
    part = client.get(reverse("job", args=[job.pk]), headers=PART).content.decode()
    assert "hx-trigger" not in part
    assert "93,564 customers segmented" in part
    assert 'href="/a/"' in part


def test_a_failed_job_shows_the_reason_and_the_reject_file(client):
    person(client, "agent")
    downloads = {"downloads": [{"label": "Rejected rows, CSV", "url": "/imports/7/rejects"}]}
    job = make_job(state="failed", error="Over 5% of the rows are wrong; nothing was applied.", result=downloads)
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert 'role="alert"' in page
    assert "nothing was applied" in page
    assert 'href="/imports/7/rejects"' in page


def test_an_agent_looks_but_does_not_cancel(client):
    person(client, "agent")
    job = make_job(**RUNNING)
    assert "Cancel job" not in client.get(reverse("job", args=[job.pk])).content.decode()
    assert client.post(reverse("job-cancel", args=[job.pk])).status_code == 403
    assert not Job.objects.get().cancel_asked


def test_a_marketer_cancels_with_or_without_scripts(client):
    person(client, "marketer")
    waiting, running = make_job(), make_job(**RUNNING)
    assert "Cancel this job?" in client.get(reverse("job-cancel", args=[waiting.pk])).content.decode()
    assert client.post(reverse("job-cancel", args=[waiting.pk])).url == reverse("job", args=[waiting.pk])
    assert Job.objects.get(pk=waiting.pk).state == "cancelled"
    part = client.post(reverse("job-cancel", args=[running.pk]), headers=PART).content.decode()
    assert "Stopping" in part
    assert Job.objects.get(pk=running.pk).cancel_asked


def test_a_failed_job_is_started_anew_as_a_job_of_its_own(client):
    marketer = person(client, "marketer")
    job = make_job(state="failed", error="The worker stopped.", only_one_of="orders.csv", args={"import": 7})
    assert reverse("job-again", args=[job.pk]) in client.get(reverse("job", args=[job.pk])).content.decode()
    answer = client.post(reverse("job-again", args=[job.pk]))
    anew = Job.objects.get(state="queued")
    assert answer.url == reverse("job", args=[anew.pk])
    assert (anew.kind, anew.title, anew.args, anew.only_one_of) == (job.kind, job.title, {"import": 7}, "orders.csv")
    assert anew.created_by == marketer
    assert client.post(reverse("job-again", args=[anew.pk])).status_code == 404  # it has not ended


def test_an_agent_starts_nothing_anew(client):
    person(client, "agent")
    job = make_job(state="cancelled")
    assert reverse("job-again", args=[job.pk]) not in client.get(reverse("job", args=[job.pk])).content.decode()
    assert client.post(reverse("job-again", args=[job.pk])).status_code == 403


def test_nobody_sees_a_job_without_signing_in(client):
    job = make_job()
    for name in ("job", "job-log", "job-cancel"):
        assert client.get(reverse(name, args=[job.pk])).status_code == 302
    assert client.get(reverse("jobs")).status_code == 302


def test_the_list_costs_the_same_whatever_its_length(client, django_assert_max_num_queries):
    user = person(client, "agent")
    for number in range(30):
        make_job(title=f"Import {number}", created_by=user, state="done")
    client.get(reverse("jobs"))  # makes the shop
    with django_assert_max_num_queries(8):
        page = client.get(reverse("jobs")).content.decode()
    assert page.count("data-row") == 25
    assert client.get(reverse("jobs"), {"page": 2}).content.decode().count("data-row") == 5


def test_a_job_that_waits_without_a_worker_says_so(client):
    person(client, "agent")
    job = make_job()
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "No worker is running" in page
    assert "No worker is running" in client.get(reverse("jobs")).content.decode()
    Pulse.objects.create(name="sweep", at=job.created_at)
    assert "No worker is running" not in client.get(reverse("job", args=[job.pk])).content.decode()


def test_a_hostile_file_name_stays_text(client):
    person(client, "agent")
    job = make_job(title='<script>alert(1)</script>"', log='2026-11-19T09:20:02Z warning: <img src=x onerror="alert(1)">')
    for page in (client.get(reverse("job", args=[job.pk])), client.get(reverse("jobs"))):
        assert "<script>alert" not in page.content.decode()
        assert "<img" not in page.content.decode()


def test_the_whole_log_is_a_text_file(client):
    person(client, "agent")
    response = client.get(reverse("job-log", args=[make_job(log="2026-11-19T09:20:02Z read").pk]))
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert response.content == b"2026-11-19T09:20:02Z read\n"


def test_what_is_not_there_is_said_in_our_words(client):
    person(client, "marketer")
    nothing = "00000000-0000-0000-0000-000000000000"
    for name in ("job", "job-log", "job-cancel"):
        response = client.get(reverse(name, args=[nothing]))
        assert (response.status_code, "There is no such job." in response.content.decode()) == (404, True)
    response = client.post(reverse("job-again", args=[make_job().pk]))
    assert "Only a job that failed or was cancelled can be started again." in response.content.decode()


def test_who_started_a_job_is_said(client):
    user = person(client, "agent")
    by_user, by_command = make_job(created_by=user), make_job(title="From a shell")
    by_itself = make_job(title="Segmentation", kind="segment")
    for job, words in (
        (by_user, "Started by a-agent"),
        (by_command, "Started from the command line"),
        (by_itself, "Started auto"),
    ):
        assert words in " ".join(client.get(reverse("job", args=[job.pk])).content.decode().split())
    rows = re.findall(r'<td class="hide q-sm">(.*?)</td>', client.get(reverse("jobs")).content.decode())
    assert sorted(rows) == ["Automatic", "Command line", "a-agent"]  # made in one moment, they come in any order


def test_a_time_left_that_nobody_knows_is_said(client):
    person(client, "agent")
    page = client.get(reverse("job", args=[make_job(**RUNNING | {"seconds_left": None}).pk])).content.decode()
    assert "time left not known yet" in page
