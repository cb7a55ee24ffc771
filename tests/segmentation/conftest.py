"""A small invented shop, and one that has been segmented."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from quimbi.demo import shop
from segmentation.models import SegmentationRun, SegmentModel
from segmentation.runs import discover, segment_everyone
from tests.factories import NOW
from tests.standing import standing_rows


@pytest.fixture(scope="module")
def standing_shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The small shop for all tests of a file: `pytestmark = pytest.mark.usefixtures("standing_shop")` there."""
    with standing_rows(django_db_blocker, seed):
        yield


@pytest.fixture
def small_shop(request: pytest.FixtureRequest, db: None) -> None:
    """Four hundred invented customers, about 310 of them with orders."""
    if "standing_shop" not in request.fixturenames:
        seed()


def seed() -> None:
    shop.seed(400, 3, NOW)


# Fitting the same shop gives the same model, so that it is fitted once a session and put back for each test.
_fitted: list[SegmentModel] = []


@pytest.fixture
def run(small_shop: None) -> SegmentationRun:
    """The small shop's first published run."""
    if not _fitted:
        _fitted.append(discover(NOW))
    model = _fitted[0]
    SegmentModel.objects.get_or_create(
        pk=model.pk, defaults={"as_of": model.as_of, "buyers": model.buyers, "parameters": model.parameters}
    )
    return segment_everyone(NOW)


@pytest.fixture
def note_taker() -> tuple[list[tuple[float, str]], Callable[[float, str], None]]:
    """A progress callback and what it was told."""
    told: list[tuple[float, str]] = []
    return told, lambda share, note: told.append((share, note))
