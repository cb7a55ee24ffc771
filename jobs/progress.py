"""How far a job is, in words: time left from a smoothed pace, and the lines of its log."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

MEMORY_SECONDS = 30.0
"""How long the pace remembers: a stretch this long ago weighs 1/e."""
TOO_EARLY_SECONDS = 1.5
"""Until the second report, about: a small import is half done by the third."""
TOO_EARLY_SHARE = 0.02


@dataclass
class Pace:
    """Share done per second, smoothed over the last half minute, so that the time left does not jump with every batch.

    `at` is any clock's seconds (monotonic), `share` runs 0 to 1.
    """

    at: float
    share: float = 0.0
    _gained: float = field(init=False, default=0.0)
    _spent: float = field(init=False, default=0.0)
    _watched: float = field(init=False, default=0.0)

    def observe(self, at: float, share: float) -> None:
        """Take in that `share` is done at `at`; a share that falls (a new start) forgets the pace so far."""
        if share < self.share:
            self._gained = self._spent = self._watched = 0.0
        elif at > self.at:
            elapsed = at - self.at
            fading = math.exp(-elapsed / MEMORY_SECONDS)
            self._gained = self._gained * fading + (share - self.share)
            self._spent = self._spent * fading + elapsed
            self._watched += elapsed
        else:
            return
        self.at, self.share = at, share

    def seconds_left(self) -> int | None:
        """Whole seconds until the share is 1; None while it is too early to tell or nothing has moved lately."""
        if self._watched < TOO_EARLY_SECONDS or self.share < TOO_EARLY_SHARE or self._gained <= 0:
            return None
        left = (1 - self.share) * self._spent / self._gained
        return round(left) if left < 7 * 86_400 else None


def time_left(seconds: int | None) -> str:
    """The time left in words, coarser the longer it is; "" when nobody can tell."""
    if seconds is None:
        return ""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 60:
        return f"about {math.ceil(seconds / 5) * 5} s left"
    if seconds < 600:
        tens = math.ceil(seconds / 10) * 10
        return f"about {tens // 60} min {tens % 60:02d} s left" if tens % 60 else f"about {tens // 60} min left"
    if seconds < 5400:
        return f"about {math.ceil(seconds / 60)} min left"
    hours, minutes = divmod(math.ceil(seconds / 600) * 10, 60)
    return f"about {hours} h {minutes} min left" if minutes else f"about {hours} h left"


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log; `level` is "", "warning" or "error"."""

    time: str
    text: str
    level: str


def storable(value: Any) -> Any:
    """A JSON value without what PostgreSQL cannot hold: NUL characters and halves of surrogate pairs (out of odd files).

    Raises `TypeError` or `ValueError` for what is not JSON, NaN and infinity included.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(str(name)): storable(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [storable(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not JSON")
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")


def stamped(moment: datetime, text: str) -> str:
    """A log line as it is stored: the time in UTC, a space, the text in one line."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {' '.join(storable(text).split())}"


def log_lines(log: str, zone: tzinfo) -> list[LogLine]:
    """The stored log for a page, times of day in the shop's `zone`."""
    lines = []
    for line in log.splitlines():
        stamp, _, text = line.partition(" ")
        try:
            moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            lines.append(LogLine("", line, ""))
            continue
        level = next((word for word in ("warning", "error") if text.lower().startswith(word)), "")
        lines.append(LogLine(f"{moment.astimezone(zone):%H:%M:%S}", text, level))
    return lines
