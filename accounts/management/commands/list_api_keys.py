"""`manage.py list_api_keys`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import ApiKey


class Command(BaseCommand):
    """Print every key, never its secret."""

    help = "Show every key of the API by its prefix: state, scopes, origins, end, last use and name, newest first."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a key, fields separated by tabs under their names; days in UTC."""
        now = timezone.now()
        self.stdout.write("prefix\tstate\tscopes\torigins\texpires\tlast used\tname")
        for key in ApiKey.objects.all():
            used = f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never"
            may, pages = ",".join(key.scopes), ",".join(key.origins) or "none"
            self.stdout.write(
                "\t".join((key.prefix, key.state_at(now), may, pages, f"{key.expires_at:%Y-%m-%d}", used, key.name))
            )
