"""Figure 1B: keep hard, keep easy or keep at random, as the pool grows."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import (
    ALPHA_TOTAL,
    RULES,
    Curve,
    curve_table,
    draw_curves,
    name_ends,
    simulated_cells,
    without,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.style import name_marks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom

NAME = "1B"
TITLE = "Keep the easy when data are scarce, the hard when they abound"
CAPTION = (
    "Test error against the pool's size when the hardest, the easiest or random 40% are kept (θ = 0): replica theory "
    "(lines) and simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %)."
)
WHAT_TO_SEE = (
    "Where the blue line crosses the orange one: left of it the pool is small and the easy examples are worth "
    "keeping, right of it the hard ones. Grey is what chance would do."
)
KEEP_FRACTION = 0.4
HARD = Curve(KeepHardest(KEEP_FRACTION), 0.0, "keep hard", *RULES["hard"])
EASY = Curve(KeepEasiest(KEEP_FRACTION), 0.0, "keep easy", *RULES["easy"])
RANDOM = Curve(KeepRandom(KEEP_FRACTION), 0.0, "at random", *RULES["random"])
CURVES = [HARD, EASY, RANDOM]
ALPHAS_TOTAL = np.geomspace(1.2, 24.0, 41)


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of the three rules."""
    return simulated_cells(CURVES, [KEEP_FRACTION * alpha for alpha in settings.alphas_total], settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines and simulated points of the three rules."""
    return curve_table(CURVES, KEEP_FRACTION * ALPHAS_TOTAL, cells(settings), simulated)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.8, 4.0)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, table, abscissa="alpha_total")
        name_ends(axes, CURVES, table, abscissa="alpha_total")
        name_marks(axes)
        axes.set(xlabel=ALPHA_TOTAL, title=f"Which {KEEP_FRACTION:.0%} to keep (θ = 0)")
        axes.legend(*without(axes, CURVES), loc="lower left")
    return figure
