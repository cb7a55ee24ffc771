"""Reads that are not sent again to who has them already: `ETag`, `If-None-Match` and `Last-Modified`.

The answer is made anew for every request, by a caller who was let in, and only its bytes are spared: so nobody is told "not
modified" of what has changed, and a key that was revoked gets its 401. That is why answers may be kept (`private, no-cache`):
no shared cache may have them, and the caller's own has to ask each time. What holds contact data says `no-store` for itself, as
errors do. `If-Modified-Since` is answered in full: `Last-Modified` tells the moment that the figures are of, and single
customers are scored again in between.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponseBase, HttpResponseNotModified
from django.utils.dateparse import parse_datetime
from django.utils.http import http_date, parse_etags, quote_etag
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

NOT_TO_BE_KEPT = "private, no-store"
TO_BE_ASKED_FOR = "private, no-cache"


class Revalidated(APIView):
    """A view whose answers to GET can be asked for again at the price of their making; costs some 30 µs a request.

    `told_by_the_clock` names fields at the top of the body that are the moment of the request. They change with every answer
    and say nothing new, so the `ETag` leaves them out, and is a weak one.
    """

    told_by_the_clock: ClassVar[frozenset[str]] = frozenset()

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Say whether the answer may be kept, and compare it with what the caller has once it is rendered."""
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        is_read = isinstance(final, Response) and final.status_code == status.HTTP_200_OK
        if is_read and request.method in {"GET", "HEAD"}:
            final.headers.setdefault("Cache-Control", TO_BE_ASKED_FOR)
            final.add_post_render_callback(lambda rendered: self._or_not_modified(request, rendered))
        else:
            final.headers.setdefault("Cache-Control", NOT_TO_BE_KEPT)
        return final

    def _or_not_modified(self, request: Request, rendered: Response) -> HttpResponseBase:
        etag = self._etag(rendered)
        rendered.headers["ETag"] = etag
        if (moment := self._moment(rendered.data)) is not None:
            rendered.headers["Last-Modified"] = http_date(moment.timestamp())
        had = {each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))}
        if not had & {etag.removeprefix("W/"), "*"}:
            return rendered
        told = {name: value for name, value in rendered.headers.items() if not name.startswith("Content-")}
        return HttpResponseNotModified(headers=told)

    def _etag(self, rendered: Response) -> str:
        told: bytes = rendered.content
        data = rendered.data
        if self.told_by_the_clock and isinstance(data, Mapping):
            kept = {name: value for name, value in data.items() if name not in self.told_by_the_clock}
            told = json.dumps(kept, cls=JSONEncoder).encode()
        etag = quote_etag(hashlib.sha256(told).hexdigest()[:32])
        return f"W/{etag}" if self.told_by_the_clock else etag

    def _moment(self, data: Any) -> datetime | None:
        """What the body gives as `as_of`, unless the clock did."""
        if not isinstance(data, Mapping) or "as_of" in self.told_by_the_clock:
            return None
        as_of = data.get("as_of")
        return as_of if isinstance(as_of, datetime) else parse_datetime(as_of) if isinstance(as_of, str) else None
