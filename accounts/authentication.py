"""Who is calling the API: the holder of a key in the header `X-API-Key`."""

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.counting import short_of_breath
from accounts.models import ApiKey

logger = logging.getLogger(__name__)

HEADER = "X-API-Key"
USED_WITHIN = timedelta(minutes=1)
LONGEST_KEY = 200
SERVERS_ONLY = "This API key may not be sent from a web page; keep it on your server."
REFUSED_ORIGIN = "This API key may not be sent from this web page; an admin can add its origin to the key."


class ApiKeyAuthentication(BaseAuthentication):
    """A valid key gives `request.auth` the key's row and no user; without the header the next authentication is asked."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """One query, and at most once a minute and key a second one that notes the use.

        Raises `AuthenticationFailed` (401) for a key that is unknown, revoked, expired or sent from a foreign web page. The
        answer to an unknown key and to one with a wrong end is the same to the byte.
        """
        sent = request.headers.get(HEADER)
        if sent is None:
            return None
        key = _find(sent)
        now = timezone.now()
        if key is None:
            raise AuthenticationFailed("This API key is not known; check the header X-API-Key.")
        if not key.works_at(now):
            ended = "was revoked" if key.revoked_at else "has expired"
            raise AuthenticationFailed(f"This API key {ended}; ask an admin for a new one.")
        if not _may_come_from(request, key):
            raise AuthenticationFailed(REFUSED_ORIGIN if key.origins else SERVERS_ONLY)
        if key.last_used_at is None or now - key.last_used_at >= USED_WITHIN:
            _note_use(key, now)
        return None, key

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401; it makes DRF answer 401 instead of 403."""
        return f'ApiKey header="{HEADER}"'


def _find(sent: str) -> ApiKey | None:
    """The row of a key: found by its public prefix, then compared by digest in constant time."""
    prefix = "_".join(sent.split("_", 2)[:2])
    if len(sent) > LONGEST_KEY or not sent.isascii() or "\0" in sent:
        return None
    # Raw: putting the same SQL together for each request took longer than asking the database.
    row = next(iter(ApiKey.objects.raw("SELECT * FROM accounts_apikey WHERE prefix = %s", [prefix])), None)
    digest = ApiKey.digest_of(sent)
    # Without a row the comparison still runs, against the digest of nothing that anybody could send.
    return row if secrets.compare_digest(digest, row.digest if row else "0" * 64) else None


def _note_use(key: ApiKey, now: datetime) -> None:
    """Put the use on the key. Where that cannot be written soon it stays unwritten: reading does not wait for a note."""
    try:
        with short_of_breath():
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    except DatabaseError as problem:
        logger.warning("The use of key %s was not noted (%s).", key.prefix, type(problem).__name__)


def _may_come_from(request: Request, key: ApiKey) -> bool:
    """Browsers name the page's origin; servers send none. Our own pages (the API's documentation) may try any key.

    A key that names pages is taken from those and from no other; one that names none and reads figures only also from those
    that the whole installation trusts.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin == f"{request.scheme}://{request.get_host()}":
        return True
    if key.origins:
        return origin in key.origins
    return key.reads_figures_only and origin in settings.CORS_ORIGINS


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document names the header."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme's definition."""
        return {"type": "apiKey", "in": "header", "name": HEADER}
