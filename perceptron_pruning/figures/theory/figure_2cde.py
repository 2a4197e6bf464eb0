"""Figure 2C–E: a perfect probe and imperfect ones, with the frontier and the power law to which it falls back."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
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
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import fraction_colour
from perceptron_pruning.output.style import name_marks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.asymptotics import frontier_fallback
from replica_theory.selection import KeepHardest

NAME = "2CDE"
TITLE = "An imperfect probe falls back to a power law"
CAPTION = (
    "Test error against kept examples when the probe that ranks them lies at θ = 0°, 10°, 20° to the teacher: replica "
    "theory (lines), simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %), the Pareto "
    "frontier over f ≥ 0.02 (grey) and the power law 0.5005 sin θ/α that it approaches when the pool is unbounded "
    "(dashed)."
)
WHAT_TO_SEE = (
    "The worse the probe (left to right), the later the light lines of small f fall below the dark ones, and the "
    "less they gain: the grey frontier approaches the dashed power law."
)
ANGLES_DEGREES = (0, 10, 20)
FRACTIONS = (1.0, 0.6, 0.4, 0.2, 0.1)
LEAST = 0.02
ALPHAS = np.geomspace(0.4, 60.0, 121)
FRONTIER_ALPHAS = np.unique([*np.geomspace(0.4, 60.0, 17), *np.geomspace(1.2, 5.0, 15)])  # finer where it bends


def curves_at(degrees: float) -> list[Curve]:
    """Curves of one panel."""
    angle = math.radians(degrees)
    return [Curve(KeepHardest(f), angle, f"f = {f:g}", fraction_colour(f)) for f in FRACTIONS]


CURVES = [curve for degrees in ANGLES_DEGREES for curve in curves_at(degrees)]


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of every fraction and angle."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, simulated points, frontiers and their power-law limits."""
    return curve_table(CURVES, ALPHAS, cells(settings), simulated) + [
        row for degrees in ANGLES_DEGREES for row in _frontier_and_limit(degrees)
    ]


def _frontier_and_limit(degrees: float) -> list[Row]:
    angle, alphas = math.radians(degrees), FRONTIER_ALPHAS
    frontier = frontier_rows(alphas, probe_angle=angle, least=LEAST)
    if not degrees:
        return frontier
    return frontier + [
        {
            "kind": "fallback",
            "rule": "0.5005 sin θ/α",
            "probe_angle_degrees": float(degrees),
            "alpha_prune": float(alpha),
            "theory": float(error),
        }
        for alpha, error in zip(alphas, frontier_fallback(alphas, probe_angle=angle), strict=True)  # pyright: ignore[reportArgumentType]
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 3, width=9.6, height=3.5)
        share(panels[0], y=True)
        for axes, degrees in zip(panels[0], ANGLES_DEGREES, strict=True):
            draw_curves(axes, curves_at(degrees), table, abscissa="alpha_prune")
            _draw_limits(axes, table, degrees)
            axes.set(xlabel=ALPHA_PRUNE, title=f"probe at θ = {degrees}°")
        panels[0, 0].set_ylim(2e-4, 0.6)
        outer_labels(panels, x=False)
        name_marks(panels[0, 1])
        legend_beside(figure, panels[0, 1])
    return figure


def _draw_limits(axes: Axes, table: Sequence[Row], degrees: float) -> None:
    envelope = frontier_of(table, float(degrees))
    axes.plot(
        column(envelope, "alpha_prune"),
        column(envelope, "theory"),
        color="0.8",
        lw=6,
        zorder=0,
        label=f"best f ≥ {LEAST:g}",
    )
    limit = [row for row in table if row["kind"] == "fallback" and row["probe_angle_degrees"] == degrees]
    axes.plot(column(limit, "alpha_prune"), column(limit, "theory"), "k--", lw=1, label=r"$0.5005\,\sin\theta/\alpha$")
