"""The words of help desks in ours: channels, satisfaction, how often a ticket was opened again."""

from customers.importing.values import MISSING, Bad, normalised, whole_number, yes_no

_CHANNELS = {
    "email": ("email", "mail", "contactform", "contact", "web", "form", "webform"),
    "chat": (
        "chat", "livechat", "messenger", "messaging", "facebookmessenger", "nativemessaging", "instagramdirectmessage",
        "sunshineconversationsapi", "widget",
    ),
    "phone": ("phone", "voice", "call", "aircall", "callcenter", "phonecall", "telephone", "inboundcall", "outboundcall"),
    "sms": ("sms", "whatsapp", "text", "textmessage"),
    "social": (
        "social", "facebook", "twitter", "x", "instagram", "tiktok", "youtube", "facebookmention", "facebookpost",
        "instagramcomment",
    ),
    "help_center": ("helpcenter", "helpcentre", "selfservice", "portal", "knowledgebase", "faq"),
}  # fmt: skip
CHANNELS = {word: channel for channel, words in _CHANNELS.items() for word in words}
_HAPPINESS = {"good": 5, "bad": 1, "goodwithcomment": 5, "badwithcomment": 1, "positive": 5, "negative": 1, "neutral": 3}
_UNRATED = frozenset({"offered", "unoffered", "notoffered", "unrated", "notrated"})


def channel(cell: str) -> str | None:
    """One of `support.models.Ticket.Channel`; what is not known is "other", an empty cell None."""
    word = normalised(cell)
    return CHANNELS.get(word, "other") if word else None


def satisfaction(cell: str) -> int | Bad | None:
    """1 (unhappy) to 5 (happy), from a number or from Zendesk's words; None where nobody was asked."""
    word = normalised(cell)
    if not word or cell.strip().lower() in MISSING or word in _UNRATED:
        return None
    if word in _HAPPINESS:
        return _HAPPINESS[word]
    score = whole_number(cell)
    return score if isinstance(score, int) and 1 <= score <= 5 else Bad(f"is {cell.strip()[:40]!r}, not a score from 1 to 5")


def reopened(cell: str) -> bool | Bad | None:
    """Whether it was: from yes and no, or from how often."""
    times = whole_number(cell)
    return yes_no(cell) if isinstance(times, Bad) else None if times is None else times > 0


def message_count(cell: str) -> int | Bad | None:
    """How many messages; None for an empty cell."""
    count = whole_number(cell)
    return Bad("is negative") if isinstance(count, int) and count < 0 else count
