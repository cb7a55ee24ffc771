"""The product's addresses, and one that only passes stored bytes on."""

from django.db import connection
from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.views import APIView

from quimbi.urls import urlpatterns as product

STORED_PROFILES = "bench_stored_profile"


class Stored(APIView):
    """One row by its key, as it lies there."""

    def get(self, request: Request, customer_id: str) -> HttpResponse:
        """The bytes."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT body FROM {STORED_PROFILES} WHERE customer_id = %s", [customer_id])
            return HttpResponse(bytes(cursor.fetchone()[0]), content_type="application/json")


urlpatterns = [*product, path("bench/stored/<str:customer_id>", Stored.as_view())]
