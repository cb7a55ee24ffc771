"""Is it up, is it ready, is there anything in it."""

import logging
import time
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import utc_text
from customers.models import Customer
from segmentation.models import ActiveRun, ArchetypeSnapshot

logger = logging.getLogger(__name__)

SLOW_COUNT_SECONDS = 0.005
SLOW_COUNT_KEPT = 20
BROKER_PATIENCE_SECONDS = 0.25


class DataStatusSchema(serializers.Serializer[Any]):
    """What is loaded."""

    customers_loaded = serializers.IntegerField(help_text="Profiles, with or without orders.")
    archetypes_available = serializers.IntegerField(help_text="In the published segmentation run.")


class HealthSchema(serializers.Serializer[Any]):
    """Whether the product answers."""

    status = serializers.ChoiceField(choices=["healthy", "unavailable"])
    timestamp = serializers.DateTimeField()
    data_status = DataStatusSchema()


class AliveSchema(serializers.Serializer[Any]):
    """That the process answers."""

    status = serializers.CharField()


class ReadySchema(serializers.Serializer[Any]):
    """Whether requests may come."""

    status = serializers.ChoiceField(choices=["ready", "unready"])
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What is missing, and what to do.")
    degraded = serializers.ListField(child=serializers.CharField(), help_text="What works less well than it should.")


class _OpenView(APIView):
    """Nobody has to say who he is; a load balancer may add parameters of its own."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class HealthView(_OpenView):
    """GET /health"""

    @extend_schema(operation_id="health", tags=["health"], auth=[], responses=HealthSchema)
    def get(self, request: Request) -> Response:
        """Whether the product answers, and what is loaded. 503 while the database does not answer."""
        now = utc_text(timezone.now())
        try:
            loaded, available = profiles.count(), archetypes_available()
        except DatabaseError:
            logger.exception("the database does not answer")
            return Response({"status": "unavailable", "timestamp": now}, status=status.HTTP_503_SERVICE_UNAVAILABLE)
        return Response(
            {
                "status": "healthy",
                "timestamp": now,
                "data_status": {"customers_loaded": loaded, "archetypes_available": available},
            }
        )


class LivezView(_OpenView):
    """GET /livez"""

    @extend_schema(operation_id="livez", tags=["health"], auth=[], responses=AliveSchema)
    def get(self, request: Request) -> Response:
        """Whether this process answers. It asks nothing else."""
        return Response({"status": "alive"})


class ReadyzView(_OpenView):
    """GET /readyz"""

    @extend_schema(operation_id="readyz", tags=["health"], auth=[], responses={200: ReadySchema, 503: ReadySchema})
    def get(self, request: Request) -> Response:
        """Whether requests may come: database, migrations, secrets. A lost broker is degraded and not unready."""
        reasons = unready_reasons()
        body = {"status": "unready" if reasons else "ready", "reasons": reasons, "degraded": degraded_modes()}
        return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE if reasons else status.HTTP_200_OK)


class ProfileCount:
    """The number of profiles. The endpoint is open, so a count that takes long is kept for twenty times as long as it took:
    at ten million rows strangers cost the database a twentieth of one core at most, and a small shop's count is exact."""

    def __init__(self) -> None:
        self._known, self._until = 0, 0.0

    def count(self) -> int:
        """Profiles now, or a short while ago; one query or none."""
        began = time.monotonic()
        if began >= self._until:
            self._known = Customer.objects.count()
            took = time.monotonic() - began
            self._until = began + took * (1 + SLOW_COUNT_KEPT) if took > SLOW_COUNT_SECONDS else 0.0
        return self._known


profiles = ProfileCount()


def archetypes_available() -> int:
    """Archetypes of the published run, 0 before the first; one query."""
    return ArchetypeSnapshot.objects.filter(run__in=ActiveRun.objects.values("run")).count()


def unready_reasons() -> list[str]:
    """What keeps this process from serving, a sentence each; empty when nothing does."""
    reasons = []
    if settings.PRODUCTION and settings.SECRET_KEY == settings.LAPTOP_SECRET_KEY:
        reasons.append("SECRET_KEY is the laptop's; set one of your own.")
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            reasons.append("The database lacks migrations; run: manage.py migrate")
    except DatabaseError:
        logger.exception("the database does not answer")
        reasons.append("The database does not answer; check DATABASE_URL.")
    return reasons


def degraded_modes() -> list[str]:
    """What is lost without stopping anything, by name."""
    if not settings.REDIS_URL:
        return []
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=BROKER_PATIENCE_SECONDS, socket_connect_timeout=BROKER_PATIENCE_SECONDS
        )
        with client:
            client.ping()
    except redis.RedisError:
        return ["broker"]
    return []
