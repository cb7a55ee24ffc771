"""GET /api/schema"""

from drf_spectacular.views import SpectacularJSONAPIView

from accounts.revalidation import Revalidated


class SchemaView(Revalidated, SpectacularJSONAPIView):
    """The OpenAPI document."""
