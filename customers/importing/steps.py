"""The facts that `customers` imports, and the steps that store them, in their order."""

from functools import partial

from customers.importing import shapes, storing_orders, storing_people
from customers.importing.facts import Step, register
from customers.importing.storing import Storing


def _needs_names(storing: Storing) -> bool:
    return storing.nameless


def _of_customers() -> list[Step]:
    return [
        Step(
            f"customers_by_{known_by}",
            "storing customers",
            ("customers",),
            partial(storing_people.store_customers, known_by=known_by),
            None if known_by == "id" else _needs_names,
        )
        for known_by in storing_people.KNOWN_BY
    ]


def _of_buyers() -> list[Step]:
    return [
        Step(
            f"buyers_by_{known_by}",
            "finding the buyers",
            ("orders",),
            partial(storing_people.meet_people, facts="orders", known_by=known_by),
            _needs_names,
        )
        for known_by in storing_people.KNOWN_BY
    ]


register(
    (shapes.CUSTOMERS, shapes.PRODUCTS, shapes.ORDERS, shapes.LINES, shapes.REFUNDS),
    (
        *_of_customers(),
        *_of_buyers(),
        Step("products", "storing products", ("products",), storing_orders.store_products),
        Step("orders", "storing orders", ("orders", "lines"), storing_orders.store_orders),
        Step("refunds", "storing refunds", ("refunds",), storing_orders.store_refunds),
    ),
)
