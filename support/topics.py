"""What a ticket is about, read from its tags and its subject by word lists. Tags come first: somebody chose them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from support.models import Ticket

Topic = Ticket.Topic

# The first topic that has a word wins. Returns come before delivery ("my return has not arrived") and a fault before both
# ("arrived broken" asks for help with the thing, not with the parcel).
WORDS: tuple[tuple[Topic, tuple[str, ...]], ...] = (
    (Topic.PRICE_MATCH, (
        "price match", "pricematch", "match the price", "match price", "price adjustment", "price drop", "cheaper",
        "competitor", "lower price", "better price", "price difference", "discount", "coupon", "promo", "voucher", "pricing",
        "price", "quote",
    )),
    (Topic.TECHNICAL, (
        "technical", "not working", "doesn't work", "does not work", "won't work", "broken", "broke", "defective", "defect",
        "faulty", "fault", "damaged", "bug", "error", "crash", "malfunction", "compatib", "tension", "needle", "jam", "jams",
        "warranty", "repair", "firmware", "software", "login", "password", "troubleshoot", "stopped working", "spare part",
    )),
    (Topic.RETURN, (
        "return", "refund", "exchange", "money back", "send back", "sent back", "rma", "wrong item", "wrong size", "cancel",
        "chargeback",
    )),
    (Topic.DELIVERY, (
        "delivery", "deliver", "shipping", "shipment", "shipped", "ship", "tracking", "track", "parcel", "package", "courier",
        "where is my", "where's my", "wismo", "arrive", "late", "delayed", "delay", "lost in", "customs", "address change",
        "dispatch",
    )),
    (Topic.HOW_TO, (
        "how to", "how do", "how can", "how should", "instruction", "tutorial", "manual", "guide", "question about", "beginner",
        "pattern help", "which one", "what size", "recommend", "advice", "set up", "setup", "use ", "using", "care of", "wash",
    )),
)  # fmt: skip
_PATTERNS = tuple((topic, re.compile("|".join(rf"\b{re.escape(word)}" for word in words))) for topic, words in WORDS)


def topic_of(tags: Iterable[str], subject: str) -> Topic:
    """The topic of a ticket; `OTHER` if no word of the lists occurs."""
    by_tags = _first(" , ".join(tags).lower().replace("_", " ").replace("-", " "))
    return by_tags if by_tags is not None else _first(subject.lower().replace("’", "'")) or Topic.OTHER


@lru_cache(maxsize=20_000)
def _first(text: str) -> Topic | None:
    return next((topic for topic, pattern in _PATTERNS if pattern.search(text)), None)
