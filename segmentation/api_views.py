"""The endpoints of archetypes and of the runs that found them."""

from typing import NoReturn

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView, PageParameters
from accounts.cursors import place_at
from insights.directory.filters import Filters
from insights.directory_json import MemberParameters, MembersSchema, page_json
from predictions.archetype_risk import risks_of
from segmentation.exchange import exchange_of
from segmentation.listing import archetype_of_active_run, top_archetypes
from segmentation.models import ActiveRun, Archetype, SegmentationRun
from segmentation.runs_json import LIST, MovementSchema, SegmentationRunsSchema, movement_json, runs_json
from segmentation.serializers import ArchetypeSchema, TopArchetypesSchema, TopParameters, archetype_json, top_json


def _no_such_archetype() -> NoReturn:
    raise NotFound("There is no archetype with this id in the published run.")


class TopArchetypesView(ApiView):
    """GET /api/mcp/archetypes/top"""

    parameters = TopParameters

    @extend_schema(
        operation_id="top_archetypes", tags=["archetypes"], parameters=[TopParameters], responses=TopArchetypesSchema
    )
    def get(self, request: Request) -> Response:
        """Archetypes of the published run, largest first."""
        metric = self.asked["metric"]
        listed = top_archetypes(metric, self.asked["limit"])
        risks = risks_of([archetype.archetype_id for archetype in listed.archetypes], listed.run_id)
        return Response(top_json(listed, metric, risks))


class ArchetypeView(ApiView):
    """GET /api/mcp/archetypes/{archetype_id}"""

    @extend_schema(operation_id="archetype", tags=["archetypes"], responses=ArchetypeSchema)
    def get(self, request: Request, archetype_id: str) -> Response:
        """One archetype of the published run."""
        try:
            archetype, pinned = archetype_of_active_run(archetype_id)
        except Archetype.DoesNotExist:
            _no_such_archetype()
        risk = risks_of([archetype_id], pinned.run.pk).get(archetype_id)
        return Response(archetype_json(archetype, pinned.run, risk))


class ArchetypeMembersView(ApiView):
    """GET /api/mcp/archetypes/{archetype_id}/members"""

    parameters = MemberParameters

    @extend_schema(
        operation_id="archetype_members", tags=["archetypes"], parameters=[MemberParameters], responses=MembersSchema
    )
    def get(self, request: Request, archetype_id: str) -> Response:
        """The members of an archetype of the published run, page after page."""
        try:
            archetype, _ = archetype_of_active_run(archetype_id)
        except Archetype.DoesNotExist:
            _no_such_archetype()
        page = page_json(Filters(archetype_id=archetype_id), self.asked)
        return Response({"archetype_id": archetype_id, "member_count": archetype.member_count} | page)


class ArchetypeMovementView(ApiView):
    """GET /api/mcp/archetypes/{archetype_id}/movement"""

    @extend_schema(operation_id="archetype_movement", tags=["archetypes"], responses=MovementSchema)
    def get(self, request: Request, archetype_id: str) -> Response:
        """Members who came and went, month by month. From which other archetypes they came, and to which they went."""
        try:
            _, pinned = archetype_of_active_run(archetype_id)
        except Archetype.DoesNotExist:
            _no_such_archetype()
        return Response(movement_json(archetype_id, exchange_of(archetype_id, pinned)))


class SegmentationRunsView(ApiView):
    """GET /api/mcp/segmentation/runs"""

    parameters = PageParameters

    @extend_schema(
        operation_id="segmentation_runs", tags=["archetypes"], parameters=[PageParameters], responses=SegmentationRunsSchema
    )
    def get(self, request: Request) -> Response:
        """Runs of the segmentation, newest first. When, how many, what the gates said, how long it took."""
        limit, runs = self.asked["limit"], SegmentationRun.objects.order_by("-pk")
        if "cursor" in self.asked:
            runs = runs.filter(pk__lt=place_at(self.asked["cursor"], LIST)[0])
        active = ActiveRun.objects.filter(pk=1).values_list("run_id", flat=True).first()
        return Response(runs_json(list(runs[: limit + 1]), limit, active))
