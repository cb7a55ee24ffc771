"""Everything that a profile is made of, read in one statement.

The profile is the page and the endpoint that is read most, and four queries spent nine tenths of their time on putting the
same SQL together again. One statement also sees one moment: customer, active run, memberships and archetype cannot come from
two runs, whatever is published meanwhile.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from customers.models import Customer
from customers.money import MoneyField, from_units
from predictions.models import Prediction
from segmentation.models import Membership
from segmentation.reading import fitted_model
from support.models import ENDED_STATUSES

if TYPE_CHECKING:
    from segmentation.maths.model import FittedModel

_PREDICTION = [(field.attname, field.column, isinstance(field, MoneyField)) for field in Prediction._meta.concrete_fields]
_ENDED = ", ".join(f"'{status}'" for status in ENDED_STATUSES)
# What there is one of comes by subqueries: joined, each doubles the ways that PostgreSQL weighs before it begins.
_RUN = "(SELECT p.run_id FROM segmentation_activerun p WHERE p.id = 1)"
_STATEMENT = f"""
SELECT c.*,
  {_RUN} AS run_pk,
  (SELECT r.segmented FROM segmentation_segmentationrun r WHERE r.id = {_RUN}) AS run_segmented,
  (SELECT r.model_id FROM segmentation_segmentationrun r WHERE r.id = {_RUN}) AS model_pk,
  (SELECT m.created_at FROM segmentation_segmentmodel m JOIN segmentation_segmentationrun r ON r.model_id = m.id
    WHERE r.id = {_RUN}) AS model_created_at,
  b.shares AS own_shares, b.evidence AS own_evidence, b.agrees_on AS own_agrees_on, b.scored_at AS own_scored_at,
  a.archetype_id AS archetype_id, a.name AS archetype_name, a.description AS archetype_description,
  a.author AS archetype_author,
  s.member_count AS archetype_members, s.avg_ltv AS archetype_avg_ltv, s.total_orders AS archetype_orders,
  s.dominant_segments AS archetype_segments, s.strength AS archetype_strength,
  (SELECT v.created_at FROM predictions_predictionmodel v WHERE v.id = q.model_id) AS version_created_at,
  (SELECT z.missing FROM predictions_scoringrun z ORDER BY z.id DESC LIMIT 1) AS scoring_missing,
  (SELECT z.churn_days FROM predictions_scoringrun z ORDER BY z.id DESC LIMIT 1) AS scoring_churn_days,
  (SELECT h.time_zone FROM accounts_shop h WHERE h.id = 1) AS shop_time_zone,
  (SELECT h.currency FROM accounts_shop h WHERE h.id = 1) AS shop_currency,
  {", ".join(f"q.{column} AS prediction_{name}" for name, column, _ in _PREDICTION)},
  CASE WHEN q.customer_id IS NULL THEN NULL ELSE (
    SELECT t.ticket_id FROM support_ticket t
    WHERE t.customer_id = c.id AND t.closed_at IS NULL AND t.status NOT IN ({_ENDED})
    ORDER BY t.created_at, t.id LIMIT 1
  ) END AS open_ticket
FROM customers_customer c
LEFT JOIN segmentation_membership b ON b.run_id = {_RUN} AND b.customer_id = c.id
LEFT JOIN segmentation_archetype a ON a.id = b.archetype_id
LEFT JOIN segmentation_archetypesnapshot s ON s.run_id = b.run_id AND s.archetype_id = b.archetype_id
LEFT JOIN predictions_prediction q ON q.customer_id = c.id
WHERE c.customer_id = %s
"""  # noqa: S608  (names and words of our own; the id goes as a parameter)


@dataclass(frozen=True, slots=True)
class RunRow:
    """The active run, with the model that scored it."""

    pk: int
    segmented: int
    model: "FittedModel"


@dataclass(frozen=True, slots=True)
class ArchetypeRow:
    """The customer's archetype as the active run has it."""

    archetype_id: str
    name: str
    description: str
    author: str
    member_count: int
    avg_ltv: Decimal
    total_orders: int
    dominant_segments: dict[str, str]
    strength: dict[str, float]


@dataclass(frozen=True, slots=True)
class ScoringRow:
    """The newest scoring of everybody: how many days its churn looks ahead, and what was missing for one."""

    churn_days: int
    missing: str


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A customer with whatever of the rest there is.

    `membership` and `prediction` hold only what a profile shows and are not to be saved; `version_made_at` is when the version
    behind the prediction was fitted, `open_ticket` the id of the open ticket that has waited longest, looked for only beside a
    prediction.
    """

    customer: Customer
    run: RunRow | None
    membership: Membership | None
    archetype: ArchetypeRow | None
    scoring: ScoringRow | None
    prediction: Prediction | None
    version_made_at: datetime | None
    open_ticket: str
    zone: ZoneInfo
    currency: str


def read_profile_row(customer_id: str) -> ProfileRow:
    """One query; one more when this process meets a model for the first time.

    Raises `Customer.DoesNotExist` if the shop has no such customer, also for text that no id can be.
    """
    if "\0" in customer_id:  # PostgreSQL refuses to look for it
        raise Customer.DoesNotExist
    found: Any = next(iter(Customer.objects.raw(_STATEMENT, [customer_id])), None)
    if found is None:
        raise Customer.DoesNotExist
    run = None
    if found.run_pk is not None:
        run = RunRow(found.run_pk, found.run_segmented, fitted_model(found.model_pk, _moment(found.model_created_at)))
    membership = None
    if found.own_shares is not None:
        membership = Membership(
            run_id=found.run_pk,
            customer_id=found.pk,
            shares=found.own_shares,
            evidence=found.own_evidence,
            agrees_on=found.own_agrees_on,
            scored_at=_moment(found.own_scored_at),
        )
    return ProfileRow(
        customer=found,
        run=run,
        membership=membership,
        archetype=_archetype(found) if found.archetype_members is not None else None,
        scoring=ScoringRow(found.scoring_churn_days, found.scoring_missing) if found.scoring_churn_days is not None else None,
        prediction=_prediction(found) if found.prediction_customer_id is not None else None,
        version_made_at=_moment(found.version_created_at) if found.version_created_at is not None else None,
        open_ticket=found.open_ticket or "",
        zone=ZoneInfo(found.shop_time_zone or "UTC"),
        currency=found.shop_currency or "USD",
    )


def _prediction(found: Any) -> Prediction:
    values = found.__dict__
    kept = {name: values[f"prediction_{name}"] for name, _, _ in _PREDICTION}
    kept |= {name: from_units(kept[name]) for name, _, is_money in _PREDICTION if is_money}
    kept |= {"as_of": _moment(kept["as_of"]), "is_active": bool(kept["is_active"])}
    return Prediction(**kept)


def _archetype(found: Any) -> ArchetypeRow:
    return ArchetypeRow(
        archetype_id=found.archetype_id,
        name=found.archetype_name,
        description=found.archetype_description,
        author=found.archetype_author,
        member_count=found.archetype_members,
        avg_ltv=from_units(found.archetype_avg_ltv),
        total_orders=found.archetype_orders,
        dominant_segments=json.loads(found.archetype_segments),
        strength=json.loads(found.archetype_strength),
    )


def _moment(stored: datetime | str) -> datetime:
    """An instant; SQLite gives the columns that belong to no model as its own text, or without a zone, in UTC."""
    moment = stored if isinstance(stored, datetime) else datetime.fromisoformat(stored)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
