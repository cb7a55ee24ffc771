"""What they will do: fitted versions, and one row of predictions a customer."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from customers.models import Customer
from customers.money import MoneyField

if TYPE_CHECKING:
    from predictions.maths.scoring import FittedPredictions


class PredictionModel(models.Model):
    """One fitted version, never changed once made; the one that knows most scores (see `reading.version_for`)."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    as_of = models.DateTimeField(help_text="Rows dated after this did not take part.")
    buyers = models.IntegerField()
    parameters = models.JSONField(help_text="predictions.maths.scoring.FittedPredictions as JSON, without its trees.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"predictions {self.pk}"

    def fitted(self) -> "FittedPredictions":
        """The model as the maths knows it; two queries with the trees."""
        from predictions.maths.scoring import FittedPredictions

        return FittedPredictions.stored(self.parameters, {each.days: bytes(each.trees) for each in self.ensembles.all()})


class Ensemble(models.Model):
    """The boosted trees of one horizon of a version, as `Trees.to_bytes` writes them: arrays, never a pickle."""

    model = models.ForeignKey(PredictionModel, on_delete=models.CASCADE, related_name="ensembles")
    days = models.SmallIntegerField()
    trees = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "days"], name="ensemble_once_a_horizon")]

    def __str__(self) -> str:
        return f"{self.days} days of {self.model}"


