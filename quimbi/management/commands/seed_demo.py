"""``manage.py seed_demo --customers 5000 --seed 7``: the invented shop 'Heddle & Hem'."""

from dataclasses import asdict
from datetime import UTC, datetime, time
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from quimbi.demo import shop
from quimbi.demo.almanac import midnight


def _day(text: str) -> datetime:
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), time(), UTC)
    except ValueError as problem:
        raise CommandError(f"{text!r} is not a date; write it like 2026-11-23.") from problem


class Command(BaseCommand):
    """Call `quimbi.demo.shop.seed` and print what came of it."""

    help = "Invent a craft-supplies shop: customers, orders, refunds, tickets, consent. The same seed gives the same shop."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many, from which seed, until when."""
        parser.add_argument("--customers", type=int, default=5_000, help="Number of profiles (default 5000).")
        parser.add_argument("--seed", type=int, default=1, help="Any whole number from 0 on (default 1).")
        parser.add_argument("--as-of", default="", metavar="DATE", help="The history ends before this day (UTC).")
        parser.add_argument("--replace", action="store_true", help="Remove the present demo shop first.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, or refuse in one sentence."""
        begun, now = monotonic(), timezone.now()
        as_of = _day(options["as_of"]) if options["as_of"] else midnight(now)
        if as_of > now:
            raise CommandError(f"{as_of:%Y-%m-%d} is still to come; give a day up to {now:%Y-%m-%d}.")
        try:
            counts = shop.seed(options["customers"], options["seed"], as_of, self._tell(options), replace=options["replace"])
        except shop.DemoRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        for what, count in asdict(counts).items():
            self.stdout.write(f"{what:>10} {count:>10,}")
        self.stdout.write(f"{shop.NAME} is open: invented with seed {options['seed']} in {monotonic() - begun:.1f} s.")

    def _tell(self, options: dict[str, Any]) -> shop.Progress:
        told = -1

        def tell(share: float, note: str) -> None:
            nonlocal told
            if options["verbosity"] and int(share * 10) > told and self.stderr.isatty():
                told = int(share * 10)
                self.stderr.write(f"{share:4.0%}  {note}")

        return tell
