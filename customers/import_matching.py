"""One file and what was said about it so far: what the page "Match columns" shows, what is open, what the import is told."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import Shop
from customers.already_here import AlreadyHere, already_here
from customers.import_forms import KINDS, SOURCES, currencies, time_zones
from customers.importing.causes import told
from customers.importing.encodings import ENCODINGS
from customers.importing.options import Field, FileReport, Preview, Question, ReadOptions, UnreadableFile
from customers.importing.previewing import preview
from customers.importing.reading import inspect
from customers.importing.sniffing import sniff
from customers.models import DataImport, Order

ANSWERS = ("time_zone", "currency", "date_order", "decimal_mark", "amount_per")
LABELS = {
    "encoding": "Encoding",
    "time_zone": "Time zone of dates",
    "currency": "Currency",
    "date_order": "Order of day and month",
    "decimal_mark": "Decimal mark",
    "amount_per": "Amounts per line or order",
}
SEPARATED_BY = {",": "comma separated", ";": "semicolon separated", "\t": "tab separated", "|": "separated by bars"}
DECIDED = {
    "date_order": ("Dates read as", {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}),
    "decimal_mark": ("Decimals after", {".": "a point", ",": "a comma"}),
    "amount_per": ("Amounts are", {"line": "per line", "order": "per order"}),
    "currency": ("Currency", {}),
    "time_zone": ("Time zone", {}),
}
SHOWN_ROWS = 8


@dataclass(frozen=True)
class Column:
    """One column of the file; `goes_to` is the field's name or "", `readable` a share from 0 to 1, None as long as a question
    about it is open."""

    place: int
    name: str
    first: str
    goes_to: str
    readable: float | None
    error: str


@dataclass(frozen=True)
class Choice:
    """One option of the page. `text` is the question that the file leaves open, `hint` the likeliest answer in words. What the
    shop's own settings answer stands behind what a person has to."""

    name: str
    label: str
    value: str
    choices: tuple[tuple[str, str], ...]
    text: str
    hint: str
    is_open: bool


