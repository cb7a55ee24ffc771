"""The endpoints of the trust page and of the runs behind it."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView, PageParameters
from accounts.cursors import place_at
from predictions.models import ScoringRun
from predictions.runs_json import LIST, PredictionRunsSchema, runs_json
from predictions.serializers import TrustSchema, trust_json
from predictions.trust import trust


class TrustView(ApiView):
    """GET /api/mcp/predictions/trust"""

    @extend_schema(operation_id="predictions_trust", tags=["predictions"], responses=TrustSchema)
    def get(self, request: Request) -> Response:
        """How good the predictions are. Tests on the shop's past, the record month by month, models, drift, data gates."""
        return Response(trust_json(trust()))


class PredictionRunsView(ApiView):
    """GET /api/mcp/predictions/runs"""

    parameters = PageParameters

    @extend_schema(
        operation_id="prediction_runs", tags=["predictions"], parameters=[PageParameters], responses=PredictionRunsSchema
    )
    def get(self, request: Request) -> Response:
        """Runs of the predictions, newest first. When, how many, how far the inputs have moved, or what was missing."""
        limit, runs = self.asked["limit"], ScoringRun.objects.order_by("-pk")
        if "cursor" in self.asked:
            runs = runs.filter(pk__lt=place_at(self.asked["cursor"], LIST)[0])
        return Response(runs_json(list(runs[: limit + 1]), limit))
