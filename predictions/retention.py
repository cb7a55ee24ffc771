"""What to do about a customer, by rule: at most three actions, the most fitting first, each with its reason and its cost.

help that is waited for -> the parcel that is not sent -> what fits the lapse risk -> a code, only for who buys with codes
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from customers import formats
from predictions.explaining import counted, waiting
from predictions.shown import percent_words

Kind = Literal[
    "reply", "check_order", "personal", "second_purchase", "note", "win_back", "leave", "feedback", "show_new", "choosing",
    "nothing", "discount",
]  # fmt: skip
Level = Literal["critical", "high", "medium", "low"]
Tier = Literal["vip", "high", "standard", "low"]

MOST_ACTIONS = 3
LATE_AFTER_GAPS = 1.5
"""Usual gaps without an order from which on a customer with two orders or more is late."""
LONG_AGO_HORIZONS = 2
UNSENT_DAYS = 7
HIGH_RETURNS_SHARE = 0.3
CODES_LEAST_SHARE, CODES_LEAST_ORDERS = 0.4, 3
DISCOUNT = Decimal("0.10")
_LONGEST_SUBJECT = 60
_NO_QUOTES = str.maketrans(dict.fromkeys('“”„‟"＂〝〞〟', "'"))


@dataclass(frozen=True)
class OpenTicket:
    """The ticket that has waited longest; `number` as the help desk shows it, with or without its sign."""

    number: str
    subject: str = ""
    is_unhappy: bool = False


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules look at, as of one moment.

    Without a score `lapse_level` is None, and of the fields down to `trend` only `recency_days` and `order_count` count.
    `next_order_days` is the range for the next order in days from now, None where no next order is expected.
    `last_order_is_unsent` means unfulfilled; `returns_share` is the share of what was paid that was refunded; `codes_used` are
    orders with a discount. `favourite` is a product or category that was bought most or last, `leading_factor` the label of
    what adds most to the score (`predictions.explaining.factors`); either may be empty.
    """

    lapse_level: Level | None
    lapse_score: float
    horizon_days: int
    recency_days: int
    usual_gap_days: float
    overdue_ratio: float
    order_count: int
    tier: Tier
    trend: int
    next_order_days: tuple[int, int] | None = None
    open_ticket: OpenTicket | None = None
    last_order_is_unsent: bool = False
    returns_share: float = 0.0
    codes_used: int = 0
    has_email_consent: bool = False
    average_order_value: Decimal
    expected_value_180d: Decimal
    favourite: str = ""
    leading_factor: str = ""

    @property
    def is_at_risk(self) -> bool:
        """High or critical lapse risk."""
        return self.lapse_level in {"critical", "high"}

    @property
    def is_late(self) -> bool:
        """Without an order for longer than is usual; for a second order from the usual gap on."""
        return self.overdue_ratio > (1.0 if self.order_count == 1 else LATE_AFTER_GAPS)

    @property
    def is_lost_cause(self) -> bool:
        """Gone for two horizons, and worth less than an order in the next half year."""
        return (
            self.recency_days > LONG_AGO_HORIZONS * self.horizon_days
            and self.tier in {"standard", "low"}
            and self.expected_value_180d < self.average_order_value
        )

    @property
    def has_complaint(self) -> bool:
        """Whether somebody unhappy waits for an answer."""
        return self.open_ticket is not None and self.open_ticket.is_unhappy

    @property
    def buys_with_codes(self) -> bool:
        """Whether enough orders tell that codes matter."""
        return self.order_count >= CODES_LEAST_ORDERS and self.codes_used >= CODES_LEAST_SHARE * self.order_count


@dataclass(frozen=True)
class Action:
    """Something to do: `title` says what, `why` gives the reason in this customer's own numbers, `cost` may be empty."""

    kind: Kind
    title: str
    why: str
    cost: str = ""


@dataclass(frozen=True)
class Advice:
    """At most three actions, never none for a customer with a score, and what is deliberately not suggested, in sentences.

    `discount_note` is empty where a code is suggested, `mail_note` where marketing e-mail is allowed or nothing is to be sent.
    """

    actions: tuple[Action, ...]
    discount_note: str
    mail_note: str


