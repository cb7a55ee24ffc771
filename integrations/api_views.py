"""The endpoints of outgoing webhooks."""

import re
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cursors import cursor_for, place_at
from accounts.idempotency import IDEMPOTENCY_KEY, IdempotentWrites
from accounts.limits import count_customers
from accounts.models import User
from accounts.permissions import CanManageWebhooks
from accounts.revalidation import NOT_TO_BE_KEPT
from integrations import endpoints
from integrations.delivery_log import log_of, record_of
from integrations.models import Delivery, WebhookEndpoint
from integrations.serializers import (
    ChangedWebhookBody,
    DeliveryLogSchema,
    DeliveryRecordSchema,
    DeliverySchema,
    LogParameters,
    NewWebhookBody,
    NoBody,
    RotateBody,
    WebhookSchema,
    WebhooksSchema,
    WebhookWithSecretSchema,
    delivery_json,
    endpoint_json,
    endpoint_with_secret_json,
    log_json,
    record_json,
)

NO_DELIVERY = "There is no delivery with this id; deliveries are kept for thirty days."


def not_now(reason: str) -> OpenApiResponse:
    """The 409 of an endpoint that may refuse for a `reason` of its own, described beside the two of repeated requests."""
    return OpenApiResponse(
        {"$ref": "#/components/schemas/Error"},
        f"{reason} (`conflict`); the Idempotency-Key was used for another request (`idempotency_conflict`); or its first one "
        "still runs (`in_progress`).",
    )


class Conflict(APIException):
    """It cannot be done as things stand (409)."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class WebhookView(IdempotentWrites):
    """What the endpoints of webhooks share: who may, what cannot be done now, and that nothing is to be kept of it."""

    permission_classes = (CanManageWebhooks,)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """An address may hold a secret of the system that it belongs to."""
        response.headers["Cache-Control"] = NOT_TO_BE_KEPT
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        return final

    def handle_exception(self, exc: Exception) -> Response:
        """What cannot be done now is a 409 in its own words."""
        response: Response = super().handle_exception(Conflict(str(exc)) if isinstance(exc, endpoints.NotNow) else exc)
        return response


class WebhooksView(WebhookView):
    """GET and POST /api/webhooks"""

    @extend_schema(operation_id="webhooks", tags=["webhooks"], responses=WebhooksSchema)
    def get(self, request: Request) -> Response:
        """Every webhook, oldest first."""
        now = timezone.now()
        return Response({"webhooks": [endpoint_json(endpoint, now) for endpoint in WebhookEndpoint.objects.all()]})

    @extend_schema(
        operation_id="webhook_create",
        tags=["webhooks"],
        parameters=[IDEMPOTENCY_KEY],
        request=NewWebhookBody,
        responses={201: WebhookWithSecretSchema, 409: not_now("There are as many webhooks as one shop can have")},
    )
    def post(self, request: Request) -> Response:
        """Make a webhook. Only this answer shows its secret."""
        asked = NewWebhookBody.read(request.data)
        by = request.user if isinstance(request.user, User) else None
        endpoint = endpoints.add(asked["url"], asked["events"], description=asked["description"], by=by)
        return Response(endpoint_with_secret_json(endpoint, timezone.now()), status=status.HTTP_201_CREATED)


class OneWebhookView(WebhookView):
    """GET, PATCH and DELETE /api/webhooks/{webhook_id}"""

    @extend_schema(operation_id="webhook", tags=["webhooks"], responses=WebhookSchema)
    def get(self, request: Request, webhook_id: str) -> Response:
        """One webhook."""
        return Response(endpoint_json(_endpoint(webhook_id), timezone.now()))

    @extend_schema(
        operation_id="webhook_change",
        tags=["webhooks"],
        parameters=[IDEMPOTENCY_KEY],
        request=ChangedWebhookBody,
        responses=WebhookSchema,
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        """Change a webhook, or switch it on and off."""
        asked = ChangedWebhookBody.read(request.data, partial=True)
        endpoint = _endpoint(webhook_id)
        is_enabled = asked.pop("is_enabled", None)
        with transaction.atomic():
            if asked:
                endpoints.change(endpoint, **asked)
            if is_enabled is not None and is_enabled != endpoint.is_enabled:
                endpoints.switch(endpoint, on=is_enabled)
        return Response(endpoint_json(endpoint, timezone.now()))

    @extend_schema(operation_id="webhook_delete", tags=["webhooks"], parameters=[IDEMPOTENCY_KEY], responses={204: None})
    def delete(self, request: Request, webhook_id: str) -> Response:
        """Delete a webhook with its log. What waits is not sent."""
        endpoints.delete(_endpoint(webhook_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTestView(WebhookView):
    """POST /api/webhooks/{webhook_id}/test"""

    @extend_schema(
        operation_id="webhook_test",
        tags=["webhooks"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: DeliverySchema, 409: not_now("The webhook is disabled")},
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Send a test message. It is of the type webhook.test and tried once; the log says how it fared."""
        NoBody.read(request.data)
        return Response(delivery_json(endpoints.send_test(_endpoint(webhook_id))), status=status.HTTP_202_ACCEPTED)


