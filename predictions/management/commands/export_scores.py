"""`manage.py export_scores FILE`: every buyer's predictions as CSV."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.clock import add_as_of, as_of_from
from jobs.exclusive import Busy
from predictions.exporting import export_scores
from predictions.maths.gate import TooLittleData


class Command(BaseCommand):
    """Score as of a moment and write the file; what pages show stays as it is."""

    help = "Write every buyer's churn, lapse, expected orders and value to a CSV file."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and as of when."""
        parser.add_argument("file", metavar="FILE")
        add_as_of(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and say how many."""
        path = Path(options["file"])
        try:
            customers = export_scores(path, as_of_from(options))
        except (TooLittleData, Busy) as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            raise CommandError(f"{path} cannot be written: {problem.strerror or problem}.") from problem
        self.stdout.write(f"{customers:,} customers written to {path}.")
