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
    name_ends,
    simulated_cells,
    without,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import fraction_colour
from perceptron_pruning.output.style import name_marks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepHardest

NAME = "1A"
TITLE = "Keeping the hardest examples, by a perfect probe"
CAPTION = (
    "Test error of the max-margin student trained on the hardest fraction f of the pool by a perfect probe (θ = 0): "
    "replica theory (lines), simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %) and "
    "the Pareto frontier over f ≥ 0.1."
)
WHAT_TO_SEE = (
    "Dots on lines: simulation obeys the theory. From α_prune of about 2 on a small f (light) is best; the grey "
    "band takes the best f at every α."
)
FRACTIONS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.1)
LEAST = min(FRACTIONS)
CURVES = [Curve(KeepHardest(f), 0.0, f"f = {f:g}", fraction_colour(f)) for f in FRACTIONS]
ALPHAS = np.geomspace(0.4, 8.0, 121)
FRONTIER_ALPHAS = np.unique([*np.geomspace(0.4, 8.0, 16), *np.linspace(1.3, 2.5, 25)])  # finer where the best f falls


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of every fraction."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, simulated points, and the frontier over f ≥ the smallest fraction."""
    return [
        *curve_table(CURVES, ALPHAS, cells(settings), simulated),
        *frontier_rows(FRONTIER_ALPHAS, probe_angle=0.0, least=LEAST),
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.8, 4.0)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, table, abscissa="alpha_prune")
        name_ends(axes, CURVES, table, abscissa="alpha_prune")
        envelope = frontier_of(table, 0.0)
        label = f"best f ≥ {LEAST:g}: the frontier"
        places, errors = column(envelope, "alpha_prune"), column(envelope, "theory")
        axes.plot(places, errors, color="0.8", lw=6, zorder=0, label=label)
        name_marks(axes)
        axes.set(xlabel=ALPHA_PRUNE, title="Keep the hardest, perfect probe (θ = 0)")
        axes.legend(*without(axes, CURVES), loc="lower left")
    return figure
