"""The endpoints of all customers together: the list and its export, churn and growth."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView
from accounts.limits import count_customers, refuse_more_than_a_day
from accounts.models import ApiKey
from accounts.permissions import scopes_of
from customers.clock import clock
from insights.churn_json import ChurnAggregateSchema, churn_aggregate_json
from insights.churn_summary import churn_summary
from insights.directory.everybody import everybody, everybodys_ids
from insights.directory.filters import Filters
from insights.directory.reading import Reading, UnknownFilter, read_from
from insights.directory_json import (
    DirectoryParameters,
    DirectorySchema,
    ExportParameters,
    filters_of,
    page_json,
    row_json,
)
from insights.exporting import COLUMNS, CONTACT_COLUMNS, FORMATS
from insights.growth import archetype_growth, growth_projection
from insights.serializers import (
    ArchetypeGrowthParameters,
    ArchetypeGrowthSchema,
    GrowthParameters,
    GrowthSchema,
    archetype_growth_json,
    growth_json,
)

AS_OF = frozenset({"as_of"})


class ChurnAggregateView(ApiView):
    """GET /api/mcp/churn/aggregate"""

    @extend_schema(operation_id="churn_aggregate", tags=["analytics"], responses=ChurnAggregateSchema)
    def get(self, request: Request) -> Response:
        """Churn and lapse risk over all customers with an order, by level."""
        return Response(churn_aggregate_json(churn_summary()))


class GrowthProjectionView(ApiView):
    """GET /api/mcp/growth/projection"""

    parameters = GrowthParameters

    @extend_schema(operation_id="growth_projection", tags=["analytics"], parameters=[GrowthParameters], responses=GrowthSchema)
    def get(self, request: Request) -> Response:
        """Active customers in the months to come, with a range."""
        growth = growth_projection(
            self.asked["months"],
            clock(),
            churn_rate=self.asked.get("monthly_churn_rate"),
            acquisition_rate=self.asked.get("monthly_acquisition_rate"),
        )
        if growth.is_as_of_now:  # so it is with this answer, and not with every one of this view
            self.told_by_the_clock = AS_OF  # type: ignore[misc]
        return Response(growth_json(growth))


class ArchetypeGrowthProjectionView(ApiView):
    """GET /api/mcp/archetypes/growth-projection"""

    parameters = ArchetypeGrowthParameters

    @extend_schema(
        operation_id="archetype_growth_projection",
        tags=["analytics"],
        parameters=[ArchetypeGrowthParameters],
        responses=ArchetypeGrowthSchema,
    )
    def get(self, request: Request) -> Response:
        """Members by archetype in the months to come."""
        growth = growth_projection(self.asked["months"], clock())
        archetypes = archetype_growth(growth)
        if growth.is_as_of_now and archetypes.run is None:
            self.told_by_the_clock = AS_OF  # type: ignore[misc]
        return Response(archetype_growth_json(archetypes))


class CustomersView(ApiView):
    """GET /api/mcp/customers"""

    parameters = DirectoryParameters

    @extend_schema(operation_id="customers", tags=["customers"], parameters=[DirectoryParameters], responses=DirectorySchema)
    def get(self, request: Request) -> Response:
        """Customers with their scores, page after page, without contact data."""
        return Response(page_json(filters_of(self.asked), self.asked))


class _AnyFormat(BaseContentNegotiation):
    """The `format` parameter chooses; whatever else the client would like, errors come as JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """None is needed."""
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """JSON, for errors."""
        return renderers[0], str(renderers[0].media_type)


def _count_for_the_key(request: Request, filters: Filters, reading: Reading) -> None:
    """Count everybody in an export before its first byte, all or none, for a key that may read only so many.

    Their ids are read beforehand and held to be counted, some 200 bytes each, and no further than to one more than the key may
    read in a day. Who passes a filter only after that is sent uncounted. No query for a key without such a limit.

    Raises `MoreThanADay` or `HarvestLimit` (429), and `CannotCount` (503).
    """
    key = request.auth
    if not isinstance(key, ApiKey) or not key.customers_a_day:
        return
    ids = list(islice(everybodys_ids(filters, reading), key.customers_a_day + 1))
    if len(ids) > key.customers_a_day:
        refuse_more_than_a_day(key)
    count_customers(request, ids)


class CustomerExportView(ApiView):
    """GET /api/mcp/export/customers"""

    parameters = ExportParameters
    content_negotiation_class = _AnyFormat

    @extend_schema(
        operation_id="export_customers",
        tags=["customers"],
        parameters=[ExportParameters],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/x-ndjson"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """All customers that the filters leave, as one file.

        It is sent while it is read, in the order in which we got to know them. All rows are of the segmentation that was
        published when the export began; where two others are published before it ends, the connection breaks. A connection that
        breaks leaves a short file: ask again. A key that may read only so many customers a day gets nothing where that would be
        more. Cells of CSV that a spreadsheet would take for a formula begin with an apostrophe.
        """
        contact = self.asked["contact"]
        if contact and ApiKey.Scope.READ_PII not in scopes_of(request):
            raise PermissionDenied(f"contact=true needs the scope {ApiKey.Scope.READ_PII.value}; yours does not have it.")
        filters = filters_of(self.asked)
        try:
            reading = read_from(filters)
        except UnknownFilter as problem:
            raise ValidationError({problem.field: [str(problem)]}) from problem
        _count_for_the_key(request, filters, reading)
        batches = ([row_json(row) for row in rows] for rows in everybody(filters, reading, contact=contact))
        content_type, chunks = FORMATS[self.asked["format"]]
        columns = (*COLUMNS, *CONTACT_COLUMNS) if contact else COLUMNS
        name = f"customers.{self.asked['format']}"
        return StreamingHttpResponse(
            chunks(batches, columns),
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
