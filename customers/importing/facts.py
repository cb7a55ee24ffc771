"""The kinds of facts that an import carries, and the steps that store them; an app adds its own in `ready()`.

`customers` knows nothing of tickets, so `support` registers them here and the loader treats all facts alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from customers.importing.catalogue import Catalogue
    from customers.importing.storing import Storing

Kind = Literal["text", "integer", "time", "flag", "json", "bytes"]
Arrays = dict[str, Any]
"""Columns by name, as Arrow arrays of one length."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column on its way in. Text longer than `limit` is clipped, an id (`exact`) that is longer is rejected.

    `least` and `most` bound a number; for an instant `most` is not used: nothing may be dated after tomorrow.
    """

    name: str
    kind: Kind
    limit: int = 0
    exact: bool = False
    required: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """What a child's `column` must name: a row of `facts` in the same import, or one that `table` has already."""

    column: str
    facts: str
    table: str
    noun: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One kind of row: the columns that a parser hands over, those that are staged, and how one becomes the other.

    `bucket_by` names the staged columns (the first that is known) whose hash decides the bucket; a child lies in its parent's.
    Of each group in `one_of` a row must have at least one.
    """

    name: str
    received: tuple[Column, ...]
    staged: tuple[Column, ...]
    bucket_by: tuple[str, ...]
    shape: Callable[[Arrays, "Catalogue"], Arrays]
    parent: Parent | None = None
    one_of: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of storing: `store(storing, bucket)` for every bucket, each in a transaction of its own."""

    name: str
    label: str
    facts: tuple[str, ...]
    store: Callable[["Storing", int], None]
    needed: Callable[["Storing"], bool] | None = None


FACTS: dict[str, Facts] = {}
STEPS: list[Step] = []
_LATER: list[str] = []


def register(facts: tuple[Facts, ...], steps: tuple[Step, ...]) -> None:
    """Add kinds of facts and, after those that are there, the steps that store them. Harmless when repeated."""
    for each in facts:
        FACTS[each.name] = each
    known = {step.name for step in STEPS}
    STEPS.extend(step for step in steps if step.name not in known)


def register_later(dotted_path: str) -> None:
    """Have the function at `dotted_path` register more before the first import. Keeps Arrow out of the web's start."""
    if dotted_path not in _LATER:
        _LATER.append(dotted_path)


def register_all() -> None:
    """Call what `register_later` was told; nothing the second time."""
    while _LATER:
        import_string(_LATER.pop(0))()
