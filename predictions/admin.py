"""What they will do, in the Django admin; all of it is computed."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.admin_rules import ReadOnlyAdmin
from predictions.models import (
    ArchetypeRisk,
    CustomerMonth,
    Ensemble,
    Prediction,
    PredictionModel,
    RiskTally,
    ScoreSnapshot,
    ScoringRun,
    Standing,
)


@admin.register(PredictionModel)
class PredictionModelAdmin(ReadOnlyAdmin):
    """Fitted versions, newest first."""

    list_display = ("__str__", "created_at", "as_of", "buyers")
    list_filter = ("created_at",)
    search_fields = ("pk__exact",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[PredictionModel]:
        """Without the parameters, which the page of one version reads when it shows them."""
        return super().get_queryset(request).defer("parameters")


@admin.register(Ensemble)
class EnsembleAdmin(ReadOnlyAdmin):
    """Which horizons of a version have trees."""

    list_display = ("model", "days")
    list_select_related = ("model",)
    fields = ("model", "days")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Ensemble]:
        """Without the bytes."""
        return super().get_queryset(request).defer("trees", "model__parameters")


@admin.register(Prediction)
class PredictionAdmin(ReadOnlyAdmin):
    """One row a buyer."""

    list_display = ("customer", "as_of", "churn_risk_score", "lapse_risk_score", "lapse_horizon_days", "value_at_risk", "tier")
    list_select_related = ("customer",)
    list_filter = ("tier",)
    search_fields = ("customer__customer_id__exact",)
    search_help_text = "A whole customer id"


@admin.register(Standing)
class StandingAdmin(ReadOnlyAdmin):
    """What lists filter and sort each buyer by."""

    list_display = ("customer", "archetype", "tier", "lapse_level", "churn_level", "lifetime_value", "last_order_at")
    list_select_related = ("customer",)
    search_fields = ("customer__customer_id__exact",)
    search_help_text = "A whole customer id"


@admin.register(ScoringRun)
class ScoringRunAdmin(ReadOnlyAdmin):
    """Each time that everybody was scored, newest first."""

    list_display = ("__str__", "created_at", "model", "customers", "buyers", "history_days", "missing", "seconds")
    list_select_related = ("model",)
    list_filter = ("created_at",)
    search_fields = ("missing",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ScoringRun]:
        """Without the parameters of the versions."""
        return super().get_queryset(request).defer("model__parameters")


@admin.register(RiskTally)
class RiskTallyAdmin(ReadOnlyAdmin):
    """How many customers stand at each level."""

    list_display = ("measure", "level", "customers", "active", "value_at_risk", "value_365d")
    list_filter = ("measure",)
    search_fields = ("level__exact",)


@admin.register(ArchetypeRisk)
class ArchetypeRiskAdmin(ReadOnlyAdmin):
    """The mean risk of each archetype of the published run."""

    list_display = ("archetype", "as_of", "customers", "churn_rate", "lapse_rate", "value_at_risk")
    list_select_related = ("archetype",)
    search_fields = ("archetype__name",)


@admin.register(ScoreSnapshot)
class ScoreSnapshotAdmin(ReadOnlyAdmin):
    """The scores kept of each month, and what then happened."""

    list_display = ("month", "as_of", "customers", "churn_days")
    fields = ("month", "as_of", "model", "churn_days", "customers", "outcomes")
    search_fields = ("month",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ScoreSnapshot]:
        """Without the bytes."""
        return super().get_queryset(request).defer("scores", "model__parameters")


@admin.register(CustomerMonth)
class CustomerMonthAdmin(ReadOnlyAdmin):
    """How active customers came and went, by month."""

    list_display = ("month", "active_before", "newcomers", "returns", "lapses", "lapsed_before")
    search_fields = ("month",)
