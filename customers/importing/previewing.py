"""A file before it is imported: its first rows as they would be understood, and what would become of some thousand.

What would be rejected is told by the readers themselves, so that the preview never promises what the import then refuses.
"""

import secrets
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from customers.importing import shopify_bulk
from customers.importing.amounts import IN_ANOTHER_CURRENCY
from customers.importing.causes import Causes, lacking
from customers.importing.dates import are_days
from customers.importing.deciding import Look, look_at
from customers.importing.guests import KEY_BYTES, People, told_apart
from customers.importing.options import Named, Preview, Question, ReadOptions, Shown
from customers.importing.reading import batches_of, plan_of
from customers.importing.records import Batch, Reject
from customers.importing.rows import UNEVEN, Block
from customers.importing.shopify import HEAD_ELSEWHERE
from customers.importing.showing import preview_of_bulk, show
from customers.importing.values import Bad, Cached

_ASKED_ABOUT = {"date_order": {"date"}, "time_zone": {"date"}, "decimal_mark": {"money", "quantity"}}
"""What the cells hold that cannot be told before a question is answered."""
_ASSUMED = {"time_zone": "UTC", "currency": "USD"}


def preview(path: Path, options: ReadOptions, *, now: datetime, rows: int = 20, time_zone: str = "") -> Preview:
    """How the first `rows` would be understood, and what an import would make of the rows that are looked at, some thousand.

    Open questions are no hindrance: cells that depend on one wait for its answer. Times are shown in the zone of the file or
    its options, and where neither has one in `time_zone`.
    """
    look = look_at(path, options)
    if look.bulk:
        return preview_of_bulk(next(shopify_bulk.read_lines(path, now), Batch()), rows, time_zone or "UTC")
    plan, waiting = plan_of(look, now, _any_key()), _waiting(look)
    zone = plan.options.time_zone or time_zone or "UTC"
    rejects, held_back = _rejects(look, waiting, now)
    broken = {(reject.column, reject.line): reject for reject in rejects}
    fields = tuple(field for field in look.fields if field.name in plan.places)
    shown: list[dict[str, Shown]] = [{} for _ in look.rows[:rows]]
    readable, values, has_times = {}, {}, False
    for field in fields:
        column = look.mapping[field.name]
        cells = [row[plan.places[field.name]] for row in look.rows]
        found = values[field.name] = Cached(plan.parser(field.name)).column(cells)
        days = field.holds == "date" and are_days(cells)
        has_times |= field.holds == "date" and not days
        if field.name not in waiting:
            wrong = sum(isinstance(value, Bad) or (column, at) in broken for at, value in enumerate(found))
            readable[field.name] = 1 - wrong / max(len(found), 1)
        for at, texts in enumerate(shown):
            if isinstance(found[at], Bad) and field.name in waiting:
                texts[field.name] = Shown(cells[at].strip(), f"{column} {found[at].reason}.", waits=True)
            elif (reject := broken.get((column, at))) and not isinstance(found[at], Bad):
                texts[field.name] = Shown("", lacking(reject.cause) or reject.reason)
            else:
                texts[field.name] = show(field, found[at], column, zone, is_day=days)
    given = _given(values)
    people = told_apart(*given)
    causes = Causes()
    for reject in [*rejects, *[Reject(0, "", "", "", cause=UNEVEN)] * look.misfits]:
        causes.add(reject)
    return Preview(
        fields,
        tuple(shown),
        readable,
        rows_tried=len(look.rows) + look.misfits,
        named=_named(look.scheme.kind, people, values),
        rejected=len(rejects) + look.misfits,
        held_back=held_back,
        causes=causes.most(),
        time_zone=zone if has_times and "time_zone" not in _open(look) else "",
        has_addresses_for_ids=people.ids != given.ids,
        currencies=_currencies(values, plan.options.currency, len(look.rows)) if look.scheme.kind == "orders" else {},
    )


def _any_key() -> str:
    """A guest key that is thrown away: no id that is made with it is kept or shown."""
    return secrets.token_hex(KEY_BYTES)


def _open(look: Look) -> set[str]:
    return {question.name for question in look.questions}


def _waiting(look: Look) -> frozenset[str]:
    """The mapped fields whose cells cannot be judged before a question is answered."""
    holds = set[str]().union(*(_ASKED_ABOUT.get(name, set()) for name in _open(look)))
    return frozenset(field.name for field in look.fields if field.holds in holds and field.name in look.mapping)


def _rejects(look: Look, waiting: frozenset[str], now: datetime) -> tuple[list[Reject], int]:
    """What an import would not take of the sample (`line` is the place in it), and how many sound rows with that.

    Nothing is said while a column is missing, nor of what depends on an open question or on rows that were not looked at.
    """
    if look.scheme.missing(look.mapping):
        return [], 0
    answers: dict[str, Any] = {question.name: _likeliest(question) for question in look.questions}
    answers.pop("encoding", None)  # the sample is read in the likeliest one already
    plan = plan_of(replace(look, options=replace(look.options, **answers)), now, _any_key())
    batches = batches_of(plan, lambda: iter([Block(look.rows, list(range(len(look.rows))))]), 0)
    found = [reject for batch in batches for reject in batch.rejects]
    broken = [reject for reject in found if not reject.with_order]
    columns = {look.mapping[name] for name in waiting}
    certain = [reject for reject in broken if _is_certain(look, reject, columns)]
    return certain, len(found) - len(broken) if len(certain) == len(broken) else 0


def _likeliest(question: Question) -> str:
    """An answer to go on with, so that what does not depend on it can be judged."""
    return question.suggestion or (question.choices[0][0] if question.choices else _ASSUMED.get(question.name, ""))


def _is_certain(look: Look, reject: Reject, waiting_columns: set[str]) -> bool:
    if reject.column in waiting_columns and not lacking(reject.cause):
        return False
    if reject.cause == HEAD_ELSEWHERE:
        return look.is_whole
    return not ("currency" in _open(look) and reject.cause.endswith(IN_ANOTHER_CURRENCY))


def _currencies(values: dict[str, list[Any]], otherwise: str, size: int) -> dict[str, int]:
    """The currencies of some rows, each with its rows; those that name none are in the one that was chosen."""
    named = _sound(values.get("currency", [None] * size))
    return dict(Counter(code or otherwise for code in named if code or otherwise))


_ORDER_IDS = ("order_id", "invoice", "id", "name")


def _given(values: dict[str, list[Any]]) -> People:
    """What some rows say of their customers, from values by field."""
    size = max(map(len, values.values()), default=0)
    ids, emails, phones = (_sound(values.get(name, [None] * size)) for name in ("customer_id", "email", "phone"))
    return People(ids, emails, phones)


def _named(kind: str, people: People, values: dict[str, list[Any]]) -> Named:
    """Whom and which orders some rows name."""
    orders = zip(*(_sound(values[name]) for name in _ORDER_IDS if name in values), strict=True) if kind == "orders" else ()
    return Named(
        frozenset(filter(None, people.ids)),
        frozenset(email for who, email in zip(people.ids, people.emails, strict=True) if email and not who),
        frozenset(filter(None, (next(filter(None, row), None) for row in orders))),
    )


def _sound(found: list[Any]) -> list[str | None]:
    """A column's values as text; None for an empty cell and for one that cannot be read."""
    return [None if isinstance(value, Bad) or not value else str(value) for value in found]
