"""Whether simulated points scatter about the theory as their uncertainties say: z-scores against a standard normal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest, shapiro

from perceptron_pruning.output.tables import Row

_FEWEST = 2  # z-scores that have a standard deviation
_FEWEST_WITH_TAILS = 3  # that Shapiro and Wilk's test takes


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The z-scores of many pairs of theory and simulation.

    Attributes:
        z_scores: (n,), each simulation less theory and finite-size term, over both uncertainties.
        worst: The row of the largest |z|.
    """

    z_scores: np.ndarray
    worst: Row

    @property
    def mean(self) -> float:
        """Mean z."""
        return float(self.z_scores.mean())

    @property
    def standard_deviation(self) -> float:
        """Standard deviation of z."""
        return float(self.z_scores.std(ddof=1))

    @property
    def largest(self) -> float:
        """Largest |z|."""
        return float(np.abs(self.z_scores).max())

    @property
    def ks_p(self) -> float:
        """p of Kolmogorov and Smirnov's test: how often standard normals lie further from their distribution.

        It sees a wrong mean or width, and next to nothing of the tails.
        """
        return float(kstest(self.z_scores, "norm").pvalue)

    @property
    def shapiro_p(self) -> float:
        """p of Shapiro and Wilk's test: how often normals of any mean and width lie less on a line of quantiles.

        It sees heavy tails and skewness, and nothing of mean and width. NaN of 2 z-scores, which always lie on a line,
        and of equal ones.
        """
        tells = self.z_scores.size >= _FEWEST_WITH_TAILS and np.ptp(self.z_scores) > 0
        return float(shapiro(self.z_scores).pvalue) if tells else math.nan

    def __str__(self) -> str:
        return (
            f"{self.z_scores.size} pairs: mean {self.mean:+.2f}, standard deviation {self.standard_deviation:.2f}, "
            f"Kolmogorov–Smirnov p = {self.ks_p:.2g}, Shapiro–Wilk p = {self.shapiro_p:.2g}, "
            f"largest |z| = {self.largest:.2f} at {place_of(self.worst)}"
        )


def calibration(rows: Sequence[Row]) -> Calibration:
    """The calibration of simulated rows, each with its ``z_score``.

    Raises:
        ValueError: There are fewer than 2 rows, or a z-score is not finite.
    """
    z_scores = np.array([row["z_score"] for row in rows], dtype=float)
    if z_scores.size < _FEWEST:
        raise ValueError(f"`rows` must be at least {_FEWEST}; got {z_scores.size}")
    if not np.isfinite(z_scores).all():
        raise ValueError(f"`rows` must have finite z-scores; got {z_scores[~np.isfinite(z_scores)][0]}")
    return Calibration(z_scores=z_scores, worst=rows[int(np.abs(z_scores).argmax())])


def place_of(row: Row) -> str:
    """Rule, θ, α_prune and N of a simulated row."""
    return (
        f"{row['rule']}, θ = {row['probe_angle_degrees']:.3g}°, α_prune = {row['alpha_prune']:.3g}, "
        f"N = {row['n_features']}"
    )
