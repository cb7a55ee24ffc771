"""Tickets and messages on their way in: what is staged of them, and how a bucket of them is stored.

Registered with the loader when the app starts (`support.apps`), so that `customers` need not know what a ticket is.
"""

# ruff: noqa: S608  (names of tables and columns are our own; values go as parameters)

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from customers.importing.catalogue import Catalogue
from customers.importing.facts import Arrays, Column, Facts, Parent, Step, register
from customers.importing.shapes import PEOPLE_COLUMNS, instant, people
from customers.importing.storing import Storing
from customers.importing.storing_people import resolve_people
from support.topics import topic_of

BODY_LIMIT = 20_000
"""Characters of a message that are kept: more than any person writes, less than a pasted log."""

_CHANNELS = {
    "email": ("email", "e_mail", "mail", "contact_form", "contactform", "web", "api", "helpdesk"),
    "chat": ("chat", "live_chat", "messaging", "web_messenger", "gorgias_chat", "messenger"),
    "phone": ("phone", "voice", "call", "aircall", "telephone"),
    "sms": ("sms", "whatsapp", "text", "text_message"),
    "social": ("social", "facebook", "facebook_messenger", "instagram", "instagram_direct_message", "twitter", "x", "tiktok",
               "instagram_comment", "facebook_comment"),
    "help_center": ("help_center", "help_centre", "helpcenter", "self_service", "faq"),
}  # fmt: skip
CHANNEL_OF = {word: channel for channel, words in _CHANNELS.items() for word in words}


def channel_of(name: str) -> str:
    """One of `Ticket.Channel` for what a help desk calls a channel."""
    return CHANNEL_OF.get("_".join(name.lower().replace("-", " ").split()), "other")


