"""The record: the scores that were really given, kept once a month, against what then happened."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add

from predictions.judged import Judged
from predictions.maths import lapse, remembering
from predictions.maths.judging import Outcome
from predictions.models import ScoreSnapshot


@dataclass(frozen=True)
class Month:
    """The scores of one month against what happened.

    `lapse` is over the customers whose horizons have passed; `lapse_waits` still wait, and on `lapse_next_on` more is known
    (None if all is).
    """

    month: date
    as_of: datetime
    customers: int
    churn_days: int
    churn: Judged | None
    lapse: Judged | None
    lapse_waits: int
    lapse_next_on: datetime | None

    @property
    def churn_words(self) -> str:
        """The literal measure by its full name."""
        return f"No order in {self.churn_days} days"

    @property
    def churn_known_on(self) -> datetime:
        """When it will be known who did not order."""
        return self.as_of + timedelta(days=self.churn_days)


def month_of(snapshot: ScoreSnapshot) -> Month:
    """A month as it was kept and told."""
    known = {name: Outcome.from_json(stored) for name, stored in snapshot.outcomes.items()}
    of_lapse = [outcome for name, outcome in known.items() if name != remembering.CHURN]
    together = reduce(add, of_lapse) if of_lapse else None
    waits = [days for days in lapse.HORIZONS if remembering.lapse_of(days) not in known]
    return Month(
        month=snapshot.month,
        as_of=snapshot.as_of,
        customers=snapshot.customers,
        churn_days=snapshot.churn_days,
        churn=Judged.of(known[remembering.CHURN]) if remembering.CHURN in known else None,
        lapse=Judged.of(together) if together is not None and together.customers else None,
        lapse_waits=snapshot.customers - (together.customers if together else 0) if waits else 0,
        lapse_next_on=snapshot.as_of + timedelta(days=min(waits)) if waits else None,
    )
