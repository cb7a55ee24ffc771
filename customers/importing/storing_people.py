"""Profiles: from a customer file, and of people whom orders, returns or tickets name before any file does.

Whom a row means: the customer with its `customer_id`; without one, the customer with its e-mail address, then with its phone
number. Who is not found gets a profile, under the source's id or one made of the address (`guests.guest_id`).
Where several profiles share an address the oldest is meant, so that the same file always means the same people.
"""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

from typing import Literal

from customers.importing.dialect import Dialect
from customers.importing.shapes import CUSTOMERS
from customers.importing.storing import Storing

KnownBy = Literal["id", "email", "phone"]
KNOWN_BY: dict[KnownBy, str] = {
    "id": "has_id",
    "email": "NOT has_id AND email_key IS NOT NULL",
    "phone": "NOT has_id AND email_key IS NULL AND phone_key IS NOT NULL",
}
CREATED = (
    "INSERT INTO customers_customer (customer_id, source, email, email_key, phone, phone_key, first_name, last_name, name_key,"
    " last_name_key, email_consent, sms_consent, time_zone, country, tags, attributes, stored_at, order_count, lifetime_value)"
)
_TEXTS = ("email", "email_key", "phone", "phone_key", "time_zone", "country", "first_name", "last_name")


def resolve_people(storing: Storing, rows: str) -> None:
    """Fill `chunk_people` with the customer of every `ref` in `rows` (a FROM item), making the profiles that are missing.

    Joins are by index: a few microseconds a person.
    """
    flag = storing.dialect.types["flag"]
    storing.work_table(
        "chunk_people",
        f"ref text PRIMARY KEY, has_id {flag}, email text, email_key text, phone text, phone_key text,"
        f" customer bigint, made {flag}",
    )
    # id + 0, or PostgreSQL would look through the customers in the order of their ids for the first with the address.
    by_address = (
        "(SELECT min(c.id + 0) FROM customers_customer c WHERE c.email_key = p.email_key AND p.email_key <> ''),"
        " (SELECT min(c.id + 0) FROM customers_customer c WHERE c.phone_key = p.phone_key AND p.phone_key <> '')"
    )
    storing.run(
        "INSERT INTO chunk_people (ref, has_id, email, email_key, phone, phone_key, customer, made)"
        " SELECT p.ref, p.has_id, p.email, p.email_key, p.phone, p.phone_key,"
        f" CASE WHEN p.has_id THEN known.id ELSE coalesce({by_address}, known.id) END, false"
        f" FROM {rows} p LEFT JOIN customers_customer known ON known.customer_id = p.ref"
        # One row a person, rather one that tells an address.
        f" WHERE p.seq IN (SELECT abs(max(CASE WHEN email_key IS NULL THEN -seq ELSE seq END)) FROM {rows} q"
        " WHERE ref IS NOT NULL GROUP BY ref)"
    )
    made = storing.run(
        CREATED + " SELECT p.ref, %(source)s, coalesce(p.email, ''), coalesce(p.email_key, ''), coalesce(p.phone, ''),"
        " coalesce(p.phone_key, ''), '', '', '', '', 'unknown', 'unknown', '', '', '[]', '{}', %(now)s, 0, 0"
        " FROM chunk_people p WHERE p.customer IS NULL ORDER BY p.ref"
    )
    if made:
        storing.run(
            "UPDATE chunk_people SET made = true,"
            " customer = (SELECT c.id FROM customers_customer c WHERE c.customer_id = chunk_people.ref) WHERE customer IS NULL"
        )
        storing.summary.count("customers", new=made, changed=0, rows=made)


def meet_people(storing: Storing, bucket: int, *, facts: str, known_by: KnownBy) -> None:
    """Make the profiles of those whom the rows of `facts` name by id, by e-mail, or by phone only.

    Three passes in that order, so that somebody who bought as a guest joins the account with his address wherever in the
    file the account comes.
    """
    resolve_people(storing, _rows_known_by(storing.staging.bucket(facts, bucket), known_by))


