"""Naming a key on the command line."""

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import ApiKey


def working_key(prefix: str) -> ApiKey:
    """The key that begins so. Raises `CommandError` if there is none or it has ended."""
    key = ApiKey.objects.filter(prefix=prefix).first()
    if key is None or not key.works_at(timezone.now()):
        raise CommandError(f"No working key begins with {prefix!r}; manage.py list_api_keys shows them all.")
    return key
