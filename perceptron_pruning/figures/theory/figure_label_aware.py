"""Ranking by the distance to the probe's boundary, or by the margin that counts its mistakes as hardest."""

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
    draw_dots,
    rows_of,
    simulated_cells,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest

NAME = "label_aware"
TITLE = "Whether the metric sees labels decides how hard is too hard"
CAPTION = (
    "A: test error against kept examples, ranked by |z| (label-agnostic) or by y z (label-aware) of a probe at θ = "
    "20°, f = 0.4: replica theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %). B: "
    "the label-aware error over the label-agnostic one, of both rules; below 1 seeing the labels helps."
)
WHAT_TO_SEE = (
    "B, against the line at 1: above it, seeing the labels makes the kept examples worse, because the probe's "
    "mistakes count as hardest; below it, better. Of the easy rule the labels remove mistakes, and the curve "
    "stays below."
)
ANGLE = math.radians(20)
KEEP_FRACTION = 0.4
CURVES = [
    Curve(
        rule(KEEP_FRACTION, label_aware=aware),
        ANGLE,
        f"keep {name}, {'label-aware' if aware else 'label-agnostic'}",
        colour=RULE_COLOURS[name],
        marker=RULE_MARKERS[name],
        dashes="--" if aware else "-",
    )
    for rule, name in ((KeepHardest, "hard"), (KeepEasiest, "easy"))
    for aware in (False, True)
]
PAIRS = {"hard": CURVES[:2], "easy": CURVES[2:]}  # label-agnostic and label-aware
ALPHAS = np.geomspace(0.4, 10.0, 41)


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of the four rules."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines and simulated points of the four rules."""
    return curve_table(CURVES, ALPHAS, cells(settings), simulated)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: errors, and their ratios, which the errors' scale hides."""
    with styled():
        figure, ((errors, ratios),) = new_panels(1, 2, width=9.0, height=3.7)
        draw_curves(errors, CURVES, table, abscissa="alpha_prune")
        errors.set(xlabel=ALPHA_PRUNE, title=f"A  errors, θ = 20°, f = {KEEP_FRACTION:g}")
        name_marks(errors)
        errors.legend(loc="lower left")
        for name, (agnostic, aware) in PAIRS.items():
            _draw_ratio(ratios, table, agnostic, aware, f"keep {name}")
        ratios.axhline(1.0, color="0.4", lw=0.9)
        ratios.set(
            xscale="log", xlabel=ALPHA_PRUNE, ylabel="error, label-aware / label-agnostic", title="B  their ratio"
        )
        plain_ticks(ratios)
        ratios.legend(loc="upper left")
    return figure


def _draw_ratio(axes: Axes, table: Sequence[Row], agnostic: Curve, aware: Curve, label: str) -> None:
    """Ratio of theories, and of simulations with the errors of both."""
    below, above = (rows_of(table, curve, "theory") for curve in (agnostic, aware))
    ratio = [a["theory"] / b["theory"] for a, b in zip(above, below, strict=True)]
    axes.plot(column(below, "alpha_prune"), ratio, color=agnostic.colour, label=label)
    below, above = (rows_of(table, curve, "simulation") for curve in (agnostic, aware))
    dots = [
        {"alpha_prune": b["alpha_prune"], "simulation": a["simulation"] / b["simulation"]}
        | {"standard_error": math.hypot(*(row["standard_error"] / row["simulation"] for row in (a, b)))}
        for a, b in zip(above, below, strict=True)
    ]
    draw_dots(axes, dots, agnostic.colour, abscissa="alpha_prune", fmt=agnostic.marker)
