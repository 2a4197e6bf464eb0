"""The best of all selection rules, beside keeping the hardest and the easiest."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import (
    ALPHA_TOTAL,
    TEST_ERROR,
    Curve,
    column,
    curve_table,
    draw_dots,
    rows_of,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, selection_of
from perceptron_pruning.output.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.optimal_selection import OptimalSelection, optimal_selection
from replica_theory.selection import KeepEasiest, KeepHardest, KeepWindows, Selection

NAME = "optimal_rule"
TITLE = "The optimal rule moves from easy to hard through windows of margins"
CAPTION = (
    "Above: test error against pool size when the hardest, the easiest, or the margins of least influence (the "
    "optimal rule) make up the kept 40%, for a perfect probe and one at θ = 20°: theory (lines) and simulation (dots; "
    "N = {n_features}, {n_trials} trials, bars of one standard error). Below: which ranks the optimal rule keeps, "
    "0 the hardest."
)
KEEP_FRACTION = 0.4
DEGREES = (0, 20)
ALPHAS_TOTAL = np.geomspace(1.2, 24.0, 19)
RIVALS: dict[str, Selection] = {"easy": KeepEasiest(KEEP_FRACTION), "hard": KeepHardest(KEEP_FRACTION)}


def curves_at(degrees: float) -> list[Curve]:
    """Hard and easy, of one column."""
    return [Curve(rule, math.radians(degrees), f"keep {name}") for name, rule in RIVALS.items()]


@cache
def _optimum(alpha_total: float, degrees: float) -> OptimalSelection:
    return optimal_selection(alpha_total, keep_fraction=KEEP_FRACTION, probe_angle=math.radians(degrees))


def _rule(alpha_total: float, degrees: float) -> KeepWindows:
    """The optimal rule to three decimals: the search's last digits differ between machines, and a rule names its cell.

    The error is flat at the optimum, so that this changes it by less than a part in 1e4.
    """
    optimum = _optimum(alpha_total, degrees).selection
    return KeepWindows(tuple((round(a, 3), round(b, 3)) for a, b in optimum.windows), optimum.label_aware)


def cells(settings: Settings) -> list[Cell]:
    """The three rules at both angles."""
    return [
        Cell(
            alpha_prune=KEEP_FRACTION * alpha,
            selection=rule,
            probe_angle=math.radians(degrees),
            n_features=settings.n_features,
        )
        for degrees in DEGREES
        for alpha in settings.alphas_total
        for rule in (*RIVALS.values(), _rule(alpha, degrees))
    ]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, simulated points, and the optimal rule's windows."""
    curves = [curve for degrees in DEGREES for curve in curves_at(degrees)]
    return [
        *curve_table(curves, KEEP_FRACTION * ALPHAS_TOTAL, cells(settings), simulated),
        *(row for degrees in DEGREES for alpha in ALPHAS_TOTAL for row in _windows(float(alpha), degrees)),
    ]


def _windows(alpha_total: float, degrees: float) -> list[Row]:
    """A row for each window of ranks."""
    optimum, rule = _optimum(alpha_total, degrees), _rule(alpha_total, degrees)
    place = point(rule, optimum.probe_angle, KEEP_FRACTION * alpha_total)
    return [
        place | {"kind": "optimal", "theory": optimum.generalization_error, "lower": lower, "upper": upper}
        for lower, upper in rule.windows
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(8.0, 5.0)
        panels = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(2.2, 1))
        for (above, below), degrees in zip(panels.T, DEGREES, strict=True):
            same = [row for row in table if row["probe_angle_degrees"] == degrees]
            _draw_errors(above, same, degrees)
            _draw_windows(below, [row for row in same if row["kind"] == "optimal"])
            above.set(title=f"θ = {degrees}°, f = {KEEP_FRACTION:g}", ylabel=TEST_ERROR)
            below.set(xlabel=ALPHA_TOTAL, ylabel="ranks kept", ylim=(0, 1), yticks=(0.0, 0.5, 1.0))
            above.label_outer()
            below.label_outer()
        panels[0, 0].legend(loc="lower left")
    return figure


def _draw_errors(axes: Axes, rows: Sequence[Row], degrees: float) -> None:
    for curve, colour in zip(reversed(curves_at(degrees)), COLOURS, strict=False):  # as in figure 1B
        line = rows_of(rows, curve, "theory")
        axes.plot(column(line, "alpha_total"), column(line, "theory"), color=colour, label=curve.label)
        draw_dots(axes, rows_of(rows, curve, "simulation"), colour, abscissa="alpha_total")
    line = [row for row in rows if row["kind"] == "optimal"]
    axes.plot(column(line, "alpha_total"), column(line, "theory"), color=COLOURS[2], label="optimal rule")
    dots = [row for row in rows if row["kind"] == "simulation" and isinstance(selection_of(row), KeepWindows)]
    draw_dots(axes, dots, COLOURS[2], abscissa="alpha_total", fmt="s")
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)


def _draw_windows(axes: Axes, rows: Sequence[Row]) -> None:
    for row in rows:
        at = row["alpha_total"]
        axes.plot([at, at], [row["lower"], row["upper"]], color=COLOURS[2], lw=5, solid_capstyle="butt")
