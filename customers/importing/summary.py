"""What came of an import, in numbers and in sentences."""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from customers.importing.causes import told


@dataclass
class Counts:
    """Rows of one kind that an import met."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass
class Summary:
    """Rows of the file, and what they became.

    `rows_read` = `rows_stored` + `rows_rejected` + `rows_held_back` (sound rows of an order that has a rejected row) + the sum
    of `rows_left_out` (rows that are no sale, by reason). `causes` has the most frequent causes of rejects. `orders_left_out`
    counts orders that are stored and do not count, by reason. `facts` has `Counts` for customers, products, orders, lines,
    refunds, tickets and messages.
    """

    rows_read: int = 0
    rows_rejected: int = 0
    rows_held_back: int = 0
    causes: dict[str, int] = field(default_factory=dict)
    rows_left_out: dict[str, int] = field(default_factory=dict)
    orders_left_out: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Counts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0

    @property
    def rows_stored(self) -> int:
        """Rows whose facts are in the tables now, whether they changed anything or not."""
        return self.rows_read - self.rows_rejected - self.rows_held_back - sum(self.rows_left_out.values())

    def count(self, name: str, *, new: int, changed: int, rows: int) -> None:
        """Add what one chunk did with `rows` rows of `name`."""
        counts = self.facts.setdefault(name, Counts())
        counts.new += new
        counts.changed += changed
        counts.unchanged += rows - new - changed

    def headline(self) -> str:
        """What became of the rows, in one sentence."""
        if not self.rows_read:
            return "No rows read."
        read = _counted(self.rows_read, "row")
        if self.rows_stored == self.rows_read:
            return f"{read} read and stored."
        stored = f"{self.rows_stored:,}" if self.rows_stored else "none"
        return f"{read} read, {stored} stored" + (f", {self.rows_rejected:,} rejected." if self.rows_rejected else ".")

    def about_rejects(self) -> str:
        """Why rows were rejected; "" if none was."""
        if not self.rows_rejected:
            return ""
        one = self.rows_rejected == 1
        why = told(self.causes, self.rows_rejected)
        sentence = f"{_counted(self.rows_rejected, 'row')} {'was' if one else 'were'} rejected{': ' if why else ''}{why}."
        if self.rows_held_back:
            waits = "waits" if self.rows_held_back == 1 else "wait"
            sentence += f" {_counted(self.rows_held_back, 'sound row')} of the same orders {waits} in the reject file."
        return sentence

    def details(self) -> list[str]:
        """What was stored, and what was left out and why."""
        lines = []
        for word in ("new", "changed", "unchanged"):
            counts = [(name, getattr(self.facts[name], word)) for name in sorted(self.facts, key=_place)]
            if things := ", ".join(_things(name, word, count) for name, count in counts if count):
                lines.append(f"{things}.")
        for reason, count in sorted(self.rows_left_out.items()):
            lines.append(f"{_counted(count, 'row')} not taken: {reason}.")
        for reason, count in sorted(self.orders_left_out.items()):
            does = "is stored but does" if count == 1 else "are stored but do"
            lines.append(f"{_counted(count, 'order')} {does} not count: {_LEFT_OUT.get(reason, reason)}.")
        return [*lines, *self.notes]

    def sentences(self) -> list[str]:
        """The summary for a person, most important first."""
        return [*filter(None, (self.headline(), self.about_rejects())), *self.details()]

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes, with the sentences for pages."""
        return asdict(self) | {"rows_stored": self.rows_stored, "sentences": self.sentences()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The summary in `data`; {} gives an empty one."""
        known = {key: value for key, value in data.items() if key not in {"rows_stored", "sentences", "facts"}}
        return cls(**known, facts={name: Counts(**counts) for name, counts in data.get("facts", {}).items()})


_LEFT_OUT = {
    "cancelled": "cancelled",
    "test": "a test order",
    "unpaid": "not paid",
    "refunded": "refunded in full",
    "zero": "a total of zero or less",
    "currency": "in another currency",
}


_FIRST = ("customers", "orders", "lines", "products", "refunds", "tickets", "messages")


def _place(name: str) -> tuple[int, str]:
    """Where these facts stand among the others; a JSON column does not keep their order."""
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _counted(count: int, thing: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _things(name: str, word: str, count: int) -> str:
    """ "97 new customers"."""
    return _counted(count, f"{word} {'order line' if name == 'lines' else name.removesuffix('s')}")
