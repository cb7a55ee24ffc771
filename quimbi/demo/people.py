"""Who the customers are. Every name, street, address and number here is invented.

First names are common ones from many places, last names are put together from two syllables, towns and streets do not exist.
Mail addresses end in example.com, .org or .net and telephone numbers lie in 555-0100 to 555-0199, which belong to nobody.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quimbi.demo.temperaments import pick


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST_NAMES = _words(
    "Abena Ada Adela Aiko Aisha Alba Alma Amara Amina Anders Anika Anton Arjun Asha Astrid Ayla Beatriz Bela Bilal "
    "Birgit Bruno Camila Carmen Cedric Celeste Chidi Chloé Clara Dalia Daniel Daphne Darya Deepa Delia Diego Dina "
    "Edda Eilis Elif Elena Elias Emeka Emil Esme Esperanza Eva Farah Fatima Felix Fiona Frances Freya Gabriel Gemma "
    "Gita Grace Greta Hana Hannah Harriet Hassan Hazel Heidi Helena Hiro Hugo Ida Ife Ilse Imani Ines Ingrid Irene "
    "Iris Ivana Jamal Jana Jasmine Joao Joanna José Josie Jun Kavita Keiko Kenji Khadija Kofi Kwame Lakshmi Lars "
    "Layla Leila Lena Leo Lior Lin Lucia Luis Luz Maeve Magda Mai Malik Marek Margot Mariam Marta Mateo Maud Maya Mei "
    "Mila Mina Miriam Nadia Naomi Neha Nia Nils Nina Noor Nora Olga Omar Opal Oscar Paloma Petra Philippa Pilar Priya "
    "Quentin Rafael Rania Rashid Renata Rhea Rosa Ruth Sadie Salma Samir Sana Santiago Selma Sigrid Simone Sofía "
    "Soren Stella Sunita Suki Svea Tamar Tariq Tess Thandi Theo Tomas Uma Ursula Valeria Vera Vikram Wanda Wei Wren "
    "Yara Yasmin Yoko Yusuf Zainab Zara Zoë Zola"
)
_BEGINNINGS = _words(
    "Alder Amber Ando Ash Bari Bell Birch Bram Brindle Cald Carra Clay Corin Dala Dell Elm Embe Fenn Fern Gale Glen "
    "Hale Hart Hazel Ibar Ilka Juni Kana Kesta Koro Lark Linde Loma Luma Maple Mari Marl Mera Moss Nara Nettle Oka "
    "Orla Pell Pine Quill Rava Reed Rook Rowan Saba Sedge Sera Sola Stell Tala Tamar Teal Thistle Toma Ulla Vale "
    "Vanda Wend Willow Wren Yarrow Zela"
)
_ENDINGS = _words(
    "beck brook bury combe dale den dotter fell field ford garth gate holm hurst lace land lea ley lo lund mani mere "
    "mont more nara ndez ne nika nova ridge rika rin ro sberg sen shaw side sley son stad stead stone strand thorpe "
    "tika tova vale vane ver wen wick wold wood worth yama"
)
_LAST_NAMES = [[re.sub(r"(.)\1\1", r"\1\1", beginning + ending) for ending in _ENDINGS] for beginning in _BEGINNINGS]
_STREETS = _words("Bobbin Thimble Selvage Shuttle Bodkin Skein Treadle Gusset Warp Weft Pincushion Tassel")
_STREET_KINDS = ("Lane", "Street", "Court", "Road", "Way", "Row")
_TOWNS = ("Spoolhaven", "Needleford", "Loomis Hollow", "Fleece Harbor", "Calico Bend", "Tatting Falls", "Bastewell", "Ravelton",
          "Purlington", "Hemlock Seam", "Corduroy Creek", "Felton Patch", "Muslin Grove", "Twillsburg")  # fmt: skip
_DOMAINS = ("example.com", "example.org", "example.net")

# Country, its share, the zones people live in there and their odds, and its currency.
_COUNTRIES: tuple[tuple[str, float, tuple[tuple[str, float], ...], str], ...] = (
    ("US", 86, (("America/New_York", 38), ("America/Chicago", 34), ("America/Denver", 9), ("America/Los_Angeles", 17),
                ("America/Anchorage", 1), ("Pacific/Honolulu", 1)), "USD"),
    ("CA", 6.5, (("America/Toronto", 60), ("America/Vancouver", 25), ("America/Halifax", 15)), "CAD"),
    ("GB", 3, (("Europe/London", 1),), "GBP"),
    ("AU", 1.8, (("Australia/Sydney", 70), ("Australia/Perth", 30)), "AUD"),
    ("DE", 0.9, (("Europe/Berlin", 1),), "EUR"),
    ("IE", 0.6, (("Europe/Dublin", 1),), "EUR"),
    ("NZ", 0.5, (("Pacific/Auckland", 1),), "NZD"),
    ("JP", 0.4, (("Asia/Tokyo", 1),), "JPY"),
    ("MX", 0.3, (("America/Mexico_City", 1),), "MXN"),
)  # fmt: skip
_PHONED = ("US", "CA")  # where 555-01xx numbers exist
_PLACES = [(country, zone, share * odds / sum(o for _, o in zones), currency)
           for country, share, zones, currency in _COUNTRIES for zone, odds in zones]  # fmt: skip
CURRENCIES = tuple(currency for _, _, _, currency in _PLACES)
_AREAS = tuple(area for area in range(201, 800) if area % 100 != 11 and area % 10 != 0 and area // 100 != 5)
_CONSENTS = ("subscribed", "unsubscribed", "pending", "unknown")
_EMAIL_ODDS = np.array([[52, 8, 6, 34], [66, 13, 3, 18]], dtype=float)  # without and with orders
_SMS_ODDS = np.array([[18, 3, 4, 75], [29, 7, 3, 61]], dtype=float)


@dataclass(frozen=True)
class People:
    """Everything drawn about the customers, shape (n_customers,), as numbers into the lists of this module."""

    first: NDArray[np.int64]
    beginning: NDArray[np.int64]
    ending: NDArray[np.int64]
    place: NDArray[np.int64]
    street: NDArray[np.int64]
    domain: NDArray[np.int64]
    has_email: NDArray[np.bool_]
    has_phone: NDArray[np.bool_]
    email_consent: NDArray[np.int64]
    sms_consent: NDArray[np.int64]
    is_trade: NDArray[np.bool_]
    is_workshop_guest: NDArray[np.bool_]

    @property
    def is_abroad(self) -> NDArray[np.bool_]:
        """Who lives where the shop's currency is not the local one."""
        return np.array([currency != "USD" for currency in CURRENCIES])[self.place]


