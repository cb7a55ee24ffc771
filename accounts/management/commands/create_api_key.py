"""`manage.py create_api_key NAME [--scope read] [--origin https://shop.example] [--days 365]`."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import ApiKey


class Command(BaseCommand):
    """Make a key and print it once."""

    help = "Make a key for the API. It is printed once, alone on the last line; we keep only its digest."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, scopes, web pages, life and limits."""
        parser.add_argument("name", help="what will use it, like 'dashboard'")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, help="repeat for several; read if none is given"
        )
        parser.add_argument("--days", type=int, default=ApiKey.LONGEST_LIFE.days, help="days it lives, 1 to 365 (default 365)")
        parser.add_argument(
            "--origin",
            action="append",
            help="a site whose pages may send it, like https://shop.example; repeat; only for a key with the scope read alone",
        )
        parser.add_argument("--requests-a-minute", type=int, help="600 unless told, 120 for a key with origins")
        parser.add_argument("--customers-a-day", type=int, help="different customers that it may read a day; 0: no end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was made, then the key."""
        longest = ApiKey.LONGEST_LIFE.days
        if not 1 <= options["days"] <= longest:
            raise CommandError(f"--days takes 1 to {longest}.")
        try:
            row, secret = ApiKey.issue(
                options["name"],
                list(dict.fromkeys(options["scope"] or [ApiKey.Scope.READ.value])),
                origins=dict.fromkeys(options["origin"] or []),
                life=timedelta(days=options["days"]),
                requests_a_minute=options["requests_a_minute"],
                customers_a_day=options["customers_a_day"],
            )
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        self.stdout.write(f"{row} may {', '.join(row.scopes)} until {row.expires_at:%Y-%m-%d}. Keep it: it is shown this once.")
        self.stdout.write(secret)
