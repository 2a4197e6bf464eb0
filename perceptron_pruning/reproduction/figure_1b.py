"""Figure 1B: keep hard, keep easy or keep at random, as the pool grows."""

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.reproduction import scaling
from perceptron_pruning.reproduction.cells import Cell
from perceptron_pruning.reproduction.scaling import Curve, draw_curves, simulated_cells, theory_rows
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import new_figure, styled
from perceptron_pruning.reproduction.tables import Row
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom

NAME = "figure_1b"
KEEP_FRACTION = 0.4
HARD = Curve(KeepHardest(KEEP_FRACTION), 0.0, "keep hard")
EASY = Curve(KeepEasiest(KEEP_FRACTION), 0.0, "keep easy")
RANDOM = Curve(KeepRandom(KEEP_FRACTION), 0.0, "keep at random")
CURVES = [HARD, EASY, RANDOM]
ALPHAS_TOTAL = np.geomspace(1.2, 24.0, 41)


def cells(settings: Settings) -> list[Cell]:
    """What is simulated."""
    return simulated_cells(CURVES, [KEEP_FRACTION * alpha for alpha in settings.alphas_total], settings)


def theory() -> list[Row]:
    """Lines of the three rules."""
    return theory_rows(CURVES, KEEP_FRACTION * ALPHAS_TOTAL)


def draw(lines: list[Row], dots: list[Row]) -> Figure:
    """Draws the figure from its tables."""
    with styled():
        figure = new_figure(5.2, 3.8)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, lines, dots, abscissa="alpha_total")
        axes.set(
            xlabel=scaling.ALPHA_TOTAL,
            title=f"Which {KEEP_FRACTION:.0%} to keep depends on how many there are (θ = 0)",
        )
        axes.legend(loc="lower left")
    return figure