class Prediction(models.Model):
    """A buyer's risks and expected value as of one moment.

    `churn_risk_score` is the probability of no purchase within the shop's churn horizon, `lapse_risk_score` that of none
    within the customer's own. Orders and values are expectations, `low` and `high` a range that four of five end in.
    """

    class Tier(models.IntegerChoices):
        """Places in `maths.tiers.TIERS`."""

        VIP = 0, "vip"
        HIGH = 1, "high"
        STANDARD = 2, "standard"
        LOW = 3, "low"

    class Trend(models.IntegerChoices):
        """How often the customer comes lately, against himself before."""

        DECLINING = -1, "declining"
        STABLE = 0, "stable"
        INCREASING = 1, "increasing"

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="prediction")
    # No version is taken away from under its scores, and to ask after it for every row took a tenth of the nightly scoring.
    model = models.ForeignKey(PredictionModel, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    as_of = models.DateTimeField()
    churn_risk_score = models.FloatField()
    lapse_risk_score = models.FloatField()
    lapse_horizon_days = models.SmallIntegerField()
    usual_gap_days = models.FloatField()
    overdue_ratio = models.FloatField()
    next_order_in_days = models.SmallIntegerField(help_text="The early end of the range; -1 after a wait as long as none.")
    next_order_in_days_at_most = models.SmallIntegerField(help_text="Its late end; -1 likewise.")
    orders_30d = models.FloatField()
    orders_90d = models.FloatField()
    orders_180d = models.FloatField()
    orders_365d = models.FloatField()
    value_90d = MoneyField()
    value_90d_low = MoneyField()
    value_90d_high = MoneyField()
    value_180d = MoneyField()
    value_180d_low = MoneyField()
    value_180d_high = MoneyField()
    value_365d = MoneyField()
    value_365d_low = MoneyField()
    value_365d_high = MoneyField()
    value_at_risk = MoneyField(help_text="Lapse score times the expected value of the next 180 days.")
    tier = models.SmallIntegerField(choices=Tier)
    trend = models.SmallIntegerField(choices=Trend, default=Trend.STABLE)
    is_active = models.BooleanField(help_text="No longer without an order than the own horizon.")
    lapsing_30d = models.FloatField(help_text="The probability of becoming lapsed within 30 days; 0 for who is lapsed already.")
    lapsing_90d = models.FloatField(help_text="Likewise within 90 days.")
    archetype = models.IntegerField(default=0, help_text="As in the customer's `Standing`.")

    class Meta:
        # With the customer, because thousands share a score and a list in its order would sort them all for one page. With all
        # that a list is filtered by, because what an index can refuse is passed over in it: see `Standing`.
        indexes = [
            models.Index(
                fields=["-churn_risk_score", "customer", "value_at_risk", "lapse_risk_score", "archetype", "tier", "is_active"],
                name="prediction_by_churn",
            ),
            models.Index(
                fields=["-lapse_risk_score", "customer", "value_at_risk", "churn_risk_score", "archetype", "tier", "is_active"],
                name="prediction_by_lapse",
            ),
            models.Index(
                fields=["-value_at_risk", "customer", "lapse_risk_score", "churn_risk_score", "archetype", "tier", "is_active"],
                name="prediction_by_value_at_risk",
            ),
        ]

    def __str__(self) -> str:
        return f"prediction for {self.customer_id}"


class Standing(models.Model):
    """Where a buyer with an archetype or a score stands: what lists are filtered by, beside what they are sorted by.

    A copy of what the customer, the membership in the published run and the prediction say (`predictions.standings`). Each
    index is an order with all that can be filtered by behind it (`insights.walking`). Scores are here by levels and steps only:
    those change for one in forty a night, and index entries for everybody would take longer than all else in a scoring. The
    prediction's own indexes, which are written anew anyway, have the scores.
    """

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="standing")
    lifetime_value = MoneyField()
    last_order_at = models.DateTimeField(null=True)
    order_count = models.IntegerField()
    archetype = models.IntegerField(help_text="Key of the archetype in the published run; 0 for none.")
    tier = models.SmallIntegerField(null=True)
    lapse_level = models.SmallIntegerField(null=True, help_text="Place in `maths.lapse.LEVELS`.")
    churn_level = models.SmallIntegerField(null=True, help_text="Likewise.")
    value_at_risk_step = models.SmallIntegerField(null=True, help_text="Place in `standings.STEPS`.")
    is_active = models.BooleanField(null=True)
    name_key = models.CharField(max_length=242)

    class Meta:
        indexes = [
            models.Index(
                fields=[
                    order, "customer", "archetype", "tier", "lapse_level", "churn_level", "value_at_risk_step", "is_active"
                ],
                name=f"standing_by_{name}",
            )
            for name, order in (
                ("value", "-lifetime_value"), ("orders", "-order_count"), ("last_order", "-last_order_at"), ("name", "name_key")
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"standing of {self.customer_id}"


class ScoringRun(models.Model):
    """Everybody scored once, or the reason why nobody could be; the newest is the state of the predictions."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    as_of = models.DateTimeField()
    model = models.ForeignKey(PredictionModel, null=True, on_delete=models.CASCADE, related_name="runs")
    customers = models.IntegerField(default=0)
    buyers = models.IntegerField(help_text="Customers with a valid order, against the gate of 200.")
    history_days = models.IntegerField(help_text="Days since the first valid order, against the gate of 180.")
    churn_days = models.SmallIntegerField(default=30)
    missing = models.CharField(max_length=200, blank=True, help_text="What is missing for predictions; empty if nothing is.")
    drift = models.JSONField(default=dict, help_text="{input: population stability index} against the day of the fit.")
    seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"scores as of {self.as_of:%Y-%m-%d}"


class RiskTally(models.Model):
    """How many customers stand at a level of one measure, and with how much; kept exact with every score that changes."""

    class Measure(models.TextChoices):
        CHURN = "churn", "No order in the churn horizon"
        LAPSE = "lapse", "Lapse risk"

    measure = models.CharField(max_length=5, choices=Measure)
    level = models.CharField(max_length=8)
    customers = models.IntegerField(default=0)
    active = models.IntegerField(default=0)
    value_at_risk = MoneyField(default=0)
    value_365d = MoneyField(default=0)
    lapsing_30d = models.FloatField(default=0)
    lapsing_90d = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["measure", "level"], name="tally_once_a_level")]
        verbose_name_plural = "risk tallies"

    def __str__(self) -> str:
        return f"{self.customers} at {self.level} {self.measure} risk"


class ArchetypeRisk(models.Model):
    """The mean risk of an archetype's members, in one run of the segmentation, at the last scoring of everybody."""

    archetype = models.OneToOneField("segmentation.Archetype", on_delete=models.CASCADE, related_name="risk")
    run = models.ForeignKey("segmentation.SegmentationRun", on_delete=models.CASCADE, related_name="+")
    as_of = models.DateTimeField()
    customers = models.IntegerField()
    churn_rate = models.FloatField(help_text="Mean probability of no order within the churn horizon.")
    lapse_rate = models.FloatField(help_text="Mean probability of no order within the own horizon.")
    value_at_risk = MoneyField()

    def __str__(self) -> str:
        return f"risk of {self.archetype}"


class ScoreSnapshot(models.Model):
    """What everybody's scores were on one day of a month, and what then happened."""

    month = models.DateField(unique=True, help_text="The first of the month.")
    as_of = models.DateTimeField()
    model = models.ForeignKey(PredictionModel, null=True, on_delete=models.SET_NULL, related_name="+")
    churn_days = models.SmallIntegerField(default=30)
    customers = models.IntegerField()
    scores = models.BinaryField(help_text="predictions.maths.remembering.Remembered as bytes.")
    outcomes = models.JSONField(
        default=dict, help_text="{churn, lapse-30, lapse-90, lapse-180: maths.judging.Outcome as JSON}."
    )

    class Meta:
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"scores of {self.month:%B %Y}"


class CustomerMonth(models.Model):
    """How the shop's active customers came and went in one whole month; predictions.maths.growth.Month."""

    month = models.DateField(unique=True, help_text="The first of the month.")
    active_before = models.IntegerField()
    newcomers = models.IntegerField()
    returns = models.IntegerField()
    lapses = models.IntegerField()
    lapsed_before = models.IntegerField()

    class Meta:
        ordering = ["month"]

    def __str__(self) -> str:
        return f"{self.month:%B %Y}"
