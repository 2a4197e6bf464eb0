"""Finite-size terms: a sample in N dimensions acts like the limit N → ∞ at another α.

To order 1/N its ln α is shifted by ``shift``/N, and scatters between trials with variance 2 ``scatter``/N. The mean
over trials of a quantity q(α) is then off the theory by::

    (shift · dq/d ln α + scatter · d²q/d ln α²) / N

and its median, to which a symmetric scatter does nothing, by the shift alone. A shift of 1 says that N dimensions
act like N − 1: the student's length is no degree of freedom. Shift, scatter and remainder were measured on random
settings (``benchmarks/finite_size.py``, N = 50): for errors of a hundred max-margin students the best shift and
scatter are 1.05 and 0.47, with a remainder of .10; for those of a hundred students of other losses 1.11 and 0.32,
with .27.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Statistic = Literal["mean", "median"]

_STEP = 0.02  # step of ln α in central differences; the theory's error of 1e-9 is a part in 1e5 of q″ there


@dataclass(frozen=True, kw_only=True)
class FiniteSizeLaw:
    """How a quantity's simulated mean and median depend on N.

    Attributes:
        shift: N times the shift of ln α.
        scatter: N times half the variance of ln α.
        remainder: Root-mean-square difference that the two do not explain, over (|q| + |dq/d ln α| + |d²q/d ln α²|)/N.
    """

    shift: float
    scatter: float
    remainder: float

    def bias(self, curve: "LocalCurve", n_features: int, statistic: Statistic = "mean") -> tuple[float, float]:
        """Expected simulated statistic less the theory, and the uncertainty of that expectation."""
        scatter = self.scatter if statistic == "mean" else 0.0
        expected = self.shift * curve.first + scatter * curve.second
        uncertainty = self.remainder * (abs(curve.value) + abs(curve.first) + abs(curve.second))
        return expected / n_features, uncertainty / n_features


OF_ERRORS = FiniteSizeLaw(shift=1.0, scatter=0.45, remainder=0.2)
OF_PROBE_ANGLES = FiniteSizeLaw(shift=1.0, scatter=0.4, remainder=0.3)
OF_MARGINS = FiniteSizeLaw(shift=0.35, scatter=0.35, remainder=0.25)


@dataclass(frozen=True, kw_only=True)
class LocalCurve:
    """A positive quantity of the theory at some α, with its derivatives by ln α."""

    value: float
    first: float
    second: float

    @classmethod
    def of(cls, theory: Callable[[np.ndarray], np.ndarray], alpha_prune: float) -> "LocalCurve":
        """By central differences of a function of arrays of α."""
        below, here, above = theory(alpha_prune * np.exp([-_STEP, 0.0, _STEP])).tolist()
        return cls(value=here, first=(above - below) / (2 * _STEP), second=(above - 2 * here + below) / _STEP**2)

    @property
    def slope(self) -> float:
        """d ln q/d ln α."""
        return self.first / self.value


def estimate(values: np.ndarray, statistic: Statistic) -> tuple[float, float]:
    """Mean or median of trials, (n_trials ≥ 2,), and its standard error.

    The median's standard error is half the distance of the values of ranks (n ± √n)/2, a 68 % interval.
    """
    if statistic == "mean":
        return float(values.mean()), float(values.std(ddof=1) / math.sqrt(values.size))
    spread = 0.5 / math.sqrt(values.size)
    low, middle, high = np.quantile(values, [0.5 - spread, 0.5, 0.5 + spread])
    return float(middle), float(high - low) / 2
