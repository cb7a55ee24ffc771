"""Probabilities against what then happened, as the trust page tells it: of a test on the past or of the record."""

from dataclasses import dataclass

from predictions.maths.judging import Outcome

# Below so many a rate "of 100 customers" would pretend to more than is known.
FEW = 100


@dataclass(frozen=True)
class Judged:
    """Probabilities against what happened, over `customers` cases; None where there are none.

    `said_rate` is their mean and `base_rate` the share to whom it happened; `curve` has both and the size for each tenth of
    the scale that holds anybody.
    """

    customers: int
    said_rate: float | None
    base_rate: float | None
    calibration_error: float | None
    log_loss: float | None
    curve: tuple[tuple[float, float, int], ...]
    critical: int
    critical_happened: int

    @classmethod
    def of(cls, outcome: Outcome) -> "Judged":
        """From the sums."""
        critical, happened = outcome.at("critical")
        some = outcome.customers > 0
        return cls(
            customers=outcome.customers,
            said_rate=sum(outcome.predicted) / outcome.customers if some else None,
            base_rate=outcome.base_rate if some else None,
            calibration_error=outcome.calibration_error if some else None,
            log_loss=outcome.log_loss if some else None,
            curve=outcome.curve,
            critical=critical,
            critical_happened=happened,
        )

    @property
    def of_a_hundred(self) -> int | None:
        """Of a hundred called critical, so many did not order; None where nobody was. Never all or none by rounding."""
        if not self.critical:
            return None
        if self.critical_happened in {0, self.critical}:
            return 100 if self.critical_happened else 0
        return min(99, max(1, round(100 * self.critical_happened / self.critical)))

    @property
    def critical_rate(self) -> float | None:
        """The share of those called critical who did not order; None where nobody was."""
        return self.critical_happened / self.critical if self.critical else None

    @property
    def is_few(self) -> bool:
        """Whether too few were called critical to speak of a hundred."""
        return self.critical < FEW
