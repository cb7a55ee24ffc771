"""The first person and the first key of a laptop's installation, kept so that the next start can print them again.

Never in production: there an admin makes accounts and keys by command, and no secret is written down.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from accounts.models import ApiKey, Shop, User
from quimbi.demo import MOST_CUSTOMERS

SCOPES = [ApiKey.Scope.READ.value, ApiKey.Scope.READ_PII.value, ApiKey.Scope.QUERY.value]
USERNAME = "admin"


@dataclass(frozen=True)
class FirstLogin:
    """What `up` prints. `password` is empty if the person has changed it, or if the account was made by somebody else."""

    username: str
    password: str
    api_key: str
    webhook_token: str


def first_login(folder: Path, now: datetime) -> FirstLogin:
    """Make what is missing of person, key and token, and return all three; kept in `folder` for the owner's eyes only.

    An admin who is there already is left alone. Costs one password hash.
    """
    path = folder / "first-login.json"
    kept = _read(path)
    username, password = _person(kept)
    login = FirstLogin(
        username=username,
        password=password,
        api_key=_key(kept.get("api_key", ""), now),
        webhook_token=os.environ.get("QUIMBI_WEBHOOK_TOKEN") or kept.get("webhook_token") or secrets.token_urlsafe(32),
    )
    if asdict(login) != kept:
        _write(path, login)
    return login


def _person(kept: dict[str, str]) -> tuple[str, str]:
    """The name and password to sign in with; the password is empty if only its owner knows it."""
    username, password = kept.get("username") or USERNAME, kept.get("password", "")
    admins = User.objects.filter(is_active=True, is_superuser=True).order_by("pk")
    person = admins.filter(username=username).first() or admins.first()
    if person is not None:
        return person.username, password if password and person.check_password(password) else ""
    password = password or secrets.token_urlsafe(9)
    User.objects.filter(username=username).delete()
    User.objects.create_superuser(username, "", password, role=User.Role.ADMIN)
    return username, password


def _key(kept: str, now: datetime) -> str:
    """The key of last time if it still works, else a new one; it may read all of an invented shop, of a real one the usual."""
    enough = MOST_CUSTOMERS if Shop.current().is_demo else ApiKey.CUSTOMERS_A_DAY
    row = ApiKey.objects.filter(digest=ApiKey.digest_of(kept)).first() if kept else None
    if row is None or not row.works_at(now):
        return ApiKey.issue("first key", SCOPES, customers_a_day=enough)[1]
    if row.customers_a_day in {MOST_CUSTOMERS, ApiKey.CUSTOMERS_A_DAY}:  # another number was somebody's choice
        ApiKey.objects.filter(pk=row.pk).update(customers_a_day=enough)
    return kept


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}


def _write(path: Path, login: FirstLogin) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(login), file, indent=2)
    draft.replace(path)
