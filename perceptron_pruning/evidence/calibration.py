"""Whether simulated points scatter about the theory as their uncertainties say: z-scores against a standard normal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import kstest, norm

from perceptron_pruning.output.style import COLOURS, new_figure, styled
from perceptron_pruning.output.tables import Row

_FEWEST = 2


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
    def p_value(self) -> float:
        """Of Kolmogorov and Smirnov's test against the standard normal; small means that they differ."""
        return float(kstest(self.z_scores, "norm").pvalue)

    def __str__(self) -> str:
        return (
            f"{self.z_scores.size} pairs: mean {self.mean:+.2f}, standard deviation {self.standard_deviation:.2f}, "
            f"Kolmogorov–Smirnov p = {self.p_value:.2g}, largest |z| = {abs(self.worst['z_score']):.2f} "
            f"at {_place(self.worst)}"
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


def _place(row: Row) -> str:
    return (
        f"{row['rule']}, θ = {row['probe_angle_degrees']:.3g}°, α_prune = {row['alpha_prune']:.3g}, "
        f"N = {row['n_features']}"
    )