def store_customers(storing: Storing, bucket: int, *, known_by: KnownBy) -> None:
    """Store one bucket of a customer file: known values overwrite, unknown ones leave what is there.

    A consent of "unknown" takes back "subscribed" and never "unsubscribed".
    """
    d = storing.dialect
    rows = _rows_known_by(storing.latest("customers", bucket, "ref", CUSTOMERS.staged), known_by)
    if known_by == "id":
        whose, made = "LEFT JOIN customers_customer c ON c.customer_id = s.ref", "c.id IS NULL"
    else:
        resolve_people(storing, rows)
        whose, made = "JOIN chunk_people p ON p.ref = s.ref JOIN customers_customer c ON c.id = p.customer", "false"
        # Two addresses may mean one customer: the later row is the one that is stored.
        rows = (
            f"(SELECT * FROM {rows} v WHERE seq IN"
            f" (SELECT max(r.seq) FROM {rows} r JOIN chunk_people t ON t.ref = r.ref GROUP BY t.customer))"
        )
    merged = _merged(d)
    stored = {name: d.same_json(f"c.{name}") if name in {"tags", "attributes"} else f"c.{name}" for name in merged}
    types = dict.fromkeys(merged, "text") | {
        "created_at": d.types["time"],
        "tags": d.types["json"],
        "attributes": d.types["json"],
    }
    flag = d.types["flag"]
    storing.work_table(
        "chunk_customers",
        f"id bigint, ref text, is_new {flag}, is_changed {flag}, "
        + ", ".join(f"{name} {kind}" for name, kind in types.items()),
    )
    storing.run(
        f"INSERT INTO chunk_customers (id, ref, is_new, is_changed, {', '.join(merged)})"
        f" SELECT c.id, s.ref, {made}, {' OR '.join(d.differs(value, stored[name]) for name, value in merged.items())},"
        f" {', '.join(merged.values())} FROM {rows} s {whose}"
    )
    columns = ", ".join(merged)
    storing.run(
        "INSERT INTO customers_customer (customer_id, source, stored_at, order_count, lifetime_value,"
        f" {columns}) SELECT ref, %(source)s, %(now)s, 0, 0, {columns} FROM chunk_customers WHERE is_new"
    )
    storing.run(
        "UPDATE customers_customer SET stored_at = %(now)s, "
        + ", ".join(f"{name} = n.{name}" for name in merged)
        + " FROM chunk_customers n WHERE customers_customer.id = n.id AND n.is_changed AND NOT n.is_new"
    )
    storing.count("customers", "chunk_customers")


def _merged(d: Dialect) -> dict[str, str]:
    """Column -> what it becomes, from the staged row s and the stored one c (NULL where there is none)."""
    last_key = "coalesce(s.last_key, c.last_name_key, '')"
    first_key = "coalesce(s.first_key, trim(substr(c.name_key, 1, length(c.name_key) - length(c.last_name_key))), '')"
    consents = {
        name: f"CASE WHEN s.{name} IS NULL OR (s.{name} = 'unknown' AND c.{name} = 'unsubscribed')"
        f" THEN coalesce(c.{name}, 'unknown') ELSE s.{name} END"
        for name in ("email_consent", "sms_consent")
    }
    return {
        **{name: f"coalesce(s.{name}, c.{name}, '')" for name in _TEXTS},
        "created_at": "coalesce(s.created_at, c.created_at)",
        "last_name_key": last_key,
        "name_key": f"trim({first_key} || ' ' || {last_key})",
        **consents,
        "tags": f"coalesce(s.tags, {d.same_json('c.tags')}, '[]')",
        "attributes": d.merged_json("c.attributes", "s.attributes"),
    }


def _rows_known_by(rows: str, known_by: KnownBy) -> str:
    return f"(SELECT * FROM {rows} known WHERE {KNOWN_BY[known_by]})"
