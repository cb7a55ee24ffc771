"""Where every buyer stands, kept in step with figures, archetype and scores: the rows that lists walk (`models.Standing`).

Only what has moved is written, so this may be run for anybody at any time. It is run with every scoring and every publishing,
inside their transactions; for one customer who is scored or segmented; for those whose figures were counted; and for those to
whom an import has given another name.
"""

# ruff: noqa: S608  (names of tables and columns are our own; keys go as a parameter)

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from customers.columns import Column, Table, read_columns
from customers.importing.dialect import dialect
from customers.money import UNIT
from predictions.maths.lapse import LEVELS, level_places

STEPS = (0, *(digit * 10**power for power in range(10) for digit in (1, 2, 5)))
"""Lower edges, in currency, of the steps that a `Standing` knows value at risk by."""
_AT_ONCE = 50_000


def place_sql(score: str) -> str:
    """The place in `LEVELS` of the column `score`; NULL where that is."""
    edges = " ".join(f"WHEN {score} >= {edge} THEN {place}" for place, (_, edge) in enumerate(LEVELS))
    return f"CASE {edges} END"


def _step_sql(value: str) -> str:
    edges = " ".join(f"WHEN {value} < {edge * UNIT} THEN {step}" for step, edge in enumerate(STEPS[1:]))
    return f"CASE {edges} WHEN {value} IS NOT NULL THEN {len(STEPS) - 1} END"


_COLUMNS = {
    "lifetime_value": "c.lifetime_value",
    "last_order_at": "c.last_order_at",
    "order_count": "c.order_count",
    "archetype": "coalesce(m.archetype_id, 0)",
    "tier": "p.tier",
    "lapse_level": place_sql("p.lapse_risk_score"),
    "churn_level": place_sql("p.churn_risk_score"),
    "value_at_risk_step": _step_sql("p.value_at_risk"),
    "is_active": "p.is_active",
    "name_key": "c.name_key",
}
_CUSTOMERS = """
FROM customers_customer c
LEFT JOIN segmentation_membership m
  ON m.customer_id = c.id AND m.run_id = (SELECT run_id FROM segmentation_activerun WHERE id = 1)
LEFT JOIN predictions_prediction p ON p.customer_id = c.id
"""
_STANDS = "(c.order_count > 0 AND (m.id IS NOT NULL OR p.customer_id IS NOT NULL))"


def lock() -> None:
    """Wait until nobody else is writing standings, and hold it to the end of the caller's transaction; readers go on.

    Without it, who began earlier and is slower would write what was so before.
    """
    if connection.vendor == "postgresql":  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE predictions_standing IN SHARE ROW EXCLUSIVE MODE")


@dataclass(frozen=True)
class Known:
    """What standings say of scores and archetypes, by ascending keys; -1 for what they do not."""

    table: Table

    def archetypes_of(self, customers: NDArray[np.int64]) -> NDArray[np.int32]:
        """The archetypes of these customers (ascending keys), 0 for none."""
        at, is_known = self._places_of(customers)
        archetypes = np.zeros(len(customers), dtype=np.int32)
        archetypes[is_known] = self.table["archetype"][at[is_known]]
        return archetypes

    def unlike(self, columns: Mapping[str, NDArray[Any]]) -> list[int]:
        """Keys of those whom these columns of `Prediction`, which are of all who have a score, say another thing of."""
        customers = columns["customer_id"]
        at, is_known = self._places_of(customers)
        scored = {
            "tier": columns["tier"],
            "lapse_level": level_places(columns["lapse_risk_score"]),
            "churn_level": level_places(columns["churn_risk_score"]),
            "value_at_risk_step": np.searchsorted(np.array(STEPS[1:]) * UNIT, columns["value_at_risk"], side="right"),
            "is_active": columns["is_active"],
        }
        differs = ~is_known
        for name, values in scored.items():
            differs |= self.table[name][at] != values if len(self.table) else True
        no_longer = ~np.isin(self.table["customer"], customers, assume_unique=True) & (self.table["tier"] >= 0)
        return [*customers[differs].tolist(), *self.table["customer"][no_longer].tolist()]

    def _places_of(self, customers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where each of them is in the table, and whether."""
        known = self.table["customer"]
        if not len(known):
            return np.zeros(len(customers), dtype=np.int64), np.zeros(len(customers), dtype=bool)
        at = np.minimum(np.searchsorted(known, customers), len(known) - 1)
        return at, known[at] == customers


def read(customer: int | None = None) -> Known:
    """What is known of everybody, or of one; one query, some 50 ms for 94,000."""
    scores = ("tier", "lapse_level", "churn_level", "value_at_risk_step", "is_active")
    columns = {"customer": Column("customer_id", "int64"), "archetype": Column("archetype", "int32")}
    columns |= {name: Column(f"coalesce(CAST({name} AS integer), -1)", "int32") for name in scores}
    if customer is None:
        return Known(read_columns(columns, "predictions_standing ORDER BY customer_id"))
    return Known(read_columns(columns, "predictions_standing WHERE customer_id = %s", (customer,)))


def follow_names() -> None:
    """Bring those in step who have got another name; one query, some 0.1 s for 94,000 buyers, and those of `refresh`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id FROM customers_customer c JOIN predictions_standing s ON s.customer_id = c.id"
            " WHERE s.name_key <> c.name_key"
        )
        renamed = [key for (key,) in cursor.fetchall()]
    refresh(renamed)


def refresh(customers: Collection[int] | None = None) -> int:
    """Bring the standings of the customers with these keys (of everybody without them) in step; how many had moved.

    One transaction. Looking takes some 0.3 s for 94,000 buyers on PostgreSQL, writing some 50 µs for each who has moved.
    """
    if customers is not None and not customers:
        return 0
    with transaction.atomic():
        lock()
        moved = _out_of_step(customers)
        for first in range(0, len(moved), _AT_ONCE):
            _write(moved[first : first + _AT_ONCE])
    return len(moved)


def _out_of_step(customers: Collection[int] | None) -> list[int]:
    """Keys of those whose row says another thing than it should, is missing, or should not be there."""
    d = dialect()
    differs = [d.differs(f"s.{name}", value) for name, value in _COLUMNS.items()]
    differs.append(f"(p.customer_id IS NOT NULL AND {d.differs('p.archetype', _COLUMNS['archetype'])})")
    statement = (
        f"SELECT c.id {_CUSTOMERS} LEFT JOIN predictions_standing s ON s.customer_id = c.id"
        f" WHERE CASE WHEN {_STANDS} THEN {' OR '.join(differs)} ELSE s.customer_id IS NOT NULL END"
    )
    if customers is not None:
        statement += f" AND c.id IN {d.keys('%s')}"
    with connection.cursor() as cursor:
        cursor.execute(statement, [] if customers is None else [json.dumps(list(customers))])
        return [key for (key,) in cursor.fetchall()]


def _write(customers: list[int]) -> None:
    keys, parameters = dialect().keys("%s"), [json.dumps(customers)]
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM predictions_standing WHERE customer_id IN {keys}", parameters)
        cursor.execute(
            f"INSERT INTO predictions_standing (customer_id, {', '.join(_COLUMNS)})"
            f" SELECT c.id, {', '.join(_COLUMNS.values())} {_CUSTOMERS} WHERE {_STANDS} AND c.id IN {keys}",
            parameters,
        )
        cursor.execute(
            "UPDATE predictions_prediction SET archetype = s.archetype FROM predictions_standing s"
            f" WHERE s.customer_id = predictions_prediction.customer_id AND s.customer_id IN {keys}"
            f" AND predictions_prediction.archetype <> s.archetype",
            parameters,
        )
