"""Figure 1A: test error against kept examples, for several kept fractions and a perfect probe."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import (
    ALPHA_PRUNE,
    Curve,
    column,
    curve_table,
    draw_curves,
    frontier_of,
    frontier_rows,
    simulated_cells,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.style import new_figure, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepHardest

NAME = "1A"
TITLE = "Keeping the hardest examples, by a perfect probe"
CAPTION = (
    "Test error of the max-margin student trained on the hardest fraction f of the pool by a perfect probe (θ = 0): "
    "replica theory (lines), simulation (dots; N = {n_features}, {n_trials} trials, bars of one standard error) and "
    "the Pareto frontier over f ≥ 0.1."
)
FRACTIONS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1)
LEAST = min(FRACTIONS)
CURVES = [Curve(KeepHardest(f), 0.0, "no pruning, f = 1" if f == 1 else f"f = {f:g}") for f in FRACTIONS]
ALPHAS = np.geomspace(0.4, 8.0, 61)


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of every fraction."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, simulated points, and the frontier over f ≥ the smallest fraction."""
    return curve_table(CURVES, ALPHAS, cells(settings), simulated) + frontier_rows(
        ALPHAS[::3], probe_angle=0.0, least=LEAST
    )


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.4, 4.0)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, table, abscissa="alpha_prune")
        envelope = frontier_of(table, 0.0)
        label = f"Pareto frontier, f ≥ {LEAST:g}"
        axes.plot(
            column(envelope, "alpha_prune"), column(envelope, "theory"), color="0.75", lw=5, zorder=0, label=label
        )
        axes.set(xlabel=ALPHA_PRUNE, title="Keep the hardest: theory and simulation, θ = 0")
        axes.legend(loc="lower left")
    return figure
