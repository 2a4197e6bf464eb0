"""The z-scores of a reproduction against standard normals: as a histogram, and as quantiles, which show the tails."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta, norm

from perceptron_pruning.evidence.calibration import Calibration
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import COLOURS
from perceptron_pruning.output.style import styled

_SHOWN = 4.0  # |z| shown at least
_Z = "z = (simulation − theory − finite-size term) / uncertainty"
_BIN = 0.5  # width of a bin in z


def draw(calibration: Calibration) -> Figure:
    """Histogram of the z-scores under the standard normal density, and their quantiles."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=8.6, height=3.8)
        _draw_histogram(left, calibration)
        _draw_quantiles(right, calibration)
    return figure


def _draw_histogram(axes: Axes, calibration: Calibration) -> None:
    widest = max(_SHOWN, float(np.ceil(calibration.largest)))
    grid = np.linspace(-widest, widest, 201)
    bins = np.arange(-widest, widest + _BIN / 2, _BIN).tolist()
    label = f"{calibration.z_scores.size} points"
    axes.hist(calibration.z_scores, bins=bins, density=True, color=COLOURS[5], label=label)
    axes.plot(grid, norm.pdf(grid), color=COLOURS[6], label="standard normal")
    axes.set(xlabel=_Z, ylabel="density", title="Theory against simulation")
    axes.legend()


def _draw_quantiles(axes: Axes, calibration: Calibration) -> None:
    """The z-scores in order against the quantiles that standard normals would have, with a 99 % band for each.

    The k-th of n has quantile Φ⁻¹((k − ½)/n); in Φ it is Beta(k, n − k + 1) distributed. A heavy tail leaves the band
    at an end, where a histogram shows little.
    """
    z_scores, size = np.sort(calibration.z_scores), calibration.z_scores.size
    rank = np.arange(1, size + 1)
    expected = norm.ppf((rank - 0.5) / size)
    low, high = (norm.ppf(beta.ppf(chance, rank, size - rank + 1)) for chance in (0.005, 0.995))
    axes.fill_between(expected, low, high, color=COLOURS[5], alpha=0.4, lw=0, label="99 % of standard normals")
    axes.plot(expected[[0, -1]], expected[[0, -1]], color=COLOURS[6], lw=1)
    axes.plot(expected, z_scores, ".", ms=3, color=COLOURS[0], label=f"{size} points")
    axes.set(
        xlabel="quantile of a standard normal",
        ylabel="z, as on the left",
        title=f"Shapiro–Wilk p = {calibration.shapiro_p:.2g}, Kolmogorov–Smirnov p = {calibration.ks_p:.2g}",
    )
    axes.legend(loc="upper left")
