"""Ranking by the distance to the probe's boundary, or by the margin that counts its mistakes as hardest."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, Curve, curve_table, draw_curves, simulated_cells
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.style import new_figure, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest

NAME = "label_aware"
TITLE = "Whether the metric sees labels decides how hard is too hard"
CAPTION = (
    "Test error against kept examples, ranked by |z| (label-agnostic) or by y z (label-aware) of a probe at θ = 20°, "
    "f = 0.4: replica theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, bars of one standard "
    "error)."
)
ANGLE = math.radians(20)
KEEP_FRACTION = 0.4
CURVES = [
    Curve(rule(KEEP_FRACTION, label_aware=aware), ANGLE, f"keep {name}, {'label-aware' if aware else 'label-agnostic'}")
    for rule, name in ((KeepHardest, "hard"), (KeepEasiest, "easy"))
    for aware in (False, True)
]
ALPHAS = np.geomspace(0.4, 10.0, 41)


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of the four rules."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines and simulated points of the four rules."""
    return curve_table(CURVES, ALPHAS, cells(settings), simulated)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.4, 4.0)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, table, abscissa="alpha_prune")
        axes.set(xlabel=ALPHA_PRUNE, title=f"Label-aware or not: θ = 20°, f = {KEEP_FRACTION:g}")
        axes.legend(loc="lower left")
    return figure
