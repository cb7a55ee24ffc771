"""`manage.py revoke_api_key PREFIX`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from accounts.management.naming import working_key


class Command(BaseCommand):
    """End a key at once."""

    help = "End a key of the API with its next request. There is no way back; make a new one instead."

    def add_arguments(self, parser: CommandParser) -> None:
        """The key's beginning."""
        parser.add_argument("prefix", help="how the key begins, like qk_1a2b3c4d")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say which key ended."""
        key = working_key(options["prefix"])
        key.revoke(timezone.now())
        self.stdout.write(f"{key} is revoked.")
