"""Somebody who is signed in."""

import pytest
from django.test import Client

from accounts.models import Shop, User
from tests.factories import make_shop


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()


@pytest.fixture
def person(shop: Shop) -> User:
    return User.objects.create_user(
        "ines", password="sewing-room-7", first_name="Ines", last_name="Park", role=User.Role.MARKETER
    )


@pytest.fixture
def visitor(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def agent(client: Client, shop: Shop) -> Client:
    client.force_login(User.objects.create_user("ada", password="sewing-room-7"))
    return client
