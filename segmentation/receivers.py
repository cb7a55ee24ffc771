"""An order was recorded: its customer is segmented at once, and by whoever recorded it at the latest with the next run."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from customers.signals import is_followed, orders_recorded
from jobs.running import start
from segmentation.models import ActiveRun
from segmentation.tasks import SCORED_ONE_BY_ONE, start_segmentation


@receiver(orders_recorded)
def segment_them(sender: Any, customer_pks: Sequence[int], **kwargs: Any) -> None:
    """Start the scoring of customers with new orders; nothing to do before the first run, or if a run of all follows."""
    if not customer_pks or is_followed() or not ActiveRun.objects.exists():
        return
    if len(customer_pks) <= SCORED_ONE_BY_ONE:
        title = (
            f"Segment {len(customer_pks):,} customers with new orders"
            if len(customer_pks) > 1
            else "Segment a customer with a new order"
        )
        start("segment-customers", title, {"customers": list(customer_pks)})
    else:
        start_segmentation("Segmentation after new orders")
