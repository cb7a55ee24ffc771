"""GET /api/schema"""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.revalidation import Revalidated


class DocumentRenderer(JSONRenderer):
    """JSON without line breaks, under the name that OpenAPI has for it; indented it is two and a half times as long."""

    media_type = "application/vnd.oai.openapi+json"


class SchemaView(Revalidated, SpectacularJSONAPIView):
    """The OpenAPI document, the same for every caller."""

    renderer_classes = [DocumentRenderer, JSONRenderer]

    def _get_schema_response(self, request: Request) -> Response:
        return Response(document(), headers={"Content-Disposition": 'inline; filename="quimbi-api.json"'})


@cache
def document() -> dict[str, Any]:
    """The document, made once in a process: it depends on nothing but the code, and making it takes a quarter of a second."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made
