"""`manage.py backtest`: what would have been predicted on days of the past, against what happened."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.clock import add_as_of, as_of_from
from predictions import runs
from predictions.histories import kept_share, occasions
from predictions.maths.backtest import Report, backtest
from predictions.maths.days import date_of
from predictions.maths.gate import TooLittleData, check
from predictions.record import local_day


class Command(BaseCommand):
    """Fit on what was known at each cutoff, and compare with the 90 days that followed."""

    help = "Compare what would have been predicted on past days with what happened."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many cutoffs, and seen from when."""
        parser.add_argument("--cutoffs", type=int, default=3, metavar="N", help="how many days, 30 apart (default 3)")
        add_as_of(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one block a cutoff."""
        if options["cutoffs"] < 1:
            raise CommandError("--cutoffs must be at least 1.")
        as_of = as_of_from(options)
        everybody, today = occasions(as_of), local_day(as_of)
        try:
            check(everybody, today)
        except TooLittleData as problem:
            raise CommandError(str(problem)) from problem
        reports = backtest(everybody, today, cutoffs=options["cutoffs"], kept_share=kept_share(as_of), seed=runs.SEED)
        if not reports:
            raise CommandError("90 days back the shop had too little data for predictions; nothing can be compared yet.")
        for report in reports:
            self.stdout.write(_in_words(report))


def _in_words(report: Report) -> str:
    day = date_of(report.day)
    levels = ", ".join(f"{count:,} {name}" for name, count in report.levels.items())
    better = 1 - report.log_loss / report.ordering_log_loss
    return (
        f"As of {day.day} {day:%B %Y}, {report.customers:,} customers:\n"
        f"  no order in 30 days: {report.base_rate:.1%} happened; calibration error {report.calibration_error:.3f}, "
        f"AUC {report.area:.3f} (ordering alone {report.ordering_area:.3f}), log loss {report.log_loss:.4f} "
        f"({better:+.1%} against {report.ordering_log_loss:.4f} of the model of ordering alone)\n"
        f"  lapse risk: {levels}; calibration error with three or more orders {report.lapse_calibration_error:.3f}; "
        f"of {report.critical:,} called critical, {report.critical_lapsed:.0%} did not order in their own horizon\n"
        f"  next 90 days: revenue {report.revenue_error:+.1%} off in sum, rank correlation {report.rank_correlation:.2f}"
    )