@dataclass(frozen=True)
class Matching:
    """What is known of a file and what was said about it. `problem` is a sentence if that cannot both be true, `not_counted`
    one about rows in a currency that is not the shop's."""

    report: FileReport
    options: ReadOptions
    columns: tuple[Column, ...]
    choices: tuple[Choice, ...]
    preview: Preview
    here: AlreadyHere
    problem: str
    missing: tuple[str, ...]
    not_counted: str = ""

    @property
    def can_start(self) -> bool:
        """Whether nothing is open and nothing contradicts itself."""
        return not (self.problem or self.missing or self.open or any(column.error for column in self.columns))

    @property
    def open(self) -> tuple[Choice, ...]:
        """The questions that wait for an answer."""
        return tuple(choice for choice in self.choices if choice.is_open)

    @property
    def open_words(self) -> str:
        """ "Open: order of day and month, currency"."""
        return f"Open: {', '.join(choice.label.lower() for choice in self.open)}"

    @property
    def is_known(self) -> bool:
        """Whether the file is of a system whose columns we know, so that there is nothing to match."""
        return self.report.source != "generic"

    @property
    def drawn_for(self) -> str:
        """Which columns and fields the selects stand for; what was chosen for others does not apply."""
        return drawn_for(self.report)

    @property
    def source_label(self) -> str:
        """The system that the file is from."""
        return SOURCES.get(self.report.source, self.report.source).removesuffix(", columns matched here")

    @property
    def kind_label(self) -> str:
        """Orders, customers or tickets."""
        return KINDS[self.report.kind]

    @property
    def row_count(self) -> str:
        """ "3 rows", "about 48,210 rows": exact where every row was looked at."""
        count = self.report.estimated_rows
        about = "" if self.report.rows_are_counted else "about "
        return f"{about}{count:,} row{'' if count == 1 else 's'}"

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """The systems to choose from; JSON lines leave no choice."""
        bulk = self.report.source == "shopify-bulk"
        return tuple((name, label) for name, label in SOURCES.items() if (name == "shopify-bulk") == bulk)

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """What the file may hold."""
        return ((self.report.kind, self.kind_label),) if self.report.source == "shopify-bulk" else tuple(KINDS.items())

    @property
    def shape(self) -> str:
        """ "UTF-8, comma separated"."""
        separated = SEPARATED_BY.get(self.report.delimiter, "JSON, one object a line")
        packed = ", compressed" if self.report.compressed else ""
        return f"{ENCODINGS.get(self.report.encoding, self.report.encoding.upper())}, {separated}{packed}"

    @property
    def time_zone_label(self) -> str:
        """The zone of the times in the preview."""
        return self.preview.time_zone.replace("_", " ")

    @property
    def decided(self) -> list[tuple[str, str]]:
        """What the file itself answered, in words."""
        decided = dict(self.report.decided)
        if "amount" not in self.report.mapping:
            decided.pop("amount_per", None)
        known = ((DECIDED[name], value) for name, value in decided.items() if name in DECIDED)
        return [(label, words.get(value, value.replace("_", " "))) for (label, words), value in known]

    @property
    def verdict(self) -> str:
        """What would become of the rows that were looked at, and why, in a sentence or two."""
        seen = self.preview
        rows = f"{seen.rows_tried:,} row{'' if seen.rows_tried == 1 else 's'}"
        if not self.report.rows_are_counted:
            rows = f"the {rows} tried"
        if not seen.rejected:
            return f"{rows[0].upper()}{rows[1:]} can be imported as {'it is' if seen.rows_tried == 1 else 'they are'}."
        sentence = f"{seen.rejected:,} of {rows} would be rejected: {told(seen.causes, seen.rejected)}."
        if seen.held_back:
            rest = "sound row of the same order" if seen.held_back == 1 else "sound rows of the same orders"
            sentence += f" {seen.held_back:,} {rest} would wait with them."
        return sentence

    @property
    def is_mostly_broken(self) -> bool:
        """Whether the import would in all likelihood be refused."""
        return self.preview.rejected > settings.IMPORT_REJECT_LIMIT * self.preview.rows_tried

    @property
    def mostly_ignored(self) -> str:
        """ "5 of 7 columns are not imported", where those are most; "" else, and while a column is asked for."""
        ignored = sum(not column.goes_to for column in self.columns)
        if self.is_known or self.missing or 2 * ignored <= len(self.columns):
            return ""
        return f"{ignored} of {len(self.columns)} columns {'is' if ignored == 1 else 'are'} not imported"

    @property
    def rows(self) -> list[list[tuple[Field, Any]]]:
        """The preview's rows in the order of its fields."""
        return [[(field, row[field.name]) for field in self.preview.fields] for row in self.preview.rows]

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a column can go to."""
        return self.report.fields


def drawn_for(report: FileReport) -> str:
    """A short name for the columns of a file and the fields that they can go to."""
    return f"{report.source}-{report.kind}-{zlib.crc32(repr(report.columns).encode()):08x}"


def match(
    data_import: DataImport, said: Mapping[str, Any], chosen: Mapping[int, str], shop: Shop, *, now: datetime
) -> Matching:
    """Look at the file with what was said about it.

    `said` has values by the names of `ReadOptions` (and `drawn_for`), `chosen` the field of each column by its place. The file
    is looked at up to four times, each well under a second whatever its size. Raises `UnreadableFile` if it is gone or damaged.
    """
    path, problem = Path(data_import.path), ""
    asked_for_encoding = sniff(path).question
    encoding = said.get("encoding") or "" if asked_for_encoding else ""
    options = ReadOptions(source=said.get("source") or "auto", kind=said.get("kind") or "", encoding=encoding)
    try:
        report = inspect(path, options)
    except UnreadableFile as refusal:
        problem, options = str(refusal), ReadOptions(source="generic", kind=data_import.kind)
        report = inspect(path, options)
    mapping, errors = _mapping(report, said, chosen)
    options = replace(options, source=report.source, kind=report.kind, mapping=mapping)
    if mapping:
        report = inspect(path, options)
    asked = {question.name: question for question in report.questions}
    answers: dict[str, Any] = {name: said.get(name) or _usual(name, shop) for name in ANSWERS if name in asked}
    if any(answers.values()):
        try:
            report = inspect(path, replace(options, **answers))
            options = replace(options, **answers)
        except UnreadableFile as refusal:
            problem = str(refusal)
    if asked_for_encoding:
        asked["encoding"] = asked_for_encoding
    still_open = {question.name for question in report.questions}
    asked |= {question.name: question for question in report.questions if question.name not in asked}
    seen = preview(path, options, now=now, rows=SHOWN_ROWS, time_zone=shop.time_zone)
    choices = [_choice(asked[name], options, name in still_open) for name in LABELS if name in asked]
    choices.sort(key=lambda choice: not choice.is_open and choice.value == _usual(choice.name, shop))
    return Matching(
        report=report,
        options=options,
        columns=_columns(report, seen, errors),
        choices=tuple(choices),
        preview=seen,
        here=already_here(seen.named),
        problem=problem,
        missing=tuple(_asked_for(question) for question in report.questions if question.name.startswith("mapping.")),
        not_counted=_not_counted(seen, shop),
    )


def _mapping(report: FileReport, said: Mapping[str, Any], chosen: Mapping[int, str]) -> tuple[dict[str, str], dict[int, str]]:
    """field -> column, "" for a field that no column goes to; and what is wrong, by the column's place."""
    known = {field.name: field.label for field in report.fields}
    if report.source != "generic":
        return {}, {}
    if said.get("drawn_for") != drawn_for(report):
        stored = said.get("mapping") or {}
        fits = all(name in known and (not column or column in report.columns) for name, column in stored.items())
        return (dict(stored), {}) if fits else ({}, {})
    mapping, errors = dict.fromkeys(known, ""), {}
    for place, column in enumerate(report.columns):
        name = chosen.get(place, "")
        if name not in known:
            continue
        if mapping[name]:
            errors[place] = f"{known[name]} is taken from {mapping[name]} already; choose one of the two."
        else:
            mapping[name] = column
    return mapping, errors


