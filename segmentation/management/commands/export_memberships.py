"""`manage.py export_memberships FILE`: the published segmentation as CSV."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from segmentation.exporting import export_memberships


class Command(BaseCommand):
    """Write customer_id, axis, segment, membership, evidence."""

    help = "Write everybody's memberships to a CSV file; a name that ends in .gz is compressed."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file."""
        parser.add_argument("file", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and say how many."""
        path = Path(options["file"])
        try:
            customers = export_memberships(path)
        except LookupError as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            raise CommandError(f"{path} cannot be written: {problem.strerror or problem}.") from problem
        self.stdout.write(f"{customers:,} customers written to {path}.")
