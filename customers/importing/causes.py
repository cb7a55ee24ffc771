"""Why rows are not taken, in phrases that many rows share and that can be counted: "4 without an amount"."""

from collections import Counter
from collections.abc import Mapping

from customers.importing.options import Field
from customers.importing.records import Reject

MOST_TOLD = 4
_MOST_COUNTED = 200
_BY_NAME = {
    "order_id": "an order id",
    "customer_id": "a customer id",
    "unit_price": "a unit price",
    "total": "a total",
    "ticket_id": "a ticket id",
    "closed_at": "a closing date",
    "satisfaction": "a score",
    "satisfaction_score": "a score",
    "messages": "a count of messages",
    "email": "an e-mail address",
    "phone": "a phone number",
    "invoice": "an invoice number",
    "stock_code": "a stock code",
}
_BY_HOLDS = {
    "date": "a date",
    "time": "a date",
    "money": "an amount",
    "quantity": "a quantity",
    "id": "an id",
    "currency": "a currency",
    "status": "a status",
    "consent": "a consent",
    "flag": "a yes or no",
    "tags": "tags",
}
_ARTICLES = ("an ", "a ")


def noun(field: Field) -> str:
    """ "an amount"."""
    return thing(field.name, field.holds, field.label.lower())


def thing(name: str, holds: str, label: str = "") -> str:
    """ "an amount", of a column's name and of what it holds; by its label, or else its name, if those say nothing."""
    plain = label or name.replace("_", " ")
    article = "an" if plain.startswith(tuple("aeio")) else "a"
    return _BY_NAME.get(name) or _BY_HOLDS.get(holds) or f"{article} {plain}"


def without(thing: str) -> str:
    """ "without an amount", of "an amount"."""
    return f"without {thing}"


def unreadable(thing: str) -> str:
    """ "with an amount that cannot be read", of "an amount"."""
    return f"with {thing} that cannot be read"


def lacking(cause: str) -> str:
    """ "no amount", of "without an amount"; "" for a cause that is no lack."""
    thing = cause.removeprefix("without ")
    if thing == cause:
        return ""
    bare = next((thing.removeprefix(article) for article in _ARTICLES if thing.startswith(article)), thing)
    return f"no {bare}"


class Causes:
    """Counts rejects by their causes, in memory that stays flat whatever the file holds."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reject: Reject, file: str = "") -> None:
        """Count one row, of `file` if the import has several."""
        cause = reject.cause or (f"with a problem in {reject.column}" if reject.column else "that cannot be read")
        if file:
            cause = f"{cause} ({file})"
        if cause in self._counts or len(self._counts) < _MOST_COUNTED:
            self._counts[cause] += 1

    def most(self) -> dict[str, int]:
        """The most frequent causes with their rows, most first; a handful."""
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_TOLD])


def told(causes: Mapping[str, int], rows: int) -> str:
    """ "4 without an amount, 3 with a date that cannot be read", of `rows` rows; what `causes` leaves over comes last.

    "" where no cause is known.
    """
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))  # a JSON column does not keep the order
    if len(ranked) == 1 and ranked[0][1] >= rows:
        return f"all {ranked[0][0]}" if rows > 1 else ranked[0][0]
    parts = [f"{count:,} {cause}" for cause, count in ranked]
    others = rows - sum(causes.values())
    if parts and others > 0:
        parts.append(f"{others:,} for other reasons")
    return ", ".join(parts)