def _columns(report: FileReport, seen: Preview, errors: Mapping[int, str]) -> tuple[Column, ...]:
    goes_to = {column: name for name, column in report.mapping.items()}
    return tuple(
        Column(
            place=place,
            name=name,
            first=next((row[place] for row in report.samples if place < len(row) and row[place].strip()), ""),
            goes_to=goes_to.get(name, ""),
            readable=seen.readable_share.get(goes_to.get(name, "")),
            error=errors.get(place, ""),
        )
        for place, name in enumerate(report.columns)
    )


def _asked_for(question: Question) -> str:
    """A column's question without the list of columns, which stand on the page."""
    return question.text.partition("? ")[0].removesuffix("?") + "?"


def _choice(question: Question, options: ReadOptions, is_open: bool) -> Choice:
    choices = question.choices or {"currency": currencies(), "time_zone": time_zones()}.get(question.name, ())
    value = str(getattr(options, question.name))
    if value and value not in dict(choices):
        choices = ((value, value), *choices)
    return Choice(
        name=question.name,
        label=LABELS[question.name],
        value=value,
        choices=choices,
        text=question.text,
        hint=dict(choices).get(question.suggestion, "") if is_open else "",
        is_open=is_open,
    )


def _not_counted(seen: Preview, shop: Shop) -> str:
    """ "50 of 60 rows tried are in EUR, and the shop's currency is USD."; "" if there are none. A shop without orders takes the
    currency of its first file, if that has one only."""
    others = {code: rows for code, rows in seen.currencies.items() if code != shop.currency}
    if not others or (len(seen.currencies) == 1 and not Order.objects.exists()):
        return ""
    rows, tried, codes = sum(others.values()), seen.rows_tried, sorted(others)
    named = ", ".join(codes[:3]) + (" and others" if len(codes) > 3 else "")
    which = "The row" if tried == 1 else f"All {rows:,} rows tried" if rows == tried else f"{rows:,} of {tried:,} rows tried"
    return f"{which} {'are' if rows > 1 else 'is'} in {named}, and the shop's currency is {shop.currency}."


def _usual(name: str, shop: Shop) -> str:
    """The shop's own currency and zone, once it has orders to go by; a new shop is asked."""
    if name not in {"currency", "time_zone"} or not Order.objects.exists():
        return ""
    return shop.currency if name == "currency" else shop.time_zone