def draw(is_buyer: NDArray[np.bool_], is_trade: NDArray[np.bool_], dice: np.random.Generator) -> People:
    """Invent one person for each entry of `is_buyer`; `is_trade` says who buys for a studio."""
    n = len(is_buyer)
    buys = is_buyer.astype(np.int64)
    place = pick(np.array([[share for _, _, share, _ in _PLACES]]), np.zeros(n, np.int64), dice)
    has_email = dice.random(n) < 0.985
    has_phone = ((dice.random(n) < 0.46) | ~has_email) & np.array([country in _PHONED for country, *_ in _PLACES])[place]
    email_consent, sms_consent = pick(_EMAIL_ODDS, buys, dice), pick(_SMS_ODDS, buys, dice)
    unknown = _CONSENTS.index("unknown")
    return People(
        first=dice.integers(0, len(_FIRST_NAMES), n),
        beginning=dice.integers(0, len(_BEGINNINGS), n),
        ending=dice.integers(0, len(_ENDINGS), n),
        place=place,
        street=dice.integers(0, 1_000_000, n),
        domain=pick(np.array([[6.0, 2, 2]]), np.zeros(n, np.int64), dice),
        has_email=has_email | ~has_phone,
        has_phone=has_phone,
        email_consent=np.where(has_email | ~has_phone, email_consent, unknown),
        sms_consent=np.where(has_phone, sms_consent, unknown),
        is_trade=is_trade & (dice.random(n) < 0.7),
        is_workshop_guest=dice.random(n) < 0.04,
    )


class Register:
    """Turns people into contact data; remembers which addresses are taken.

    A row is customer_id, email, phone, first_name, last_name, created_at, email_consent, sms_consent, time_zone, country, tags,
    attributes; an unknown address is empty.
    """

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._phones = 0

    def row(self, people: People, i: int, customer_id: str, created_at: int) -> tuple[Any, ...]:
        """Person `i` as a row; `created_at` in seconds since 1970 UTC."""
        first = _FIRST_NAMES[people.first[i]]
        last = _LAST_NAMES[people.beginning[i]][people.ending[i]]
        return self.named_row(people, i, customer_id, created_at, (first, last))

    def named_row(self, people: People, i: int, customer_id: str, created_at: int, name: tuple[str, str]) -> tuple[Any, ...]:
        """Like `row`, for somebody whose name is given."""
        first, last = name
        country, zone, _, _ = _PLACES[people.place[i]]
        tags = []
        if people.email_consent[i] == 0:
            tags.append("newsletter")
        if people.is_trade[i]:
            tags.append("trade account")
        if people.is_workshop_guest[i]:
            tags.append("workshop guest")
        return (
            customer_id,
            self._email(first, last, _DOMAINS[people.domain[i]]) if people.has_email[i] else "",
            self._phone() if people.has_phone[i] else "",
            first,
            last,
            created_at,
            _CONSENTS[people.email_consent[i]],
            _CONSENTS[people.sms_consent[i]],
            zone,
            country,
            tags,
            {"address": _address(int(people.street[i]))},
        )

    def _email(self, first: str, last: str, domain: str) -> str:
        plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode().lower()
        self._taken[plain] += 1
        times = self._taken[plain]
        return f"{plain}{times if times > 1 else ''}@{domain}"

    def _phone(self) -> str:
        """The next number: no two people share one before the 40,000th."""
        area, line = divmod(self._phones * 7_919 % (len(_AREAS) * 100), 100)
        self._phones += 1
        return f"+1{_AREAS[area]}55501{line:02d}"


def _address(number: int) -> str:
    house, rest = number % 180 + 1, number // 180
    street, rest = _STREETS[rest % len(_STREETS)], rest // len(_STREETS)
    kind, rest = _STREET_KINDS[rest % len(_STREET_KINDS)], rest // len(_STREET_KINDS)
    return f"{house} {street} {kind}, {_TOWNS[rest % len(_TOWNS)]}"


def place_of(zone: str) -> int:
    """The number that `People.place` has for a time zone."""
    return next(i for i, (_, name, _, _) in enumerate(_PLACES) if name == zone)
