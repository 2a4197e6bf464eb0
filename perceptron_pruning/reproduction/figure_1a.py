"""Figure 1A: test error against kept examples, for several kept fractions and a perfect probe."""

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.reproduction import scaling
from perceptron_pruning.reproduction.cells import Cell
from perceptron_pruning.reproduction.scaling import Curve, draw_curves, simulated_cells, theory_rows
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import new_figure, styled
from perceptron_pruning.reproduction.tables import Row
from replica_theory.frontier import pareto_frontier
from replica_theory.selection import KeepHardest

NAME = "figure_1a"
FRACTIONS = (1.0, 0.6, 0.4, 0.2, 0.1)
CURVES = [Curve(KeepHardest(f), 0.0, "no pruning, f = 1" if f == 1 else f"f = {f:g}") for f in FRACTIONS]
ALPHAS = np.geomspace(0.4, 8.0, 81)


def cells(settings: Settings) -> list[Cell]:
    """What is simulated."""
    return simulated_cells(CURVES, settings.alphas, settings)


def theory() -> list[Row]:
    """Lines of every fraction, and the frontier over fractions no smaller than the smallest."""
    alphas = ALPHAS[::2]
    frontier = pareto_frontier(alphas, min_keep_fraction=min(FRACTIONS))
    columns = zip(alphas, frontier.keep_fraction, frontier.generalization_error, strict=True)
    envelope = [
        {
            "rule": "ParetoFrontier",
            "keep_fraction": float(fraction),
            "probe_angle_degrees": 0.0,
            "alpha_prune": float(alpha),
            "alpha_total": float(alpha / fraction),
            "theory": float(error),
            "residual": None,
        }
        for alpha, fraction, error in columns
    ]
    return theory_rows(CURVES, ALPHAS) + envelope


def draw(lines: list[Row], dots: list[Row]) -> Figure:
    """Draws the figure from its tables."""
    with styled():
        figure = new_figure(5.2, 3.8)
        axes = figure.add_subplot()
        draw_curves(axes, CURVES, lines, dots, abscissa="alpha_prune")
        envelope = [row for row in lines if row["rule"] == "ParetoFrontier"]
        axes.plot(
            [row["alpha_prune"] for row in envelope],
            [row["theory"] for row in envelope],
            color="0.75",
            lw=5,
            zorder=0,
            label=f"best f ≥ {min(FRACTIONS):g}",
        )
        axes.set(xlabel=scaling.ALPHA_PRUNE, title="Keep the hardest: theory and simulation, θ = 0")
        axes.legend(loc="lower left")
    return figure
