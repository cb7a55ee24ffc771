"""What the API tells browsers: which other sites' pages may call it (CORS), and how much a caller may still ask.

A page of another site may read an answer if its origin stands in `QUIMBI_CORS_ORIGINS` or on a key. That alone opens nothing:
every request needs a key that may be sent from there (`accounts.authentication`), and sessions are never let through, for the
answer does not allow credentials.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from rest_framework import status

from accounts.limits import spent
from accounts.models import ApiKey

PATHS = "/api/"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "X-API-Key, Content-Type, Idempotency-Key, If-None-Match",
    "Access-Control-Max-Age": "600",
}
EXPOSED = (
    "ETag, Last-Modified, X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
    "Idempotency-Replayed"
)


class ApiForBrowsersMiddleware:
    """Answer preflights, which carry no key, and put the headers on every answer below /api/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; a request without `Origin` costs no query."""
        if not request.path_info.startswith(PATHS):
            return self.get_response(request)
        origin = request.headers.get("Origin", "")
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers and is_known(origin, request):
            response = HttpResponse(status=status.HTTP_204_NO_CONTENT, headers=PREFLIGHT)
            response["Access-Control-Allow-Origin"] = origin
        else:
            response = self.get_response(request)
            if standing := spent(request):
                for name, value in standing.headers.items():
                    response[name] = value
            if is_known(origin, request):
                response["Access-Control-Allow-Origin"] = origin
                response["Access-Control-Expose-Headers"] = EXPOSED
        patch_vary_headers(response, ["Origin"])
        return response


def is_known(origin: str, request: HttpRequest) -> bool:
    """Whether a page from there may read answers; one query at most."""
    if not origin:
        return False
    if origin in settings.CORS_ORIGINS:
        return True
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey) and origin in key.origins:
        return True
    working = ApiKey.objects.filter(revoked_at=None, expires_at__gt=timezone.now()).exclude(origins=[])
    return any(origin in origins for origins in working.values_list("origins", flat=True))
