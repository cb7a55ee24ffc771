"""What is said about a file before it is read: the report, the questions, the answers, and what can go wrong."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self


class UnreadableFile(Exception):
    """The file cannot be read at all. The text is one sentence for the person who chose it: what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the file leaves open and that changes what its rows mean.

    `name` is the field of `ReadOptions` that answers it, or `mapping.<field>` where a column has to be chosen;
    `choices` are pairs of value and label (empty: free text), `suggestion` the likeliest value or "".
    """

    name: str
    text: str
    choices: tuple[tuple[str, str], ...] = ()
    suggestion: str = ""


class NeedsAnswer(Exception):
    """The file can only be read once `question` is answered; nothing has been guessed."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.text)
        self.question = question


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file. An empty value is an open one: decided from the file where it says so, asked for otherwise.

    `mapping` names the column of a field and wins over the guess; a field mapped to "" is not read. `time_zone` is the zone of
    times without an offset, `date_order` one of dmy, mdy, ymd, `decimal_mark` "." or ",", `amount_per` "line" or "order".
    """

    source: str = "auto"
    kind: str = ""
    mapping: dict[str, str] = field(default_factory=dict)
    currency: str = ""
    time_zone: str = ""
    date_order: str = ""
    decimal_mark: str = ""
    encoding: str = ""
    amount_per: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The options in `data` (as `to_json` made them); unknown keys are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known and value is not None})

    def to_json(self) -> dict[str, Any]:
        """The options as JSON takes them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a row can tell. `holds` is the kind of value, `aliases` the normalised column names it is found under."""

    name: str
    label: str
    holds: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileReport:
    """What a look at the head of a file (and at spots further in) shows.

    `mapping` is field -> column as far as it was told or guessed; `fields` are all fields that could be mapped.
    `estimated_rows` follows from the bytes, or is exact where `rows_are_counted`. `decided` holds what the file itself answered
    (date order, decimal mark).
    """

    path: Path
    kind: str
    source: str
    encoding: str
    delimiter: str
    compressed: bool
    columns: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    mapping: dict[str, str]
    fields: tuple[Field, ...]
    estimated_rows: int
    questions: tuple[Question, ...]
    decided: dict[str, str]
    rows_are_counted: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell as it would be stored (`text`), or why it cannot be (`problem`).

    `waits`: it cannot be told before an open question is answered; then `text` is the cell as it stands in the file.
    """

    text: str
    problem: str = ""
    waits: bool = False


@dataclass(frozen=True)
class Named:
    """Whom and what the rows tried name: people by id, those without one by e-mail address, and orders by id."""

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows as they would be understood, and what an import would make of all `rows_tried` rows.

    `readable_share` (0 to 1) is by field; a field that waits for an answer has none. `rejected` rows would not be taken,
    the most frequent causes with their rows in `causes`; `held_back` rows are sound, but of an order with such a row.
    `time_zone` is the zone of the times that are shown, "" if no time of day is. `has_addresses_for_ids`: some ids are e-mail
    addresses or phone numbers, and are taken as such. `currencies` are those of the rows of orders, with their rows.
    """

    fields: tuple[Field, ...]
    rows: tuple[dict[str, Shown], ...]
    readable_share: dict[str, float]
    rows_tried: int
    named: Named = Named()
    rejected: int = 0
    held_back: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    time_zone: str = ""
    has_addresses_for_ids: bool = False
    currencies: dict[str, int] = field(default_factory=dict)
