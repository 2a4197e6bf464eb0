"""Figure 2: an imperfect probe, at 10 and 20 degrees to the teacher."""

import math

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.reproduction import scaling
from perceptron_pruning.reproduction.cells import Cell
from perceptron_pruning.reproduction.scaling import Curve, draw_curves, simulated_cells, theory_rows
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import new_figure, styled
from perceptron_pruning.reproduction.tables import Row
from replica_theory.selection import KeepHardest

NAME = "figure_2"
ANGLES_DEGREES = (10, 20)
FRACTIONS = (1.0, 0.5, 0.2)
ALPHAS = np.geomspace(0.4, 100.0, 81)


def curves_at(degrees: float) -> list[Curve]:
    """Curves of one panel."""
    angle = math.radians(degrees)
    return [Curve(KeepHardest(f), angle, "no pruning, f = 1" if f == 1 else f"f = {f:g}") for f in FRACTIONS]


CURVES = [curve for degrees in ANGLES_DEGREES for curve in curves_at(degrees)]


def cells(settings: Settings) -> list[Cell]:
    """What is simulated."""
    return simulated_cells(CURVES, settings.alphas, settings)


def theory() -> list[Row]:
    """Lines of every fraction and angle."""
    return theory_rows(CURVES, ALPHAS)


def draw(lines: list[Row], dots: list[Row]) -> Figure:
    """Draws the figure from its tables."""
    with styled():
        figure = new_figure(7.2, 3.4)
        for axes, degrees in zip(figure.subplots(1, 2, sharey=True), ANGLES_DEGREES, strict=True):
            draw_curves(axes, curves_at(degrees), lines, dots, abscissa="alpha_prune")
            axes.set(xlabel=scaling.ALPHA_PRUNE, title=f"Keep the hardest by a probe at θ = {degrees}°")
            axes.label_outer()
        figure.axes[0].legend(loc="lower left")
    return figure
