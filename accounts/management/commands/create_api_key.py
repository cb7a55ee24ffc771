"""`manage.py create_api_key NAME [--scope read] [--origin https://shop.example] [--days 365] [--rotate PREFIX]`."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.naming import working_key
from accounts.models import ApiKey


class Command(BaseCommand):
    """Make a key and print it once."""

    help = "Make a key for the API. It is printed once, alone on the last line; we keep only its digest."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, scopes, web pages, life, limits and the key that is replaced."""
        parser.add_argument("name", help="what will use it, like 'dashboard'")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, help="repeat for several; read if none is given"
        )
        parser.add_argument("--days", type=int, default=ApiKey.LONGEST_LIFE.days, help="days it lives, 1 to 365 (default 365)")
        parser.add_argument(
            "--origin", action="append", help="a site whose pages may send it, like https://shop.example; repeat"
        )
        parser.add_argument("--requests-a-minute", type=int, help="600 unless told, 120 for a key with origins that only reads")
        parser.add_argument("--customers-a-day", type=int, help="different customers that it may read a day; 0: no end")
        parser.add_argument("--rotate", metavar="PREFIX", help="replace this key, which works for another 24 hours")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was made, then the key."""
        try:
            row, secret = self._rotated(options) if options["rotate"] else self._issued(options)
        except ValidationError as problem:
            raise CommandError(" ".join(problem.messages)) from problem
        self.stdout.write(f"{row} may {', '.join(row.scopes)} until {row.expires_at:%Y-%m-%d}. Keep it: it is shown this once.")
        self.stdout.write(secret)

    @staticmethod
    def _issued(options: dict[str, Any]) -> tuple[ApiKey, str]:
        longest = ApiKey.LONGEST_LIFE.days
        if not 1 <= options["days"] <= longest:
            raise CommandError(f"--days takes 1 to {longest}.")
        scopes = list(dict.fromkeys(options["scope"] or [ApiKey.Scope.READ.value]))
        # The longest life is counted from the key's own creation, a moment from now: leave it to the model.
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] < longest else None
        return ApiKey.issue(
            options["name"],
            scopes,
            origins=dict.fromkeys(options["origin"] or []),
            expires_at=expires_at,
            requests_a_minute=options["requests_a_minute"],
            customers_a_day=options["customers_a_day"],
        )

    @staticmethod
    def _rotated(options: dict[str, Any]) -> tuple[ApiKey, str]:
        others = (options["scope"], options["origin"], options["requests_a_minute"], options["customers_a_day"])
        if options["days"] != ApiKey.LONGEST_LIFE.days or any(each is not None for each in others):
            raise CommandError("--rotate keeps what the key may do and starts a new year; leave the other options away.")
        return working_key(options["rotate"]).rotate(timezone.now())
