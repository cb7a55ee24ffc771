"""`manage.py predict`: churn, lapse and value for every buyer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from customers.clock import add_as_of, as_of_from
from jobs.exclusive import Busy
from predictions import runs
from predictions.catching_up import score_again
from predictions.maths.gate import TooLittleData


class Command(BaseCommand):
    """Score every buyer, learning from the shop's past first where nothing has been learned yet."""

    help = "Predict churn, lapse and value for every buyer."

    def add_arguments(self, parser: CommandParser) -> None:
        """As of when, and whether to learn anew."""
        add_as_of(parser)
        parser.add_argument("--refit", action="store_true", help="learn from the past anew, as the monthly job does")

    def handle(self, *args: Any, **options: Any) -> None:
        """Predict, and say how many."""
        as_of = as_of_from(options)
        began = timezone.now()
        try:
            scored = runs.predict_everyone(as_of, refit=options["refit"], for_the_record=options["as_of"] is None)
        except (TooLittleData, Busy) as problem:
            raise CommandError(str(problem)) from problem
        score_again(began)
        self.stdout.write(f"{scored:,} customers scored as of {as_of:%Y-%m-%d}.")
