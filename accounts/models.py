"""Who may do what, and the one shop that this deployment serves."""

import hashlib
import secrets
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.utils import timezone

from accounts.origins import HOW_TO_WRITE, is_origin

ONLY_FIGURES = (
    "Everybody can copy a key from a web page, so only one with the scope read alone may name pages; make a key of its own for "
    "them."
)


class User(AbstractUser):
    """A person who signs in; the role says what for."""

    class Role(models.TextChoices):
        AGENT = "agent", "Support agent"
        MARKETER = "marketer", "Marketer"
        ADMIN = "admin", "Admin"

    role = models.CharField(max_length=16, choices=Role, default=Role.AGENT)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep `is_staff`, which opens the Django admin, to what the role says."""
        self.is_staff = self.is_admin
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "is_staff"}
        super().save(*args, **kwargs)

    @property
    def is_admin(self) -> bool:
        """Whether this person may do everything that the product offers."""
        return self.is_superuser or self.role == self.Role.ADMIN

    @property
    def may_change_data(self) -> bool:
        """Whether this person may import files, start runs and cancel jobs."""
        return self.is_admin or self.role == self.Role.MARKETER

    # The role is the permission: Django's per-model permissions and groups are not used. Read from the role and not from
    # `is_staff`, so that a role that was taken away in bulk is gone with the next request.

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether an admin asks; which permission makes no difference."""
        return self.is_active and self.is_admin

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Whether an admin asks; which permissions makes no difference."""
        return self.is_active and self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """Whether an admin asks; which app makes no difference."""
        return self.is_active and self.is_admin


def known_time_zone(name: str) -> None:
    """Raise `ValidationError` unless `name` is an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise ValidationError(f"{name!r} is not a time zone; write one like Europe/London.") from problem


def new_guest_key() -> str:
    """32 random bytes in hexadecimal."""
    return secrets.token_hex(32)


class Shop(models.Model):
    """The shop's own settings: one row, made on first use with the defaults below."""

    name = models.CharField(max_length=120, default="Your shop")
    currency = models.CharField(
        max_length=3,
        default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "Write the currency as three capitals, like USD.")],
        help_text="Orders in another currency are kept and counted, but not added to any figure.",
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[known_time_zone],
        help_text="Weekends, paydays and every time on a page follow this zone.",
    )
    churn_days = models.SmallIntegerField(
        "churn horizon",
        choices=[(days, f"{days} days") for days in (30, 60, 90, 120, 180)],
        default=30,
        help_text="Churn risk is the chance of no order in so many days. A change counts from the next nightly prediction.",
    )
    is_demo = models.BooleanField(default=False, editable=False)
    # In every guest's id (`customers.importing.guests`): never shown, and never changed, which is why it is not SECRET_KEY.
    guest_key = models.CharField(max_length=64, default=new_guest_key, editable=False)

    class Meta:
        verbose_name = "shop"
        verbose_name_plural = "shop"
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_shop_a_deployment")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> "Shop":
        """The shop; one query per call."""
        return cls.objects.get_or_create(pk=1)[0]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that pages and local days follow."""
        return ZoneInfo(self.time_zone)


def known_scopes(scopes: object) -> None:
    """Raise `ValidationError` unless `scopes` is a list of at least one scope and nothing else."""
    if not isinstance(scopes, list) or not scopes or not set(scopes) <= set(ApiKey.Scope.values):
        raise ValidationError(f"Choose at least one of {', '.join(ApiKey.Scope.values)}.")


def web_origins(origins: object) -> None:
    """Raise `ValidationError` unless `origins` is a list of origins such as https://shop.example."""
    if not isinstance(origins, list):
        raise ValidationError('Write a list of origins, like ["https://shop.example"].')
    for origin in origins:
        if not isinstance(origin, str) or not is_origin(origin):
            raise ValidationError(f"{str(origin)[:100]!r} is no origin; write origins {HOW_TO_WRITE}.")


def only_figures_from_pages(scopes: Iterable[str], origins: Collection[str]) -> None:
    """Raise `ValidationError` if a key names web pages and may more than read figures: everybody can copy it from a page."""
    if origins and not set(scopes) <= {ApiKey.Scope.READ}:
        raise ValidationError({"origins": ONLY_FIGURES})


A_NAME = "Give the key a name, of at most 80 characters."
REQUESTS_A_MINUTE_TAKES = "Give a whole number of requests a minute, from 1 to 1,000,000."
CUSTOMERS_A_DAY_TAKES = "Give a whole number of customers a day, from 1 to 100,000,000, or 0 for no end."


