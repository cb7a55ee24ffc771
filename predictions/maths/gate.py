"""What a shop must have before anything is predicted: below it a number would be made up."""

from predictions.maths.occasions import Occasions

LEAST_BUYERS, LEAST_HISTORY_DAYS = 200, 180


class TooLittleData(Exception):
    """The shop is below the gate. The message says in one sentence what is missing and how much."""


def size(occasions: Occasions, today: int) -> tuple[int, int]:
    """How many have bought by the end of `today`, and for how many days the shop has had orders."""
    buyers = int((occasions.counts(today) > 0).sum())
    return buyers, today - occasions.first_day if buyers else 0


def check(occasions: Occasions, today: int) -> None:
    """Raise `TooLittleData` below 200 buyers or 180 days of history."""
    buyers, history = size(occasions, today)
    missing = []
    if buyers < LEAST_BUYERS:
        missing.append(f"{LEAST_BUYERS - buyers:,} more customers with an order ({buyers:,} of {LEAST_BUYERS:,})")
    if history < LEAST_HISTORY_DAYS:
        missing.append(f"{LEAST_HISTORY_DAYS - history:,} more days of history ({history:,} of {LEAST_HISTORY_DAYS:,})")
    if missing:
        raise TooLittleData(f"Predictions need {' and '.join(missing)}.")
