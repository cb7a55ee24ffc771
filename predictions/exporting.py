"""Everybody's predictions as a file that other programs read."""

import csv
import os
from datetime import datetime
from pathlib import Path

import numpy as np

from accounts.models import Shop
from customers.models import Customer
from predictions import runs
from predictions.histories import lifetime_values, occasions
from predictions.maths import gate, tiers
from predictions.reading import version_for
from predictions.record import last_whole_day
from segmentation.models import ActiveRun, Membership

COLUMNS = (
    "customer_id",
    "archetype_id",
    "churn_risk_score",
    "lapse_risk_score",
    "lapse_horizon_days",
    "predicted_orders_30",
    "predicted_orders_90",
    "predicted_orders_180",
    "predicted_value_90",
    "predicted_value_180",
    "predicted_value_365",
    "lifetime_value",
    "tier",
)


def export_scores(path: Path, as_of: datetime) -> int:
    """Score every buyer as of `as_of` and write a CSV file, one row each; returns how many.

    The newest version that knows nothing after `as_of` scores, one fitted for the purpose if there is none; what is stored
    for the pages stays as it is. The archetype is that of the published segmentation, empty where there is none. The file
    appears whole or not at all.

    Raises
    ------
    predictions.maths.gate.TooLittleData
        Below the data gate.
    OSError
        If the file cannot be written.
    """
    everybody = occasions(as_of)
    gate.check(everybody, last_whole_day(as_of))
    churn_days = Shop.current().churn_days
    known = version_for(as_of, churn_days)
    model = known[1] if known else runs.fit(as_of).fitted()
    worth = lifetime_values(everybody, as_of)
    scores = runs.score(model, everybody, worth, as_of)
    tier = tiers.tier_of(worth, model.tier_edges)
    names = dict(Customer.objects.filter(order_count__gt=0).values_list("pk", "customer_id"))
    missing = [pk for pk in scores.customer_ids.tolist() if pk not in names]
    names |= dict(Customer.objects.filter(pk__in=missing).values_list("pk", "customer_id")) if missing else {}
    archetypes = _archetypes()
    forecast = scores.forecast
    numbers = np.column_stack(
        [
            scores.none_within[churn_days],
            scores.lapse_score,
            *(forecast.orders[days] for days in (30, 90, 180)),
            *(forecast.value[days] for days in (90, 180, 365)),
            worth,
        ]
    ).tolist()
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for at, pk in enumerate(scores.customer_ids.tolist()):
                churn, lapsing, *orders_and_values = numbers[at]
                orders, values = orders_and_values[:3], orders_and_values[3:]
                writer.writerow(
                    [
                        names[pk],
                        archetypes.get(pk, ""),
                        f"{churn:.6f}",
                        f"{lapsing:.6f}",
                        int(scores.lapse_horizon_days[at]),
                        *(f"{each:.4f}" for each in orders),
                        *(f"{each:.2f}" for each in values),
                        tiers.TIERS[tier[at]],
                    ]
                )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return len(scores)


def _archetypes() -> dict[int, str]:
    run = ActiveRun.current()
    if run is None:
        return {}
    return dict(Membership.objects.filter(run=run).values_list("customer_id", "archetype__archetype_id"))