class NotRotated(Exception):
    """The key has a successor already, or has ended meanwhile; the message is one sentence that says which."""


class ApiKey(models.Model):
    """A key for the API. The key itself is shown once; we keep its SHA-256 (it is 256 random bits, so no salt)."""

    class Scope(models.TextChoices):
        READ = "read", "Read figures and profiles without contact data"
        READ_PII = "read:pii", "Read names, addresses and messages"
        WRITE_CAMPAIGNS = "write:campaigns", "Create and change campaigns"
        WRITE_WEBHOOKS = "write:webhooks", "Manage the webhooks that tell other systems what happened"
        QUERY = "query", "Ask questions in plain English"

    LONGEST_LIFE = timedelta(days=365)
    ROTATION_OVERLAP = timedelta(hours=24)
    REQUESTS_A_MINUTE, REQUESTS_A_MINUTE_IF_PUBLISHABLE = 600, 120
    CUSTOMERS_A_DAY = 2_000

    name = models.CharField(max_length=80, error_messages=dict.fromkeys(("blank", "max_length"), A_NAME))
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    family = models.CharField(
        max_length=16,
        db_index=True,
        editable=False,
        help_text="The beginning of the first key that this one goes back to by rotation: limits are counted for all of them.",
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, validators=[known_scopes])
    origins = models.JSONField(
        default=list,
        blank=True,
        validators=[web_origins],
        help_text="Web pages of other sites that may send this key; empty: servers only.",
    )
    requests_a_minute = models.PositiveIntegerField(
        default=REQUESTS_A_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        error_messages=dict.fromkeys(("min_value", "max_value"), REQUESTS_A_MINUTE_TAKES),
        help_text="The next request in the same minute is refused with 429.",
    )
    customers_a_day = models.PositiveIntegerField(
        default=CUSTOMERS_A_DAY,
        validators=[MaxValueValidator(100_000_000)],
        error_messages=dict.fromkeys(("min_value", "max_value"), CUSTOMERS_A_DAY_TAKES),
        help_text="Different customers that the key may read a day (UTC): a stolen one cannot copy them all. 0: no end.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="api_keys")
    expires_at = models.DateTimeField(help_text="At most 365 days after the key was made.")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True, editable=False)
    harvest_stopped_at = models.DateTimeField(
        "last stopped at its customers a day",
        null=True,
        blank=True,
        editable=False,
        help_text="When the key last asked for more customers than it may read a day.",
    )

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        """Refuse web pages for a key that may more than read figures, and a life of more than a year: a key that nobody
        renews is a key that nobody remembers."""
        only_figures_from_pages(self.scopes, self.origins)
        if self.expires_at and self.expires_at > self.created_at + self.LONGEST_LIFE:
            raise ValidationError({"expires_at": "A key lives for 365 days at most; rotate it before it ends."})

    @property
    def reads_figures_only(self) -> bool:
        """Whether no personal data and no change hang on the key."""
        return set(self.scopes) <= {self.Scope.READ}

    def works_at(self, as_of: datetime) -> bool:
        """Whether the key is neither revoked nor expired."""
        return self.revoked_at is None and as_of < self.expires_at

    def state_at(self, as_of: datetime) -> str:
        """ "works", "replaced" while its successor has come but it still works, "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        if as_of >= self.expires_at:
            return "expired"
        return "replaced" if self.replaced_at is not None else "works"

    @staticmethod
    def digest_of(key: str) -> str:
        """SHA-256 of the key as 64 hex digits."""
        return hashlib.sha256(key.encode()).hexdigest()

    @classmethod
    def issue(
        cls,
        name: str,
        scopes: list[str],
        *,
        origins: Iterable[str] = (),
        created_by: User | None = None,
        life: timedelta = LONGEST_LIFE,
        requests_a_minute: int | None = None,
        customers_a_day: int | None = None,
        family: str = "",
    ) -> tuple["ApiKey", str]:
        """Store a new key and return it with the secret, which nobody can read again; it lives a year unless told.

        Raises `ValidationError` for an unknown scope, an empty name, what is no origin, origins of a key that may more than
        read figures, or a life of more than a year.
        """
        prefix = f"qk_{secrets.token_hex(4)}"
        secret = f"{prefix}_{secrets.token_urlsafe(32)}"
        row = cls(name=name, prefix=prefix, digest=cls.digest_of(secret), scopes=scopes, created_by=created_by)
        row.family = family or prefix
        row.origins = list(origins)
        row.expires_at = row.created_at + life
        row.customers_a_day = cls.CUSTOMERS_A_DAY if customers_a_day is None else customers_a_day
        if requests_a_minute is not None:
            row.requests_a_minute = requests_a_minute
        elif row.origins:
            row.requests_a_minute = cls.REQUESTS_A_MINUTE_IF_PUBLISHABLE
        row.full_clean()
        row.save()
        return row, secret

    @transaction.atomic
    def rotate(self, as_of: datetime, *, created_by: User | None = None) -> tuple["ApiKey", str]:
        """A new key that may do the same, for as long as this one was made for, and is counted together with it; this one
        works for another 24 hours, so that nothing stops in between.

        Raises `NotRotated` for a key that was replaced, was revoked or has expired, also if that happened a moment ago.
        """
        # First of all, and in the database: of two who rotate at once, one finds nothing to change.
        working = ApiKey.objects.filter(pk=self.pk, replaced_at=None, revoked_at=None, expires_at__gt=as_of)
        is_ours = working.update(replaced_at=as_of)
        self.refresh_from_db()
        if not is_ours:
            raise NotRotated(self.why_not_rotated(as_of))
        row, secret = ApiKey.issue(
            self.name,
            list(self.scopes),
            origins=self.origins,
            created_by=created_by,
            life=self.expires_at - self.created_at,
            requests_a_minute=self.requests_a_minute,
            customers_a_day=self.customers_a_day,
            family=self.family,
        )
        self.expires_at = min(self.expires_at, as_of + self.ROTATION_OVERLAP)
        self.save(update_fields=["expires_at"])
        return row, secret

    def why_not_rotated(self, as_of: datetime) -> str:
        """The sentence for a key that has a successor or has ended."""
        is_replaced = self.state_at(as_of) == "replaced"
        why = "was replaced already; rotate its successor" if is_replaced else "has ended already; make a new one"
        return f"The key “{self.name}” {why}."

    def before(self) -> "ApiKey | None":
        """The key that this one replaced; one query."""
        return ApiKey.objects.filter(family=self.family, pk__lt=self.pk).order_by("-pk").first()

    def after(self) -> "ApiKey | None":
        """The key that replaced this one; one query."""
        return ApiKey.objects.filter(family=self.family, pk__gt=self.pk).order_by("pk").first()

    def revoke(self, as_of: datetime) -> None:
        """End the key with the next request; the first time counts."""
        ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=as_of)
        self.refresh_from_db(fields=["revoked_at"])


class MinuteCount(models.Model):
    """Requests of one caller in the minute that it was last heard of, where no Redis counts them. One row a caller.

    Whoever tries to sign in is a caller too, in windows of several minutes (`accounts.door`); the minute is the first of them.
    """

    caller = models.CharField(max_length=40, primary_key=True)
    minute = models.BigIntegerField(help_text="Since 1970, UTC.")
    requests = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.caller}: {self.requests}"


class DayCount(models.Model):
    """Different customers that one key, with those that it replaced, has read on the day that it last read any. One row each.

    Where Redis counts, the number lags a little (`accounts.counting`); it is what is left of the day when Redis has lost it.
    """

    caller = models.CharField(max_length=40, primary_key=True)
    day = models.IntegerField(help_text="Since 1970, UTC.")
    customers = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.caller}: {self.customers}"


class CustomerRead(models.Model):
    """That one key has read one customer on one day; the customer as a digest, for a count needs no more."""

    caller = models.CharField(max_length=40)
    day = models.IntegerField(db_index=True)
    customer = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "day", "customer"], name="customer_counted_once_a_day")]

    def __str__(self) -> str:
        return f"{self.caller}: {self.customer}"


class IdempotentAnswer(models.Model):
    """What a write was answered under its `Idempotency-Key`; without a status while the first request runs.

    The body may hold a secret that is told this once, so it is sealed (`accounts.sealing`). Of a page's form that must not do
    its work twice (`accounts.once`) it is the address that the first sending led to.
    """

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    asked = models.CharField(max_length=300, help_text="Method and address.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, address and body.")
    claim = models.CharField(max_length=32, help_text="Which request holds the key.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_used_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.asked}"

    @property
    def is_answered(self) -> bool:
        """Whether the first request has ended with an answer."""
        return self.status is not None
