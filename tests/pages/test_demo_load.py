"""The invented shop, put in and taken out from the pages."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import quimbi.tasks
import segmentation.tasks  # noqa: F401  (what a worker knows how to do)
from accounts.models import Shop
from customers.models import Customer
from jobs import bell, running
from jobs.models import Job
from tests.factories import make_customer


@pytest.fixture(autouse=True)
def small_and_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop of 60, and no broker."""
    monkeypatch.setattr(quimbi.tasks, "CUSTOMERS", 60)
    monkeypatch.setattr(bell, "ring", lambda ids: 0)


def do(client: Client, address: str) -> Job:
    response = client.post(address)
    job = running.run(Job.objects.latest("created_at").pk)
    assert job is not None
    assert response.headers["Location"] == reverse("job", args=[job.pk])
    assert job.state == Job.State.DONE, job.error
    return job


@pytest.mark.django_db(transaction=True)
def test_the_demo_shop_comes_by_a_button_is_segmented_and_goes_by_another(visitor: Client):
    job = do(visitor, "/demo/load/")
    assert "60 invented customers" in job.result["summary"]
    assert Customer.objects.count() == 60
    assert Shop.current().is_demo
    [segmentation] = Job.objects.filter(kind="segment")
    assert str(segmentation.pk) in str(job.result["links"])
    running.run(segmentation.pk)
    assert "Remove the demo shop" in visitor.get("/jobs/").content.decode()
    asked = visitor.get("/demo/remove/").content.decode()
    assert "Its 60 invented customers go" in asked
    assert '<button class="btn btn-danger" type="submit">Remove the demo shop</button>' in asked
    assert Customer.objects.count() == 60
    do(visitor, "/demo/remove/")
    assert not Customer.objects.exists()
    assert not Shop.current().is_demo
    assert 'href="/demo/remove/"' not in visitor.get("/jobs/").content.decode()


def test_no_demo_is_put_beside_a_shops_own_customers(visitor: Client):
    make_customer("Ada Holm", orders=1)
    page = visitor.post("/demo/load/", follow=True).content.decode()
    assert "This shop holds customers already" in page
    assert not Job.objects.exists()


def test_a_second_click_finds_the_job_that_runs(visitor: Client):
    first, second = (visitor.post("/demo/load/").headers["Location"] for _ in range(2))
    assert first == second
    assert Job.objects.get().only_one_of == "import"


@pytest.mark.parametrize("answer", ["get", "post"])
def test_only_a_demo_shop_is_removed(visitor: Client, answer: str):
    make_customer("Ada Holm", orders=1)
    response: Any = getattr(visitor, answer)("/demo/remove/", follow=True)
    assert "This is not a demo shop" in response.content.decode()
    assert Customer.objects.count() == 1


def test_loading_needs_a_form(visitor: Client):
    assert visitor.get("/demo/load/").status_code == 405
