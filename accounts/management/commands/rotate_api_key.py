"""`manage.py rotate_api_key PREFIX`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.management.naming import working_key
from accounts.models import NotRotated


class Command(BaseCommand):
    """Replace a key without a gap."""

    help = "Make a new key that may do the same and print it once, alone on the last line; the old one works for 24 hours more."

    def add_arguments(self, parser: CommandParser) -> None:
        """The old key's beginning."""
        parser.add_argument("prefix", help="how the old key begins, like qk_1a2b3c4d")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print until when the old one works, then the new one."""
        old = working_key(options["prefix"])
        try:
            row, secret = old.rotate(timezone.now())
        except NotRotated as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{old} works until {old.expires_at:%Y-%m-%d %H:%M} UTC; {row} replaces it. It is shown this once.")
        self.stdout.write(secret)