def shape_tickets(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Tickets with channel and topic as we name them; a score outside 1 to 5 is unknown."""
    subjects, tags = columns["subject"].to_pylist(), columns["tags"].to_pylist()
    topics = [
        topic_of(json.loads(tag) if tag else (), subject or "").value for tag, subject in zip(tags, subjects, strict=True)
    ]
    score = columns["satisfaction_score"]
    score = pc.if_else(pc.and_(pc.greater_equal(score, 1), pc.less_equal(score, 5)), score, pa.scalar(None, pa.int64()))
    known = pc.or_(pc.is_valid(columns["subject"]), pc.is_valid(columns["tags"]))
    return {
        **people(columns),
        **{name: columns[name] for name in ("ticket_id", "subject", "reopened", "tags", "message_count")},
        "status": pc.utf8_lower(columns["status"]),
        "satisfaction_score": score,
        "channel": _mapped(columns["channel"], channel_of),
        "topic": pc.if_else(known, pa.array(topics, pa.string()), pa.scalar(None, pa.string())),
        "created_at": instant(columns["created_at"]),
        "closed_at": instant(columns["closed_at"]),
    }


def shape_messages(columns: Arrays, catalogue: Catalogue) -> Arrays:
    """Messages; their bodies were clipped at `BODY_LIMIT` when they were checked."""
    same = ("message_id", "ticket_id", "from_agent", "body_text")
    return {**{name: columns[name] for name in same}, "created_at": instant(columns["created_at"])}


def store_tickets(storing: Storing, bucket: int) -> None:
    """Store one bucket of tickets: known values overwrite, unknown ones leave what is there."""
    d = storing.dialect
    rows = storing.latest("tickets", bucket, "ticket_id", TICKETS.staged)
    resolve_people(storing, rows)
    texts = {name: f"coalesce(s.{name}, t.{name}, '')" for name in ("subject", "status")}
    merged = {
        **texts,
        "customer_id": "coalesce(p.customer, t.customer_id)",
        "channel": "coalesce(s.channel, t.channel, 'other')",
        "topic": "coalesce(s.topic, t.topic, 'other')",
        "created_at": "coalesce(s.created_at, t.created_at)",
        "closed_at": "coalesce(s.closed_at, t.closed_at)",
        "reopened": "coalesce(s.reopened, t.reopened, false)",
        "satisfaction_score": "coalesce(s.satisfaction_score, t.satisfaction_score)",
        "message_count": "coalesce(s.message_count, t.message_count, 0)",
        "tags": f"coalesce(s.tags, {d.same_json('t.tags')}, '[]')",
    }
    kinds = dict.fromkeys(merged, "text") | dict.fromkeys(("customer_id", "satisfaction_score", "message_count"), "bigint")
    kinds |= dict.fromkeys(("created_at", "closed_at"), d.types["time"])
    kinds |= {"reopened": d.types["flag"], "tags": d.types["json"]}
    joins = "LEFT JOIN chunk_people p ON p.ref = s.ref LEFT JOIN support_ticket t ON t.ticket_id = s.ticket_id"
    _merge(storing, "tickets", "support_ticket", "ticket_id", merged, kinds, f"{rows} s {joins}", stamped=True)


def store_messages(storing: Storing, bucket: int) -> None:
    """Store one bucket of messages, after the tickets they belong to."""
    d = storing.dialect
    rows = storing.latest("messages", bucket, "message_id", MESSAGES.staged)
    merged = {
        "ticket_id": "k.id",
        "created_at": "coalesce(s.created_at, t.created_at)",
        "from_agent": "coalesce(s.from_agent, t.from_agent, false)",
        "body_text": "coalesce(s.body_text, t.body_text, '')",
    }
    kinds = {"ticket_id": "bigint", "created_at": d.types["time"], "from_agent": d.types["flag"], "body_text": "text"}
    joins = (
        "JOIN support_ticket k ON k.ticket_id = s.ticket_id LEFT JOIN support_ticketmessage t ON t.message_id = s.message_id"
    )
    _merge(storing, "messages", "support_ticketmessage", "message_id", merged, kinds, f"{rows} s {joins}", stamped=False)


def _merge(
    storing: Storing,
    name: str,
    table: str,
    key: str,
    merged: dict[str, str],
    kinds: dict[str, str],
    rows: str,
    *,
    stamped: bool,
) -> None:
    """Write the rows that are new or say something new. `rows` names the staged row s and the stored one t."""
    d, flag = storing.dialect, storing.dialect.types["flag"]
    work, columns = f"chunk_{name}", ", ".join(merged)
    own = ", ".join(f"{column} {kind}" for column, kind in kinds.items())
    storing.work_table(work, f"staged_key text PRIMARY KEY, is_new {flag}, is_changed {flag}, {own}")
    stored = {column: d.same_json(f"t.{column}") if column == "tags" else f"t.{column}" for column in merged}
    differs = " OR ".join(d.differs(value, stored[column]) for column, value in merged.items())
    storing.run(
        f"INSERT INTO {work} (staged_key, is_new, is_changed, {columns})"
        f" SELECT s.{key}, t.id IS NULL, t.id IS NULL OR {differs}, {', '.join(merged.values())} FROM {rows}"
    )
    more, values = (", source, stored_at", ", %(source)s, %(now)s") if stamped else ("", "")
    storing.run(
        f"INSERT INTO {table} ({key}, {columns}{more})"
        f" SELECT staged_key, {columns}{values} FROM {work} WHERE is_new ORDER BY staged_key"
    )
    assignments = [f"{column} = n.{column}" for column in merged] + (["stored_at = %(now)s"] if stamped else [])
    storing.run(
        f"UPDATE {table} SET {', '.join(assignments)}"
        f" FROM {work} n WHERE {table}.{key} = n.staged_key AND n.is_changed AND NOT n.is_new"
    )
    storing.count(name, work)


def _mapped(texts: Any, meaning: Any) -> Any:
    if texts.null_count == len(texts):
        return texts
    encoded = texts.dictionary_encode()
    return pa.array([meaning(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


TICKET_ID = Column("ticket_id", "text", 64, exact=True, required=True)
TICKETS = Facts(
    "tickets",
    received=(
        TICKET_ID,
        Column("customer_id", "text", 64, exact=True),
        Column("email", "text", 254),
        Column("phone", "text", 40),
        Column("channel", "text"),
        Column("subject", "text", 255),
        Column("status", "text", 24),
        Column("created_at", "time", required=True),
        Column("closed_at", "time"),
        Column("reopened", "flag"),
        Column("satisfaction_score", "integer"),
        Column("tags", "json"),
        Column("message_count", "integer", least=0, most=2**31 - 1),
    ),
    staged=(
        *PEOPLE_COLUMNS,
        *(Column(name, "text") for name in ("ticket_id", "channel", "topic", "subject", "status")),
        Column("created_at", "time"),
        Column("closed_at", "time"),
        Column("reopened", "flag"),
        Column("satisfaction_score", "integer"),
        Column("message_count", "integer"),
        Column("tags", "json"),
    ),
    bucket_by=("ticket_id",),
    shape=shape_tickets,
)
MESSAGES = Facts(
    "messages",
    received=(
        Column("message_id", "text", 64, exact=True, required=True),
        TICKET_ID,
        Column("created_at", "time", required=True),
        Column("from_agent", "flag"),
        Column("body_text", "text", BODY_LIMIT),
    ),
    staged=(
        Column("message_id", "text"),
        Column("ticket_id", "text"),
        Column("created_at", "time"),
        Column("from_agent", "flag"),
        Column("body_text", "text"),
    ),
    bucket_by=("ticket_id",),
    shape=shape_messages,
    parent=Parent("ticket_id", "tickets", "support_ticket", "ticket"),
)


def tell_the_loader() -> None:
    """Register tickets and messages; the loader calls this before its first import."""
    register(
        (TICKETS, MESSAGES),
        (
            Step("tickets", "storing tickets", ("tickets",), store_tickets),
            Step("messages", "storing messages", ("messages",), store_messages),
        ),
    )