def advise(facts: Facts, money: Callable[[Decimal], str]) -> Advice:
    """The advice for a buyer; `money` writes an amount in the shop's currency.

    A code comes last and only for who is at risk, buys with codes, may be mailed and has no complaint open. While somebody
    unhappy waits for an answer nothing else is sent.
    """
    actions = list(_service(facts))
    if facts.lapse_level is not None and not facts.has_complaint:
        actions += _retention(facts, money) if facts.is_at_risk else _upkeep(facts, is_first=not actions)
    reason_against = _reason_against_discount(facts, actions)
    if not reason_against:
        actions = [*actions[: MOST_ACTIONS - 1], _discount(facts, money)]
    is_allowed = facts.has_email_consent or all(action.kind in _NEVER_MAILED for action in actions)
    return Advice(
        actions=tuple(actions[:MOST_ACTIONS]),
        discount_note=f"No discount suggested: {reason_against}." if reason_against else "",
        mail_note="" if is_allowed else "No marketing e-mail suggested: there is no consent to it.",
    )


def quoted(words: str) -> str:
    """Somebody's words in one line between “ and ”, which they cannot close: to an assistant what stands after that is ours."""
    return f"“{' '.join(words.translate(_NO_QUOTES).split())}”"


def recommendation(advice: Advice) -> str:
    """The first action and its reason as one sentence; empty without any."""
    first = next(iter(advice.actions), None)
    return f"{first.title}: {_lowered(first.why)}." if first else ""


_NEVER_MAILED = {"reply", "check_order", "choosing", "nothing"}
_PERSON, _MAIL = "A person's time", "One e-mail"


def _service(facts: Facts) -> Iterator[Action]:
    """What is owed, whatever the risk."""
    ticket = facts.open_ticket
    if ticket is not None:
        about = f"The ticket {quoted(_shortened(ticket.subject))} is open" if ticket.subject.strip() else "The ticket is open"
        why = f"{about}, and sounds unhappy" if ticket.is_unhappy else about
        yield Action("reply", f"Have a person reply to ticket #{ticket.number.lstrip('#')}", why, _PERSON)
    if facts.last_order_is_unsent and facts.recency_days >= UNSENT_DAYS:
        yield Action(
            "check_order", "Check on the last order", f"Not sent {counted(facts.recency_days, 'day')} after it was placed"
        )


def _retention(facts: Facts, money: Callable[[Decimal], str]) -> Iterator[Action]:
    """For who is at high or critical risk."""
    wait = waiting(facts.recency_days, facts.usual_gap_days, facts.order_count)
    risk = f"lapse risk {percent_words(facts.lapse_score)}"
    if facts.is_lost_cause:
        yield _leave(facts, money)
        return
    if facts.tier == "vip" and facts.lapse_level == "critical":
        yield Action("personal", "Have a person call or write", f"VIP, {risk}, {_lowered(_main_reason(facts, wait))}", _PERSON)
    elif facts.order_count == 1:
        yield _second_purchase(facts, wait, risk)
    elif facts.is_late:
        yield _late(facts, wait, risk)
    elif facts.trend < 0:
        yield _declining(facts)
    else:
        what = f"Show what goes with {facts.favourite}" if facts.favourite else "Show what is new"
        reason = f"{_capital(risk)}, though the wait is not long yet: {_lowered(_main_reason(facts, wait))}"
        yield _mail(facts, "show_new", what, reason)
    yield from _choosing(facts)


def _main_reason(facts: Facts, wait: str) -> str:
    """The wait of who is late, and of anybody else what adds most to the score."""
    return wait if facts.is_late or not facts.leading_factor else facts.leading_factor


def _upkeep(facts: Facts, *, is_first: bool) -> Iterator[Action]:
    """For who is at low or medium risk; with `is_first` there is always something, were it that nothing is to be done."""
    actions = [*([_declining(facts)] if facts.trend < 0 else []), *_choosing(facts)]
    if not actions and is_first:
        actions = [Action("nothing", "Nothing to do now", _when_again(facts))]
    yield from actions


def _second_purchase(facts: Facts, wait: str, risk: str) -> Action:
    if not facts.is_late:
        usual = counted(max(1, round(facts.usual_gap_days)), "day")
        return Action("nothing", "Nothing to do yet", f"{wait}, and a second usually comes after about {usual}")
    if facts.recency_days > facts.horizon_days:
        return _mail(facts, "show_new", "Show what is new", f"{wait}, {risk}, and no second one yet")
    what = facts.favourite or "first order"
    return _mail(facts, "second_purchase", f"Ask how the {what} turned out", f"{wait}, {risk}, and no second one yet")


