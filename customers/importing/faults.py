"""What can end an import, told in one sentence to the person who started it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError

from customers.models import DataImport

_FULL = ("disk is full", "disk full", "no space left", "could not extend file")


class ImportRefused(Exception):
    """The import ended; the message is one sentence that says why and what to do."""


def is_full_disk(problem: BaseException) -> bool:
    """Whether a disk (ours or the database's) ran out of space."""
    if isinstance(problem, OSError) and problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(words in str(problem).lower() for words in _FULL)


@contextmanager
def told_plainly(data_import: DataImport, folder: Path) -> Iterator[None]:
    """Turn a full disk into `ImportRefused`, and keep the sentence of any refusal with the import."""
    import sqlite3

    try:
        yield
    except ImportRefused as refusal:
        _keep(data_import, str(refusal))
        raise
    except (OSError, DatabaseError, sqlite3.Error) as problem:
        if not is_full_disk(problem):
            raise
        size = Path(data_import.path).stat().st_size if Path(data_import.path).is_file() else 0
        free = shutil.disk_usage(folder).free
        sentence = (
            f"The disk is full: this import needs about {4 * size / 1e9 + 0.1:,.1f} GB and {free / 1e9:,.1f} GB are free; "
            "make room (for the database too) and start it again, it goes on where it stopped."
        )
        raise ImportRefused(sentence) from problem


def _keep(data_import: DataImport, sentence: str) -> None:
    data_import.summary["problem"] = sentence
    DataImport.objects.filter(pk=data_import.pk).update(summary=data_import.summary)
