"""The demo shop as long work."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from jobs.running import JobFailed, RunningJob, does
from quimbi.demo import LOAD, REMOVE, shop
from quimbi.demo.almanac import midnight
from segmentation.tasks import start_segmentation

CUSTOMERS, SEED = 5_000, 1


@does(LOAD)
def load_demo(job: RunningJob) -> dict[str, Any]:
    """Invent the shop, then have it segmented. What an attempt that was killed left behind is replaced."""
    job.step("Invent the shop")
    try:
        counts = shop.seed(CUSTOMERS, SEED, midnight(timezone.now()), job.progress, replace=job.attempt > 1)
    except shop.DemoRefused as refusal:
        raise JobFailed(str(refusal)) from refusal
    segmentation = start_segmentation("Segmentation of the demo shop")
    return {
        "summary": f"{shop.NAME} is open: {counts.customers:,} invented customers with {counts.orders:,} orders.",
        "links": [
            {"label": "Watch the segmentation", "url": reverse("job", args=[segmentation.pk])},
            {"label": "See the customers", "url": reverse("customers")},
        ],
    }


@does(REMOVE)
def remove_demo(job: RunningJob) -> dict[str, Any]:
    """Take the invented shop out again; a second attempt goes on where the first ended."""
    job.step("Remove invented customers")
    try:
        removed = shop.remove(job.progress)
    except shop.DemoRefused as refusal:
        raise JobFailed(str(refusal)) from refusal
    return {
        "summary": f"The demo shop is removed with its {removed:,} customers.",
        "links": [{"label": "Bring in your own customers", "url": reverse("home")}],
    }