def _late(facts: Facts, wait: str, risk: str) -> Action:
    if facts.tier == "low":
        mailed = "Include in the next win-back campaign"
        return _mail(facts, "win_back", mailed, f"{wait}, {risk}", "Show what is new")
    about = f" about {facts.favourite}" if facts.favourite else ""
    if facts.has_email_consent:
        return Action("note", f"Write a personal note{about}", f"{wait}, {risk}", _PERSON)
    mention = f"Mention {facts.favourite}" if facts.favourite else "Mention what is new"
    return Action("note", f"{mention} at the next contact", f"{wait}, {risk}", _PERSON)


def _declining(facts: Facts) -> Action:
    why = (
        f"Orders come less often than before: {_lowered(waiting(facts.recency_days, facts.usual_gap_days, facts.order_count))}"
    )
    return _mail(facts, "feedback", "Ask for feedback", why)


def _choosing(facts: Facts) -> Iterator[Action]:
    if facts.returns_share >= HIGH_RETURNS_SHARE:
        why = f"{formats.percent(facts.returns_share)} of what was paid has been refunded"
        yield Action("choosing", "Help with choosing before the next order", why, _PERSON)


def _leave(facts: Facts, money: Callable[[Decimal], str]) -> Action:
    which = "last" if facts.order_count > 1 else "only"
    gone = f"{counted(facts.recency_days, 'day')} since the {which} order"
    worth = f"about {money(facts.expected_value_180d)} expected in the next 180 days"
    instead = (
        "a win-back campaign is cheaper than a person" if facts.has_email_consent else "a person costs more than comes back"
    )
    return Action("leave", "Leave alone", f"{gone} and {worth}, so {instead}")


def _mail(facts: Facts, kind: Kind, title: str, why: str, otherwise: str = "") -> Action:
    """An e-mail that sells, or without consent to one the same at the next contact."""
    if facts.has_email_consent:
        return Action(kind, title, why, _MAIL)
    return Action(kind, f"{otherwise or title} at the next contact", why)


def _discount(facts: Facts, money: Callable[[Decimal], str]) -> Action:
    cost = money((facts.average_order_value * DISCOUNT).quantize(Decimal("0.01")))
    return Action(
        "discount",
        f"Offer a code for {DISCOUNT:.0%} off",
        f"Codes were used on {_codes(facts)}",
        f"{DISCOUNT:.0%} off an average order costs about {cost}",
    )


def _reason_against_discount(facts: Facts, actions: list[Action]) -> str:
    """Why no code is suggested; empty if one is."""
    orders = counted(facts.order_count, "order")
    reasons = (
        (facts.has_complaint, "a complaint is open"),
        (facts.lapse_level is None, "there is no lapse risk score yet"),
        (not facts.is_at_risk, f"lapse risk is {facts.lapse_level}"),
        (facts.order_count < CODES_LEAST_ORDERS, f"{orders} cannot tell whether codes matter"),
        (not facts.buys_with_codes, f"codes were used on {_codes(facts)}"),
        (not facts.has_email_consent, "there is no consent to marketing e-mail"),
        (any(action.kind == "leave" for action in actions), "too little is expected to come back"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _codes(facts: Facts) -> str:
    used = f"{facts.codes_used:,}" if facts.codes_used else "none"
    return f"{used} of {counted(facts.order_count, 'order')}"


def _when_again(facts: Facts) -> str:
    risk = f"Lapse risk is {facts.lapse_level}"
    if facts.next_order_days is not None:
        earliest, latest = facts.next_order_days
        if latest > 0:
            return f"{risk}, and the next order is expected {_between(earliest, latest)}; look again after that"
    return f"{risk}; look again in {counted(max(1, round(facts.usual_gap_days)), 'day')}"


def _between(earliest: int, latest: int) -> str:
    if earliest <= 0:
        return f"within {counted(latest, 'day')}"
    return f"in {counted(latest, 'day')}" if earliest >= latest else f"in {earliest:,} to {counted(latest, 'day')}"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1].rstrip()}…"


def _lowered(sentence: str) -> str:
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
