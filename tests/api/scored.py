"""A shop where everybody was scored, in which a test says only what matters to it."""

from typing import Any

from customers.models import Customer
from predictions import standings
from predictions.models import Prediction, PredictionModel, ScoringRun
from tests.factories import NOW, make_customer, make_prediction


def score_the_shop(**fields: Any) -> ScoringRun:
    """The scoring of everybody as of `NOW`."""
    model = PredictionModel.objects.first() or PredictionModel.objects.create(as_of=NOW, buyers=300, parameters={})
    return ScoringRun.objects.create(
        **{"as_of": NOW, "model": model, "customers": 300, "buyers": 300, "history_days": 400, **fields}
    )


def make_scored(customer_id: str, name: str = "Sarah Johnson", *, worth: str = "", **fields: Any) -> Customer:
    """A customer with one order and a prediction; `worth` is a lifetime value in place of the order's."""
    customer = make_customer(name, orders=1, customer_id=customer_id)
    if worth:
        Customer.objects.filter(pk=customer.pk).update(lifetime_value=worth)
    make_prediction(customer, **fields)
    return customer


def make_many(count: int, **fields: Any) -> list[Customer]:
    """`count` buyers with the same score each, made in bulk, named m0000 and so on."""
    first = Customer.objects.count()
    customers = Customer.objects.bulk_create(
        Customer(
            customer_id=f"m{first + n:05d}",
            first_name="Many",
            last_name=f"Person{n}",
            order_count=1,
            lifetime_value="50.00",
            first_order_at=NOW,
            last_order_at=NOW,
        )
        for n in range(count)
    )
    model = PredictionModel.objects.first() or PredictionModel.objects.create(as_of=NOW, buyers=300, parameters={})
    values = {f"value_{days}d{end}": "50.00" for days in (90, 180, 365) for end in ("", "_low", "_high")}
    common: dict[str, Any] = {
        "model": model,
        "as_of": NOW,
        "churn_risk_score": 0.8,
        "lapse_risk_score": 0.4,
        "lapse_horizon_days": 90,
        "usual_gap_days": 30.0,
        "overdue_ratio": 0.3,
        "next_order_in_days": 5,
        "next_order_in_days_at_most": 40,
        **{f"orders_{days}d": 1.0 for days in (30, 90, 180, 365)},
        **values,
        "value_at_risk": "20.00",
        "tier": Prediction.Tier.STANDARD,
        "is_active": True,
        "lapsing_30d": 0.1,
        "lapsing_90d": 0.2,
        **fields,
    }
    Prediction.objects.bulk_create(Prediction(customer=customer, **common) for customer in customers)
    standings.refresh([customer.pk for customer in customers])
    return customers
