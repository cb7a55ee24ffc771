"""Guests: people whom a source knows by e-mail address or telephone number only, also where it calls that an id.

An API key that may not read contact data does read ids, and this code is open. A plain hash would therefore tell whoever has
an address, or tries all telephone numbers, who is a customer; so the id takes a secret of the shop (`Shop.guest_key`).
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from customers.importing import values
from customers.models import email_key, phone_key

KEY_BYTES = 32
_INTERNATIONAL = re.compile(r"\+(?:[\s()./-]*\d){7,15}")


class People(NamedTuple):
    """Whom rows name, column by column; None or "" where a row does not say."""

    ids: list[str | None]
    emails: list[str | None]
    phones: list[str | None]


def told_apart(ids: Sequence[str | None], emails: Sequence[str | None], phones: Sequence[str | None]) -> People:
    """The same columns, but an id that is an address or a number itself stands there as such, in the place of any other.

    Such a row has no id, so it means whoever has the address, in this file and in all others.
    """
    people = People(list(ids), list(emails), list(phones))
    for row, given in enumerate(ids):
        email, phone = address_in(given) if given else ("", "")
        if email or phone:
            people.ids[row] = None
        if email:
            people.emails[row] = email
        if phone:
            people.phones[row] = phone
    return people


def address_in(given: str) -> tuple[str, str]:
    """(e-mail address, phone number) that an id is; both are "" for what is an id and nothing else.

    An address is what a column of addresses would take as one, also with a name before it ("Zoe <zoe@example.com>"). A number
    has to be international, a plus and 7 to 15 digits: without the plus it might as well be an id.
    """
    if "@" not in given and "+" not in given:
        return "", ""
    if given.endswith(">"):
        given = given.rpartition("<")[2][:-1]
    if email := values.email(given):
        return email, ""
    phone = values.phone(given)
    return "", phone if _INTERNATIONAL.fullmatch(phone) else ""


def known_by(customer_id: str | None, email: str | None, phone: str | None) -> str:
    """What tells a customer apart, the same text however an address or a number is written: by the id, without one by the
    address, else by the number. "" for nobody."""
    if customer_id:
        return customer_id
    if email:
        return f"email:{email_key(email)}"
    return f"phone:{phone_key(phone)}" if phone else ""


def guest_id(email: str | None, phone: str | None, key: str) -> str:
    """The id of whoever is known by `email`, or without one by `phone`: the same each time, and only with the same `key`.

    It tells neither to anybody who does not have the key. Raises `ValueError` if that is not 32 bytes in hexadecimal.
    """
    secret = bytes.fromhex(key)
    if len(secret) != KEY_BYTES:
        raise ValueError(f"a guest key has {KEY_BYTES} bytes, not {len(secret)}")
    return "guest_" + hashlib.blake2b(known_by(None, email, phone).encode(), key=secret, digest_size=10).hexdigest()
