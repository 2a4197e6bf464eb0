"""What the tables say about an effect: estimates with standard errors, and the verdict they allow."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

CONFIRMED, IN_REGIME, REFUTED, UNDECIDED = "confirmed", "confirmed in this regime", "refuted", "undecided"


@dataclass(frozen=True)
class Effect:
    """An estimate with its standard error; a claim says that it is positive.

    Attributes:
        value: The estimate.
        standard_error: Its standard error.
        degrees_of_freedom: Of Student's t for the interval; finite where few seeds gave the error.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float = math.inf

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval."""
        return float(t.ppf(0.975, self.degrees_of_freedom)) * self.standard_error

    def verdict(self, positive: str = CONFIRMED) -> str:
        """``positive``, or refuted, if the 95 % interval excludes zero, else undecided."""
        if not abs(self.value) > self.half_width:
            return UNDECIDED
        return positive if self.value > 0 else REFUTED

    def minus(self, other: "Effect") -> "Effect":
        """Difference of independent estimates."""
        return Effect(self.value - other.value, math.hypot(self.standard_error, other.standard_error))

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {self.half_width:.3f}"


def effect(values: np.ndarray) -> Effect:
    """Mean over seeds with its standard error, for Student's t."""
    values = np.asarray(values, dtype=float)
    return Effect(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)), values.size - 1)
