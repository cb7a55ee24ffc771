"""An order was recorded: its customer is scored at once. A first segmentation was published: predictions follow it.

What the tallies and the standings copy from elsewhere goes with it.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from customers.models import Customer
from customers.querysets import CustomerQuerySet
from customers.signals import being_erased, figures_counted, file_stored, orders_recorded
from jobs.running import start
from predictions import archetype_risk, standings, tallies
from predictions.models import Prediction, ScoringRun, Standing
from predictions.tasks import SCORED_ONE_BY_ONE, start_prediction
from segmentation.signals import archetype_changed, pointer_moved, run_published


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


@receiver(being_erased)
def take_them_out(sender: Any, customers: CustomerQuerySet, **kwargs: Any) -> None:
    """Let the tallies of risk levels fall in the transaction that erases."""
    tallies.take_out(customers)


@receiver(pointer_moved)
def let_everybody_follow(sender: Any, **kwargs: Any) -> None:
    """Bring the archetypes of all standings in step, in the transaction that publishes."""
    standings.refresh()


@receiver(archetype_changed)
def let_one_follow(sender: Any, customer_pk: int, **kwargs: Any) -> None:
    """Bring one standing in step."""
    standings.refresh([customer_pk])


@receiver(figures_counted)
def let_them_follow(sender: Any, customer_pks: Collection[int], **kwargs: Any) -> None:
    """Bring the standings in step whose figures were counted; nothing to do as long as nobody has one."""
    if Standing.objects.exists():
        standings.refresh(customer_pks)


@receiver(file_stored)
def let_new_names_follow(sender: Any, **kwargs: Any) -> None:
    """Bring the standings in step to whom an import has given another name."""
    standings.follow_names()


@receiver(post_save, sender=Customer)
def let_a_new_name_follow(sender: Any, instance: Customer, created: bool, **kwargs: Any) -> None:
    """Bring the standing in step whose customer was corrected by hand."""
    if not created:
        standings.refresh([instance.pk])
