"""What a source hands over that reads column by column: the fast relative of `records.Batch`."""

from dataclasses import dataclass, field
from typing import Any

from customers.importing.facts import Arrays
from customers.importing.records import Reject


@dataclass(slots=True)
class ColumnBatch:
    """Rows of one kind, as Arrow arrays by the names of `records`.

    An array ``line`` has each row's place in its file. `original` is the batch as it was read, for the reject file, `file` the
    name of that file and `names` its name of a column where it is another.
    """

    facts: str
    arrays: Arrays
    original: Any = None
    names: dict[str, str] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    rows_read: int = 0
    bytes_read: int = 0
    file: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
