"""Who they are: model versions, runs, archetypes and one membership row a customer.

A *model* is fitted by discovery and then frozen; a *run* scores everybody with a model; `ActiveRun` points at the run that
pages and endpoints read. A reader takes the pointer once and stays with that run for the whole request.
"""

from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import models
from django.utils import timezone
from numpy.typing import NDArray

from customers.models import Customer
from customers.money import MoneyField
from segmentation.querysets import ArchetypeSnapshotQuerySet

if TYPE_CHECKING:
    from segmentation.maths.model import FittedModel


class SegmentModel(models.Model):
    """One version of the segmentation: scalers, centres, priors, names and defining axes, never changed once made."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    as_of = models.DateTimeField(help_text="Rows dated after this did not take part.")
    buyers = models.IntegerField(help_text="Customers with a valid order that it was fitted on.")
    parameters = models.JSONField(help_text="segmentation.maths.model.FittedModel as JSON.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"model {self.pk}"

    def fitted(self) -> "FittedModel":
        """The model as the maths knows it."""
        from segmentation.maths.model import FittedModel

        return FittedModel.from_json(self.parameters)


class SegmentationRun(models.Model):
    """Everybody scored once with one model."""

    class State(models.TextChoices):
        BUILDING = "building", "Being built"
        PUBLISHED = "published", "Published"
        REJECTED = "rejected", "Held back by a gate"
        FAILED = "failed", "Failed"

    model = models.ForeignKey(SegmentModel, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=12, choices=State, default=State.BUILDING)
    as_of = models.DateTimeField()
    started_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(null=True, blank=True)
    profiles = models.IntegerField(default=0)
    segmented = models.IntegerField(default=0)
    summary = models.JSONField(default=dict, help_text="k and silhouette by axis, coverage, gates, seconds by step.")
    error = models.TextField(blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="published_runs"
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"run {self.pk}"


class ActiveRun(models.Model):
    """The pointer: one row. Publishing and rolling back change it in one transaction."""

    run = models.ForeignKey(SegmentationRun, on_delete=models.PROTECT, related_name="+")
    previous = models.ForeignKey(SegmentationRun, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_active_run")]

    def __str__(self) -> str:
        return f"active: {self.run}"

    @classmethod
    def current(cls) -> SegmentationRun | None:
        """The published run with its model, or None before the first; one query per call."""
        pointer = cls.objects.select_related("run__model").filter(pk=1).first()
        return pointer.run if pointer else None


class Archetype(models.Model):
    """A combination of segments on the defining axes. The id is a hash of axes and segment names, so it outlives runs."""

    class Author(models.TextChoices):
        RULES = "rules", "Named by rule"
        CLAUDE = "claude", "Named by AI"
        PERSON = "person", "Named by a person"

    archetype_id = models.CharField(max_length=16, unique=True)
    signature = models.JSONField(help_text="{axis: segment} on the defining axes.")
    name = models.CharField(max_length=60, db_index=True)
    description = models.CharField(max_length=300, blank=True)
    author = models.CharField(max_length=8, choices=Author, default=Author.RULES)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class ArchetypeSnapshot(models.Model):
    """An archetype in one run: how many, what they are worth, how they behave."""

    run = models.ForeignKey(SegmentationRun, on_delete=models.CASCADE, related_name="archetypes", db_index=False)
    archetype = models.ForeignKey(Archetype, on_delete=models.PROTECT, related_name="snapshots")
    member_count = models.IntegerField()
    exact_count = models.IntegerField(help_text="Members who agree on every defining axis.")
    total_ltv = MoneyField()
    avg_ltv = MoneyField()
    total_orders = models.IntegerField()
    dominant_segments = models.JSONField(help_text="{axis: segment} on all axes; off the defining axes the members' mode.")
    agreement = models.JSONField(help_text="{axis: share of members whose own dominant segment that is}.")
    strength = models.JSONField(help_text="{axis: mean membership of the members in that segment}.")

    objects = ArchetypeSnapshotQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "archetype"], name="archetype_once_a_run")]
        indexes = [
            models.Index(fields=["run", "-total_ltv"], name="archetype_by_total"),
            models.Index(fields=["run", "-avg_ltv"], name="archetype_by_average"),
            models.Index(fields=["run", "-member_count"], name="archetype_by_members"),
        ]

    def __str__(self) -> str:
        return f"{self.archetype} in {self.run}"


class Membership(models.Model):
    """A customer's memberships in one run.

    `segments` holds one digit an axis: the position of the dominant segment in the model's list, in the order of `axes.AXES`.
    `shares` holds every membership as float32, axis after axis: 4 bytes each instead of 25 as JSON, and exact to 1e-7.
    """

    run = models.ForeignKey(SegmentationRun, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="memberships")
    archetype = models.ForeignKey(Archetype, null=True, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    segments = models.CharField(max_length=16)
    shares = models.BinaryField()
    evidence = models.BinaryField(help_text="uint16 an axis: the observations (orders, lines or tickets) behind it.")
    agrees_on = models.SmallIntegerField(help_text="On how many defining axes the customer agrees with the archetype.")
    order_count = models.IntegerField(help_text="Valid orders at the time of scoring; archetypes add these up.")
    lifetime_value = MoneyField(help_text="At the time of scoring.")
    scored_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "customer"], name="membership_once_a_run")]
        indexes = [models.Index(fields=["run", "archetype"], name="members_of_archetype")]

    def __str__(self) -> str:
        return f"{self.customer} in {self.run}"

    def share_array(self) -> NDArray[np.float32]:
        """Memberships, axis after axis (`FittedModel.columns` says which is which)."""
        return np.frombuffer(bytes(self.shares), dtype="<f4")

    def evidence_array(self) -> NDArray[np.uint16]:
        """Observations behind each axis."""
        return np.frombuffer(bytes(self.evidence), dtype="<u2")


class ArchetypeMonth(models.Model):
    """Who was in which archetype in the first published run of a month, and how that came from the month before."""

    month = models.DateField(unique=True, help_text="The first of the month.")
    run = models.ForeignKey(SegmentationRun, null=True, on_delete=models.SET_NULL, related_name="+")
    as_of = models.DateTimeField()
    members = models.BinaryField(help_text="segmentation.maths.movement.Members as bytes.")
    moves = models.JSONField(
        default=list, help_text='[[from, to, customers], …] by archetype id; from is "" for who was not segmented before.'
    )

    class Meta:
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"archetypes of {self.month:%B %Y}"
