"""The finite-size term of a comparison: what N < ∞ adds to the theory's mean or median, and how well that is known.

The term is derived, and nothing in it is fitted: `replica_theory.finite_size` expands the exact density of students in
N dimensions to order 1/N. It leaves the next order, of which only the size is known. In 264 random settings at N = 20
(``benchmarks/finite_size.py``), where it is largest, the differences from simulation scattered as 1.7 term²/q, with q
the theory's value; `NEXT_ORDER` declares a little more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from replica_theory.finite_size import FiniteSize

Statistic = Literal["mean", "median"]

NEXT_ORDER = 2.0  # standard deviation of what the term leaves, in units of term²/q
UNKNOWN_POOL = 0.3  # effect of a finite pool in units of q/N, at most, where it is not known

SOURCE = (
    "derived to order 1/N from the exact density of students in N dimensions, nothing fitted; its error is the next "
    f"order, {NEXT_ORDER:g} (term)²/theory, a size measured at N = 20 (benchmarks/finite_size.csv)"
)

_STEP = 0.02  # step of ln α in the central difference d ln q/d ln α


@dataclass(frozen=True, kw_only=True)
class FiniteSizeTerm:
    """Expected mean or median of trials in N dimensions less the theory, and its standard uncertainty.

    Attributes:
        value: Expected difference.
        error: Uncertainty of ``value``: the next order in 1/N, and the pool's part where that is not known.
        source: Where both come from.
    """

    value: float
    error: float
    source: str = SOURCE

    @classmethod
    def of(cls, cell: FiniteSize, statistic: Statistic) -> "FiniteSizeTerm":
        """The term of a quantity's mean or median over trials."""
        if statistic == "mean":
            shift, square = cell.mean_shift, cell.squared_shift
        else:
            shift, square = cell.median_shift, cell.median_shift**2
        pool = 0.0 if cell.pool_known else UNKNOWN_POOL * abs(cell.value) / cell.n_features
        return cls(value=shift, error=math.hypot(NEXT_ORDER * square / cell.value, pool))

    def __str__(self) -> str:
        return f"finite-size term {self.value:+.2g} ± {self.error:.1g} ({self.source})"


def value_and_slope(theory: Callable[[np.ndarray], np.ndarray], alpha_prune: float) -> tuple[float, float]:
    """A positive quantity q of the theory at some α, and d ln q/d ln α, from a function of arrays of α."""
    below, value, above = theory(alpha_prune * np.exp([-_STEP, 0.0, _STEP])).tolist()
    return value, math.log(above / below) / (2 * _STEP)


def estimate(values: np.ndarray, statistic: Statistic) -> tuple[float, float]:
    """Mean or median of trials, (n_trials ≥ 2,), and its standard error.

    The median's standard error is half the distance of the values of ranks (n ± √n)/2, a 68 % interval.
    """
    if statistic == "mean":
        return float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size))
    spread = 0.5 / math.sqrt(values.size)
    low, middle, high = np.quantile(values, [0.5 - spread, 0.5, 0.5 + spread])
    return float(middle), float(high - low) / 2
