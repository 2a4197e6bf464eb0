"""Whether simulated points scatter about the theory as their uncertainties say: z-scores against a standard normal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import beta, kstest, norm, shapiro

from perceptron_pruning.output.style import COLOURS, new_figure, styled
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
        return float(self.z_scores.mean())

    @property
    def standard_deviation(self) -> float:
        return float(self.z_scores.std(ddof=1))

    @property
    def ks_p(self) -> float:
        """p of Kolmogorov and Smirnov's test: how often standard normals lie further from their distribution.

        It sees a wrong mean or width, and next to nothing of the tails.
        """
        return float(kstest(self.z_scores, "norm").pvalue)

    @property
    def shapiro_p(self) -> float:
        """p of Shapiro and Wilk's test: how often normals of any mean and width lie less on a line of quantiles.

        It sees heavy tails and skewness, and nothing of mean and width. NaN of 2 z-scores, which always lie on a line.
        """
        return float(shapiro(self.z_scores).pvalue) if self.z_scores.size >= _FEWEST_WITH_TAILS else math.nan

    def __str__(self) -> str:
        return (
            f"{self.z_scores.size} pairs: mean {self.mean:+.2f}, standard deviation {self.standard_deviation:.2f}, "
            f"Kolmogorov–Smirnov p = {self.ks_p:.2g}, Shapiro–Wilk p = {self.shapiro_p:.2g}, "
            f"largest |z| = {abs(self.worst['z_score']):.2f} at {_place(self.worst)}"
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


def draw(found: Calibration) -> Figure:
    """Histogram of the z-scores, under the standard normal density."""
    widest = max(4.0, float(np.ceil(np.abs(found.z_scores).max())))
    grid = np.linspace(-widest, widest, 201)
    with styled():
        figure = new_figure(5.2, 3.2)
        axes = figure.add_subplot()
        bins = np.arange(-widest, widest + 0.25, 0.5).tolist()
        axes.hist(found.z_scores, bins=bins, density=True, color=COLOURS[5], label=f"{found.z_scores.size} points")
        axes.plot(grid, norm.pdf(grid), color=COLOURS[6], label="standard normal")
        axes.set(
            xlabel="z = (simulation − theory − finite-size term) / uncertainty",
            ylabel="density",
            title="Theory against simulation",
        )
        axes.legend()
    return figure


def draw_quantiles(found: Calibration) -> Figure:
    """The z-scores in order against the quantiles that standard normals would have, with a 99 % band for each.

    The k-th of n has quantile Φ⁻¹((k − ½)/n); in Φ it is Beta(k, n − k + 1) distributed. A heavy tail leaves the band
    at an end, where a histogram shows little.
    """
    z_scores, size = np.sort(found.z_scores), found.z_scores.size
    rank = np.arange(1, size + 1)
    expected = norm.ppf((rank - 0.5) / size)
    low, high = (norm.ppf(beta.ppf(chance, rank, size - rank + 1)) for chance in (0.005, 0.995))
    with styled():
        figure = new_figure(4.2, 4.0)
        axes = figure.add_subplot()
        axes.fill_between(expected, low, high, color=COLOURS[5], alpha=0.4, lw=0, label="99 % of standard normals")
        axes.plot(expected[[0, -1]], expected[[0, -1]], color=COLOURS[6], lw=1)
        axes.plot(expected, z_scores, ".", ms=3, color=COLOURS[0], label=f"{size} points")
        axes.set(
            xlabel="quantile of a standard normal",
            ylabel="z = (simulation − theory − finite-size term) / uncertainty",
            title=f"Shapiro–Wilk p = {found.shapiro_p:.2g}, Kolmogorov–Smirnov p = {found.ks_p:.2g}",
        )
        axes.legend(loc="upper left")
    return figure


def _place(row: Row) -> str:
    return (
        f"{row['rule']}, θ = {row['probe_angle_degrees']:.3g}°, α_prune = {row['alpha_prune']:.3g}, "
        f"N = {row['n_features']}"
    )
