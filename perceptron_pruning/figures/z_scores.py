"""Histogram of the z-scores of a reproduction."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm

from perceptron_pruning.evidence.calibration import Calibration
from perceptron_pruning.output.style import COLOURS, new_figure, styled

_SHOWN = 4.0  # |z| shown at least
_BIN = 0.5  # width of a bin in z


def draw(calibration: Calibration) -> Figure:
    """Histogram of the z-scores, under the standard normal density."""
    widest = max(_SHOWN, float(np.ceil(calibration.largest)))
    grid = np.linspace(-widest, widest, 201)
    with styled():
        figure = new_figure(5.2, 3.2)
        axes = figure.add_subplot()
        bins = np.arange(-widest, widest + _BIN / 2, _BIN).tolist()
        label = f"{calibration.z_scores.size} points"
        axes.hist(calibration.z_scores, bins=bins, density=True, color=COLOURS[5], label=label)
        axes.plot(grid, norm.pdf(grid), color=COLOURS[6], label="standard normal")
        axes.set(
            xlabel="z = (simulation − theory − finite-size term) / uncertainty",
            ylabel="density",
            title="Theory against simulation",
        )
        axes.legend()
    return figure
