"""A small shop in which everything is there to be read, made by hand: for tests that ask every endpoint."""

from decimal import Decimal

from predictions.maths.lapse import LEVELS
from predictions.models import ArchetypeRisk, RiskTally
from tests.factories import NOW, make_customer, make_prediction, make_shop, make_ticket
from tests.growing import keep_months, score_everybody
from tests.published import Published, publish


def open_small_shop(*, subject: str = "Where is my parcel?") -> Published:
    """Sarah (`sarah`), segmented, scored and with an open ticket; Noah (`noah`), who has not ordered; thirteen months kept."""
    make_shop()
    published = publish()
    sarah = make_customer("Sarah Johnson", orders=3, customer_id="sarah")
    published.join(sarah)
    make_customer("Noah Lind", customer_id="noah")
    score_everybody(model=make_prediction(sarah).model)
    for measure in RiskTally.Measure.values:
        for level, _ in LEVELS:
            RiskTally.objects.get_or_create(measure=measure, level=level, defaults={"customers": 0, "active": 0})
    rates = {"churn_rate": 0.8, "lapse_rate": 0.4, "value_at_risk": Decimal("20.00")}
    ArchetypeRisk.objects.create(archetype=published.archetype, run=published.run, as_of=NOW, customers=1, **rates)
    keep_months()
    make_ticket(sarah, status="open", closed_at=None, subject=subject)
    return published
