from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from customers.importing import running
from customers.importing.commanding import ImportCommand
from customers.importing.faults import ImportRefused
from customers.models import DataImport


class Command(ImportCommand):
    """import_tables FOLDER: customers, orders, line_items, refunds, tickets and messages, those that are there."""

    help = "Import a folder with up to six tables as .csv, .csv.gz or .parquet; the fastest way in."
    kind = DataImport.Kind.TABLES

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder."""
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what came of it."""
        try:
            data_import = running.prepare(options["folder"], self.kind, {})
        except ImportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.do(data_import)
