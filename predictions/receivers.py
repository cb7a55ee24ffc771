"""An order was recorded: its customer is scored at once. A first segmentation was published: predictions follow it."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from customers.signals import orders_recorded
from jobs.running import start
from predictions import archetype_risk
from predictions.models import Prediction, ScoringRun
from predictions.tasks import SCORED_ONE_BY_ONE, start_prediction
from segmentation.signals import run_published


@receiver(orders_recorded)
def predict_them(sender: Any, customer_pks: Sequence[int], **kwargs: Any) -> None:
    """Start the scoring of customers with new orders; nothing to do before anybody was scored."""
    if not customer_pks or not Prediction.objects.exists():
        return
    if len(customer_pks) <= SCORED_ONE_BY_ONE:
        who = "a customer with a new order" if len(customer_pks) == 1 else f"{len(customer_pks):,} customers with new orders"
        start("predict-customers", f"Predict {who}", {"customers": list(customer_pks)})
    else:
        start_prediction("Predictions after new orders")


@receiver(run_published)
def predict_everybody(sender: Any, **kwargs: Any) -> None:
    """Start a shop's first predictions as soon as it is segmented, and try again where there was too little data.

    Where everybody is scored already, the archetypes of the new run get their risks at once.
    """
    newest = ScoringRun.objects.first()
    if newest is None or newest.missing:
        start_prediction("First predictions")
    else:
        archetype_risk.count_archetypes()
