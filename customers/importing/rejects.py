"""The reject file: every row that was not taken, where it stood and why, as CSV that a spreadsheet opens without harm."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings

from customers.importing.causes import Causes
from customers.importing.records import Reject

NAME = "rejects.csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def path_of(token: str) -> Path:
    """Where the reject file of an import lies, if it has one."""
    return Path(settings.IMPORTS_FOLDER) / token / NAME


def formula_safe(cell: str) -> str:
    """`cell` with an apostrophe before anything that a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class RejectFile:
    """Writes `rejects.csv` in `folder`, and deletes it if it has no row. `broken` counts rejects (`causes` says why),
    `held_back` sound rows with them. The rejects of several files have a column that names theirs."""

    def __init__(self, folder: Path, *, names_files: bool = False) -> None:
        self.path = folder / NAME
        self.names_files = names_files
        self.broken = 0
        self.held_back = 0
        self.causes = Causes()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([*(["file"] if self.names_files else []), "line", "column", "reason", "row"])
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if not (self.broken or self.held_back):
            self.path.unlink(missing_ok=True)

    def add(self, rejects: Iterable[Reject], file: str = "") -> None:
        """Write rows of `file`. A line of 0 means that the source does not tell where the row stood."""
        for reject in rejects:
            cells = (reject.column, reject.reason, reject.row)
            named = [file] if self.names_files else []
            self._writer.writerow([*named, reject.line or "", *(formula_safe(cell) for cell in cells)])
            if reject.with_order:
                self.held_back += 1
            else:
                self.broken += 1
                self.causes.add(reject, file if self.names_files else "")
