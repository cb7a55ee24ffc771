"""What a file itself answers, and what has to be asked, from a sample of its rows.

Each decision is for a whole column: one value that allows only one meaning decides for all, two that contradict each other
decide nothing. Options win over everything that is found here.
"""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from zoneinfo import available_timezones

from customers.importing.amounts import currency_signs, decimal_marks, money
from customers.importing.columns import times
from customers.importing.dates import ORDERS, are_days, are_serial, date_orders, lack_offset
from customers.importing.options import Field, Question, ReadOptions, UnreadableFile
from customers.importing.rows import header_of
from customers.importing.sampling import sample
from customers.importing.schemes import SHOPIFY_ORDERS, SOURCES, Scheme, scheme_of
from customers.importing.sniffing import Sniffed, delimiter_of, sniff
from customers.importing.values import CURRENCIES

KINDS = ("orders", "customers", "tickets")


@dataclass(frozen=True)
class Look:
    """All that is known about a file before it is read. `bulk`: one JSON object a line, so nothing but `sniffed` matters.

    `rows` are a sample that fits the header, `misfits` that many more in the head of the file do not; `is_whole`: these are
    all its rows.
    """

    sniffed: Sniffed
    options: ReadOptions
    bulk: bool
    kind: str
    source: str
    scheme: Scheme
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: list[list[str]]
    forgive_short: bool
    mapping: dict[str, str]
    decided: dict[str, str]
    serial: frozenset[str]
    questions: tuple[Question, ...]
    estimated_rows: int
    misfits: int = 0
    is_whole: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields that could be mapped."""
        return () if self.bulk else self.scheme.fields

    @property
    def estimated_bytes(self) -> int:
        """Size of the text, unpacked."""
        packed = self.sniffed.size / max(self.sniffed.head_on_disk, 1)
        return int(packed * len(self.sniffed.head)) if self.sniffed.compressed else self.sniffed.size


def look_at(path: Path, options: ReadOptions) -> Look:
    """Look at a file with the answers so far. Raises `UnreadableFile` for what cannot be read and for impossible answers."""
    _check(options)
    sniffed = sniff(path, options.encoding)
    if sniffed.head.lstrip().startswith("{"):
        return _bulk(sniffed, options)
    if options.source == "shopify-bulk":
        raise UnreadableFile("The file is not Shopify's bulk export: that has one JSON object on each line.")
    encoding = sniffed.encoding or (sniffed.question.suggestion if sniffed.question else "utf-8")
    delimiter = delimiter_of(sniffed.head)
    header = header_of(sniffed.head, delimiter)
    sampled = sample(path, sniffed, encoding, delimiter, header)
    rows = sampled.rows
    scheme = scheme_of(header, options.source, options.kind)
    mapping = _mapping(scheme, header, options)
    questions = [sniffed.question] if sniffed.question else []
    questions += _missing(scheme, mapping, header, options)
    columns = {name: [row[header.index(column)] for row in rows] for name, column in mapping.items()}
    decided: dict[str, str] = {}
    questions += _dates(scheme, columns, mapping, options, decided)
    questions += _money(scheme, columns, mapping, options, decided)
    questions += _amount_per(scheme, columns, options, decided)
    serial = frozenset(f.name for f in scheme.fields if f.holds == "date" and f.name in columns and are_serial(columns[f.name]))
    return Look(
        sniffed=sniffed,
        options=options,
        bulk=False,
        kind=scheme.kind,
        source=scheme.source,
        scheme=scheme,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        rows=rows,
        forgive_short=sampled.forgive_short,
        mapping=mapping,
        decided=decided,
        serial=serial,
        questions=tuple(questions),
        estimated_rows=len(rows) + sampled.misfits if sampled.is_whole else _estimated_rows(sniffed),
        misfits=sampled.misfits,
        is_whole=sampled.is_whole,
    )


def _estimated_rows(sniffed: Sniffed) -> int:
    """How many rows the file has, from the lines of its head."""
    lines = sniffed.head.count("\n") or sniffed.head.count("\r")
    share = min(1.0, sniffed.head_on_disk / sniffed.size)
    return max(1, round(lines / share) - (1 if share == 1.0 and sniffed.head.endswith(("\n", "\r")) else 0))


def _check(options: ReadOptions) -> None:
    if options.source not in SOURCES:
        raise UnreadableFile(f"There is no source {options.source!r}: choose one of {', '.join(SOURCES)}.")
    if options.kind not in ("", *KINDS):
        raise UnreadableFile(f"There is no kind {options.kind!r}: choose one of {', '.join(KINDS)}.")
    if options.currency and options.currency not in CURRENCIES:
        raise UnreadableFile(f"There is no currency {options.currency!r}: write its three capitals, like USD.")
    if options.time_zone and options.time_zone not in available_timezones():
        raise UnreadableFile(f"There is no time zone {options.time_zone!r}: write it like Europe/Berlin.")
    if options.date_order not in ("", *ORDERS):
        raise UnreadableFile(f"There is no date order {options.date_order!r}: choose dmy, mdy or ymd.")
    if options.decimal_mark not in ("", ".", ","):
        raise UnreadableFile(f"{options.decimal_mark!r} cannot mark decimals: choose a point or a comma.")
    if options.amount_per not in ("", "line", "order"):
        raise UnreadableFile(f"An amount is per line or per order, not per {options.amount_per!r}.")


def _bulk(sniffed: Sniffed, options: ReadOptions) -> Look:
    if options.source not in ("auto", "shopify", "shopify-bulk"):
        raise UnreadableFile("The file has JSON objects, not a table: choose Shopify's bulk export as its source.")
    if options.kind == "tickets":
        raise UnreadableFile("The file has JSON objects, not a table of tickets: export the tickets as CSV.")
    lines = max(1, sniffed.head.count("\n"))
    kind = "customers" if "gid://shopify/Customer" in sniffed.head and "gid://shopify/Order" not in sniffed.head else "orders"
    return Look(
        sniffed, options, True, kind, "shopify-bulk", SHOPIFY_ORDERS, "utf-8", "", (), [], False, {}, {}, frozenset(), (),
        max(1, round(lines * sniffed.size / max(sniffed.head_on_disk, 1))), is_whole=sniffed.is_whole,
    )  # fmt: skip


def _mapping(scheme: Scheme, header: tuple[str, ...], options: ReadOptions) -> dict[str, str]:
    """The guess, with what was told in its place; a column that was told is taken from a field that was guessed."""
    known = {field.name for field in scheme.fields}
    for name, column in options.mapping.items():
        if name not in known:
            raise UnreadableFile(f"There is no field {name!r} to map: choose from {', '.join(sorted(known))}.")
        if column and column not in header:
            raise UnreadableFile(f"The file has no column {column!r}: it has {', '.join(header[:30])}.")
    told = {name: column for name, column in options.mapping.items() if column}
    guess = {name: column for name, column in scheme.guess(header).items() if column not in told.values()}
    return {name: column for name, column in (guess | options.mapping).items() if column}


def _missing(scheme: Scheme, mapping: dict[str, str], header: tuple[str, ...], options: ReadOptions) -> list[Question]:
    """A question for each column that is missing; who said that it is any table can match all of them by hand."""
    missing = scheme.missing(mapping)
    columns = ", ".join(header[:30])
    if missing and (scheme.source != "generic" or (options.source != "generic" and len(missing) == len(scheme.needs))):
        names = " and ".join(need[0] for need in missing)
        raise UnreadableFile(
            f"The file has no column for {names}: it has {columns}. Is it the right file, and is its first row the header?"
        )
    return [
        Question(
            f"mapping.{names[1][0][0]}",
            f"Which column holds {names[0]}? The file has {columns}.",
            tuple((column, column) for column in header if column not in mapping.values()),
        )
        for names in missing
    ]


def _dates(
    scheme: Scheme, columns: dict[str, list[str]], mapping: dict[str, str], options: ReadOptions, decided: dict[str, str]
) -> list[Question]:
    questions = []
    dates = [field.name for field in scheme.fields if field.holds == "date" and field.name in columns]
    if not options.date_order:
        found = {name: orders for name in dates if (orders := date_orders(columns[name])) is not None}
        certain = {next(iter(orders)) for orders in found.values() if len(orders) == 1}
        # One file, one hand: a column that is certain speaks for the others, unless it cannot be true of them.
        common = next(iter(certain)) if len(certain) == 1 else ""
        if common and all(common in orders for orders in found.values()):
            decided["date_order"] = common
        elif found:
            name = next(name for name, orders in found.items() if len(orders) != 1 or len(certain) != 1)
            example = next((cell for cell in columns[name] if cell.strip()), "")
            possible = [order for order in ORDERS if order in found[name]] or list(ORDERS)
            text = f"{mapping[name]} has dates such as {example[:30]}: does the day or the month come first?"
            questions.append(Question("date_order", text, tuple((order, ORDERS[order].capitalize()) for order in possible)))
    if scheme.time_zone:  # a fact of the source, whatever the shop's zone is
        decided["time_zone"] = scheme.time_zone
    elif not options.time_zone and (name := next((name for name in dates if lack_offset(columns[name])), "")):
        text = f"{mapping[name]} has times without an offset: in which time zone are they?"
        if are_days(columns[name]):
            text = f"{mapping[name]} has days and no times. Which time zone are these dates in?"
        questions.append(Question("time_zone", text))
    return questions


def _money(
    scheme: Scheme, columns: dict[str, list[str]], mapping: dict[str, str], options: ReadOptions, decided: dict[str, str]
) -> list[Question]:
    questions = []
    amounts = [field.name for field in scheme.fields if field.holds == "money" and field.name in columns]
    quantities = [field.name for field in scheme.fields if field.holds == "quantity" and field.name in columns]
    if scheme.decimal_mark:
        decided["decimal_mark"] = scheme.decimal_mark
    elif not options.decimal_mark:
        marks = {name: decimal_marks(columns[name]) for name in amounts + quantities}
        together = set().union(*marks.values()) if marks else set()
        if len(together - {"?"}) == 1:
            decided["decimal_mark"] = next(iter(together - {"?"}))
        elif together:
            name = next(name for name in amounts + quantities if marks[name])
            example = next((cell for cell in columns[name] if decimal_marks([cell])), "")
            text = f"{mapping[name]} has amounts such as {example[:30]}: does a point or a comma mark the decimals?"
            questions.append(Question("decimal_mark", text, ((".", "A point: 1,234.50"), (",", "A comma: 1.234,50"))))
    if scheme.currency:
        decided["currency"] = scheme.currency
    elif scheme.kind == "orders" and not options.currency and not any(cell.strip() for cell in columns.get("currency", [])):
        signs = set().union(*(currency_signs(columns[name]) for name in amounts)) if amounts else set()
        suggestion = next(iter(signs)) if len(signs) == 1 else ""
        text = "The file does not say in which currency its amounts are: which one is it?"
        questions.append(Question("currency", text, (), suggestion))
    return questions


def _amount_per(scheme: Scheme, columns: dict[str, list[str]], options: ReadOptions, decided: dict[str, str]) -> list[Question]:
    """Whether a generic file's amounts are per line or per order: told by amounts that differ within an order, or asked."""
    if scheme.source != "generic" or scheme.kind != "orders" or options.amount_per:
        return []
    if "amount" not in columns or "order_id" not in columns:
        decided["amount_per"] = "line"
        return []
    pairs = sorted(zip(columns["order_id"], columns["amount"], range(len(columns["amount"])), strict=True))
    groups = [list(group) for order, group in groupby(pairs, key=lambda pair: pair[0].strip()) if order]
    several = [group for group in groups if len(group) > 1]
    if not several:
        return []  # the rows decide: see `generic`
    if any(len({amount.strip() for _, amount, _ in group}) > 1 for group in several):
        decided["amount_per"] = "line"
        return []
    if "quantity" in columns and "unit_price" in columns:
        parse = money(options.decimal_mark or decided.get("decimal_mark", ""))
        rows = [row for group in several for _, _, row in group]
        cells = [[parse(columns[name][row]) for name in ("amount", "quantity", "unit_price")] for row in rows]
        if all(isinstance(a, int) and isinstance(q, int) and isinstance(p, int) and times(q, p) == a for a, q, p in cells):
            decided["amount_per"] = "line"
            return []
    text = "All rows of an order have the same amount: is it the amount of the line or of the whole order?"
    return [Question("amount_per", text, (("order", "Per order"), ("line", "Per line")), "order")]
