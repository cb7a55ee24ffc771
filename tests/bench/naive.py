"""The way of the product reference: a loop over customers, one query each, and a full silhouette for every k on every axis.

Measured on a sample and extrapolated: the loop grows with the customers, the silhouette with their square.
"""

import time
from itertools import pairwise

LOOPED = 300
SILHOUETTE_ON = 5_000
AXES, TRIED_K = 13, 5


def hours(customers: int) -> dict[str, float]:
    """Hours that `customers` would take, by part; Django must be set up."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    from customers.models import Customer

    begun = time.perf_counter()
    for customer in Customer.objects.buyers()[:LOOPED]:
        orders = list(customer.orders.valid().prefetch_related("line_items__product"))
        days = sorted(order.placed_at for order in orders)
        gaps = [(b - a).days for a, b in pairwise(days)]
        _ = (sum(gaps) / len(gaps) if gaps else 0.0, sum(order.total for order in orders))
        _ = {line.product.category for order in orders for line in order.line_items.all()}
        _ = [(ticket.channel, ticket.messages.count()) for ticket in customer.tickets.all()]
    looping = (time.perf_counter() - begun) / LOOPED * customers
    points = np.random.default_rng(0).normal(size=(SILHOUETTE_ON, 4))
    begun = time.perf_counter()
    silhouette_score(points, KMeans(4, n_init=1, random_state=0).fit_predict(points))
    silhouettes = (time.perf_counter() - begun) * (customers / SILHOUETTE_ON) ** 2 * AXES * TRIED_K
    return {"loop": looping / 3600, "silhouettes": silhouettes / 3600}
