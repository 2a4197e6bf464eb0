"""An estimate with its standard error and its 95 % interval."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from perceptron_pruning.evidence.thresholds import CONFIDENCE

_FEWEST_SEEDS = 2  # that have a standard error


@dataclass(frozen=True, kw_only=True)
class Effect:
    """An estimate with its standard error; exact where the standard error is 0.

    Attributes:
        value: The estimate.
        standard_error: Its standard error, ≥ 0.
        degrees_of_freedom: Those of the standard error, for Student's t; ∞ for many trials.

    Raises:
        ValueError: The standard error is negative.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float = math.inf

    def __post_init__(self):
        if self.standard_error < 0:
            raise ValueError(f"`standard_error` must be >= 0; got {self.standard_error}")

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval: t_{0.975} × standard error."""
        return float(stdtrit(self.degrees_of_freedom, (1 + CONFIDENCE) / 2)) * self.standard_error

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self.half_width

    def minus(self, other: "Effect") -> "Effect":
        """Difference of independent estimates, each from many trials."""
        return Effect(
            value=self.value - other.value, standard_error=math.hypot(self.standard_error, other.standard_error)
        )

    def __str__(self) -> str:
        if self.standard_error == 0:
            return f"{self.value:.4g}"
        if not 0 < self.half_width < math.inf:  # nothing is known of it
            return f"{self.value:+.4g} ± {self.half_width:g}"
        decimals = 1 - math.floor(math.log10(self.half_width))  # two significant digits of the half-width
        return f"{self.value:+.{max(decimals, 0)}f} ± {self.half_width:.{max(decimals, 0)}f}"


def exact(value: float) -> Effect:
    """A number without uncertainty."""
    return Effect(value=value, standard_error=0.0)


def effect(values: np.ndarray) -> Effect:
    """Mean of one value a seed, (n_seeds ≥ 2,), with standard error s/√n and n − 1 degrees of freedom.

    Raises:
        ValueError: There are fewer than 2 seeds, which have no standard error, or more than one number each.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or values.size < _FEWEST_SEEDS:
        raise ValueError(f"`values` must be one number a seed, of {_FEWEST_SEEDS} or more; got shape {values.shape}")
    return Effect(
        value=float(values.mean()),
        standard_error=float(values.std(ddof=1) / np.sqrt(values.size)),
        degrees_of_freedom=values.size - 1,
    )
