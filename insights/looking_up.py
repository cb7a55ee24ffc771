"""Who has this e-mail address or telephone number."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from customers.models import Customer, email_key, phone_key
from customers.paging import count_up_to
from insights.profiles import CustomerProfile, customer_profile

SHOWN_AT_MOST = 10
COUNTED_AT_MOST = 1_000


@dataclass(frozen=True)
class Matches:
    """The oldest `SHOWN_AT_MOST` profiles, and how many customers there are (`is_capped`: and more)."""

    profiles: tuple[CustomerProfile, ...]
    count: int
    is_capped: bool


def find_by_contact(as_of: datetime, *, email: str = "", phone: str = "") -> Matches:
    """Everybody with that address or number, compared as `customers.models` compares them; two queries and one a profile.

    Who is erased meanwhile is left out. Nobody has an empty one: a number without a digit finds nobody, though the shop may
    know of many without a number.
    """
    key = {"email_key": email_key(email)} if email else {"phone_key": phone_key(phone)}
    if not all(key.values()):
        return Matches((), 0, False)
    found = Customer.objects.filter(**key)
    ids = list(found.order_by("pk").values_list("customer_id", flat=True)[:SHOWN_AT_MOST])
    profiles = []
    for customer_id in ids:
        with suppress(Customer.DoesNotExist):
            profiles.append(customer_profile(customer_id, as_of))
    count, is_capped = count_up_to(found, COUNTED_AT_MOST) if len(ids) == SHOWN_AT_MOST else (len(profiles), False)
    return Matches(tuple(profiles), count, is_capped)