class WebhookRotateView(WebhookView):
    """POST /api/webhooks/{webhook_id}/rotate"""

    @extend_schema(
        operation_id="webhook_rotate",
        tags=["webhooks"],
        parameters=[IDEMPOTENCY_KEY],
        request=RotateBody,
        responses={200: WebhookWithSecretSchema, 409: not_now("The 24 hours after the last new secret are not over")},
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Give a webhook a new secret. Only this answer shows it; for 24 hours messages are signed with both."""
        asked, now = RotateBody.read(request.data), timezone.now()
        endpoint = endpoints.rotate(_endpoint(webhook_id), now, void_previous=asked["void_previous"])
        return Response(endpoint_with_secret_json(endpoint, now))


class WebhookDeliveriesView(WebhookView):
    """GET /api/webhooks/{webhook_id}/deliveries"""

    parameters = LogParameters

    @extend_schema(
        operation_id="webhook_deliveries", tags=["webhooks"], parameters=[LogParameters], responses=DeliveryLogSchema
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """A webhook's delivery log, newest first."""
        endpoint, state = _endpoint(webhook_id), self.asked.get("state", "")
        question = ("deliveries", endpoint.pk, state)
        after = None
        if cursor := self.asked.get("cursor"):
            moment, pk = place_at(cursor, question)
            after = (datetime.fromisoformat(moment), pk)
        page = log_of(endpoint, self.asked["limit"], after=after, state=state)
        following = cursor_for(question, [page.next_place[0].isoformat(), page.next_place[1]]) if page.next_place else None
        return Response(log_json(page, following))


class DeliveryView(WebhookView):
    """GET /api/webhooks/deliveries/{delivery_id}"""

    @extend_schema(operation_id="webhook_delivery", tags=["webhooks"], responses=DeliveryRecordSchema)
    def get(self, request: Request, delivery_id: str) -> Response:
        """One delivery: the body to the byte, as it is signed, and every attempt."""
        record = record_of(_id(delivery_id, "dlv"))
        if record is None:
            raise NotFound(NO_DELIVERY)
        count_customers(request, record.customer_ids)  # the log is no way around the customers that a key may read a day
        return Response(record_json(record))


class DeliveryReplayView(WebhookView):
    """POST /api/webhooks/deliveries/{delivery_id}/replay"""

    @extend_schema(
        operation_id="webhook_replay",
        tags=["webhooks"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: DeliverySchema, 409: not_now("The webhook is disabled, or the message is on its way already")},
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send a delivery again. With the same webhook-id, as if for the first time."""
        NoBody.read(request.data)
        found = Delivery.objects.select_related("event", "endpoint").filter(pk=_id(delivery_id, "dlv")).first()
        if found is None:
            raise NotFound(NO_DELIVERY)
        return Response(delivery_json(endpoints.replay(found)), status=status.HTTP_202_ACCEPTED)


def _endpoint(webhook_id: str) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.filter(pk=_id(webhook_id, "wh")).first()
    if found is None:
        raise NotFound("There is no webhook with this id.")
    return found


def _id(text: str, kind: str) -> Any:
    """The text if it can be an id; else one that nothing has."""
    return text if re.fullmatch(rf"{kind}_[0-9a-f]{{32}}", text) else ""
