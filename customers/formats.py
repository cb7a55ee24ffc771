"""How the pages write money, numbers, shares, dates and ages. Pure: the clock and the zone are arguments.

A missing value is the caller's business (it is a word such as "None"), so nothing here accepts one.
"""

from datetime import datetime, tzinfo
from decimal import Decimal

from babel.numbers import format_currency, get_currency_symbol

from customers.rhythm import days_between

MINUS = "−"
LOCALE = "en_US"


def money(amount: Decimal | float, currency: str) -> str:
    """One customer's or order's amount in full: "$3,420.50". A currency without a sign of its own shows its code."""
    pattern = "¤\xa0#,##0.00" if _is_code(currency) else None
    return _signed(format_currency(amount, currency, format=pattern, locale=LOCALE))


def money_total(amount: Decimal | float, currency: str) -> str:
    """A sum over many customers, without the minor unit: "$1,284,610"."""
    return _signed(
        format_currency(
            amount, currency, format="¤\xa0#,##0" if _is_code(currency) else "¤#,##0", locale=LOCALE, currency_digits=False
        )
    )


def number(value: float, places: int = 0) -> str:
    """ "93,564", or with `places` decimals "14.2"."""
    return _signed(f"{value:,.{places}f}")


def percent(share: float, places: int = 0) -> str:
    """A share from 0 to 1 as "71%". What is above zero never reads "0%", what is below one never "100%"."""
    step = 10**-places
    value = round(100 * share, places)
    if share > 0 and value == 0:
        return f"<{step:.{places}f}%"
    if share < 1 and value == 100:
        return f">{100 - step:.{places}f}%"
    return _signed(f"{value:.{places}f}%")


def bare_number(value: float) -> str:
    """For attributes: no separators, at most three places ("71.25")."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def day(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """ "19 Sep" in the current year of `zone`, "19 Sep 2025" in another."""
    local = moment.astimezone(zone)
    same_year = local.year == now.astimezone(zone).year
    return f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b %Y}"


def instant(moment: datetime, zone: tzinfo) -> str:
    """ "19 Nov 2026, 03:12", for runs and tooltips."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def age(moment: datetime, now: datetime) -> str:
    """How long ago to the minute or hour, for runs and jobs: "11 min", "6 h", "61 days". The future counts as now."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return "under 1 min"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return days(minutes // 1440)


def days_since(moment: datetime, zone: tzinfo, now: datetime) -> int:
    """Calendar days of `zone` from `moment` to `now`, as people count: last night is one, however few the hours."""
    return days_between(moment, now, zone)


def days_ago(count: int) -> str:
    """ "today", "yesterday", "4 days ago", "6 years ago"."""
    return {0: "today", 1: "yesterday"}.get(count) or f"{days(count)} ago"


def days(count: int) -> str:
    """ "1 day", "61 days"; from two years on "15 years", since nobody reads 5,463 days."""
    return counted(count, "day", "days") if count < 2 * 365 else f"{round(count / 365.25)} years"


def counted(count: int, one: str, many: str) -> str:
    """ "1 order", "24 orders"."""
    return f"{count:,} {one if count == 1 else many}"


def duration(seconds: float) -> str:
    """ "3 s", "1 min 40 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def initials(name: str) -> str:
    """Up to two letters for an avatar: first and last word that begin with a letter or digit."""
    letters = [word[0] for word in name.replace("@", " ").split() if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()


def _is_code(currency: str) -> bool:
    """Whether the currency has no sign of its own, so that letters would run into the digits."""
    return get_currency_symbol(currency, locale=LOCALE)[-1:].isalpha()


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
