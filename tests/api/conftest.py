"""Callers of the API."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import ApiKey, User
from quimbi.health import profiles

COUNTED = 0 if settings.REDIS_URL else 1
"""Queries that counting a request costs."""


@pytest.fixture(autouse=True)
def exact_counts():
    """No test sees the number that another one counted."""
    profiles.__init__()


@pytest.fixture
def key_client(db) -> Callable[..., Client]:
    """A client with a new key of the given scopes."""

    def make(*scopes: str) -> Client:
        return Client(headers={"X-API-Key": ApiKey.issue("test", list(scopes))[1]})

    return make


@pytest.fixture
def api(key_client) -> Client:
    """A client that may read."""
    return key_client("read")


@pytest.fixture
def person_client(db) -> Callable[..., Client]:
    """A signed-in client with the given role."""

    def make(role: str, **fields: object) -> Client:
        client = Client()
        client.force_login(User.objects.create_user(f"{role}-{User.objects.count()}", role=role, **fields))
        return client

    return make
