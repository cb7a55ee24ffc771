"""One import from its row to its end: the file, the answers that were given about it, the shop, the loader."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from accounts.models import Shop
from customers.importing import reading, tables
from customers.importing.breaking_off import StopIfAsked, nobody_asks
from customers.importing.faults import ImportRefused
from customers.importing.loading import READ, STORED, load
from customers.importing.options import ReadOptions
from customers.importing.summary import Summary
from customers.models import DataImport

Progress = Callable[[float, str], None]
UPDATE_FIGURES = "Update customer figures"


def prepare(path: Path, kind: str, options: dict[str, Any], *, name: str = "") -> DataImport:
    """A row for a file (for `tables` a folder) that lies on this server; raises `ImportRefused` if it does not."""
    if not path.exists():
        raise ImportRefused(f"There is no file {path}; check the name.")
    if kind != DataImport.Kind.TABLES and path.is_dir():
        raise ImportRefused(f"{path} is a folder; name one file, or use import_tables for the six tables.")
    return DataImport.objects.create(
        token=secrets.token_hex(16), kind=kind, path=str(path.resolve()), original_name=name or path.name, options=options
    )


def run(
    data_import: DataImport,
    *,
    as_of: datetime,
    progress: Progress | None = None,
    stop_if_asked: StopIfAsked = nobody_asks,
) -> Summary:
    """Read and store the file of `data_import`; goes on from its checkpoint if it was begun before.

    What `progress` or `stop_if_asked` raise ends it early (see `load`). Raises `ImportRefused` with one sentence if it cannot
    be stored; then `data_import.summary["problem"]` has it too.
    """
    shop = Shop.current()
    path = Path(data_import.path)
    try:
        if data_import.kind == DataImport.Kind.TABLES:
            batches: Any = tables.read(path, shop.guest_key)
        else:
            options = _options(data_import, shop)
            report = reading.inspect(path, options)
            _check_kind(data_import, report)
            data_import.options = options.to_json() | {"source": report.source}
            data_import.save(update_fields=["options"])
            batches = reading.read(path, options, now=as_of, guest_key=shop.guest_key)
        return load(batches, data_import, shop=shop, as_of=as_of, progress=progress, stop_if_asked=stop_if_asked)
    except (reading.UnreadableFile, reading.NeedsAnswer) as problem:
        sentence = str(problem)
    except FileNotFoundError:
        sentence = f"The file {data_import.original_name} is not on this server any more; upload it again."
    _refuse(data_import, sentence)
    raise ImportRefused(sentence)


def step_names(kind: str) -> tuple[str, str, str]:
    """What an import does, for a job's list of steps; the last of them is `UPDATE_FIGURES`."""
    saved = {DataImport.Kind.CUSTOMERS: "customers", DataImport.Kind.TICKETS: "tickets"}
    return "Read the file", f"Save {saved.get(DataImport.Kind(kind), 'customers and orders')}", UPDATE_FIGURES


def step_at(share: float) -> int:
    """Which of the steps the loader is at, `share` of the whole being done."""
    return 0 if share <= READ else 1 if share <= STORED else 2


def _options(data_import: DataImport, shop: Shop) -> ReadOptions:
    """What was said about the file; the shop's currency and time zone where nothing was said."""
    options = ReadOptions.from_json(data_import.options)
    return replace(
        options,
        kind=options.kind or data_import.kind,
        currency=options.currency or shop.currency,
        time_zone=options.time_zone or shop.time_zone,
    )


def _check_kind(data_import: DataImport, report: reading.FileReport) -> None:
    if report.kind != data_import.kind:
        raise reading.UnreadableFile(
            f"{data_import.original_name} looks like a file of {report.kind}, not of {data_import.kind};"
            f" import it as {report.kind}."
        )


def _refuse(data_import: DataImport, sentence: str) -> None:
    is_begun = data_import.state == DataImport.State.STOPPED or data_import.checkpoint.get("done")
    data_import.state = DataImport.State.STOPPED if is_begun else DataImport.State.REFUSED
    data_import.summary["problem"] = sentence
    data_import.save(update_fields=["state", "summary"])
