"""A receiver, a webhook that points to it, and no broker."""

import pytest

from integrations.endpoints import add
from integrations.events import EVENTS
from jobs import bell
from tests.integrations.receiver import Receiver


@pytest.fixture(autouse=True)
def no_broker(monkeypatch):
    """Jobs are written down; nobody is rung for."""
    monkeypatch.setattr(bell, "ring", lambda ids: len(list(ids)))


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def endpoint(db, receiver):
    """A webhook that hears of everything."""
    return add(receiver.url, list(EVENTS))
