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
    draw_curves,
    draw_dots,
    rows_of,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, selection_of
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import BEST, RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_marks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.optimal_selection import OptimalSelection, optimal_selection
from replica_theory.selection import KeepEasiest, KeepHardest, KeepWindows, Selection

NAME = "optimal_rule"
TITLE = "The optimal rule moves from easy to hard through windows of margins"
CAPTION = (
    "Top: test error against pool size when the hardest, the easiest, or the margins of least influence (the optimal "
    "rule) make up the kept 40%, for a perfect probe and one at θ = 20°. Middle: the error of the better of hard and "
    "easy over that of the optimal rule. Bottom: which ranks the optimal rule keeps, 0 the hardest. Theory (lines) and "
    "simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %)."
)
WHAT_TO_SEE = (
    "Bottom: the green band moves from the easiest ranks to the hardest as the pool grows, through windows in "
    "between. Middle: where it lies in between, the optimal rule gains over the better of hard and easy, and more "
    "so with the imperfect probe on the right."
)
KEEP_FRACTION = 0.4
DEGREES = (0, 20)
ALPHAS_TOTAL = np.geomspace(1.2, 24.0, 19)
RIVALS: dict[str, Selection] = {"easy": KeepEasiest(KEEP_FRACTION), "hard": KeepHardest(KEEP_FRACTION)}


def curves_at(degrees: float) -> list[Curve]:
    """Hard and easy, of one column."""
    return [
        Curve(rule, math.radians(degrees), f"keep {name}", RULE_COLOURS[name], RULE_MARKERS[name])
        for name, rule in RIVALS.items()
    ]


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
    """Draws the figure from its table: errors, what the optimal rule gains, what it keeps; a column for each angle."""
    with styled():
        figure, panels = new_panels(3, len(DEGREES), width=8.6, height=6.6)
        for line in panels:
            share(line, y=True)
        for (errors, gains, windows), degrees in zip(panels.T, DEGREES, strict=True):
            share([errors, gains, windows], x=True)
            same = [row for row in table if row["probe_angle_degrees"] == degrees]
            _draw_errors(errors, same, degrees)
            _draw_gains(gains, same, degrees)
            _draw_windows(windows, [row for row in same if row["kind"] == "optimal"])
            errors.set(title=f"θ = {degrees}°, f = {KEEP_FRACTION:g}", ylabel=TEST_ERROR)
            gains.set(ylabel="better of both / optimal")
            windows.set(
                ylabel="ranks kept", ylim=(1, 0), yticks=(0.0, 0.5, 1.0), yticklabels=("hardest", "0.5", "easiest")
            )
            for axes in (errors, gains, windows):
                axes.set_xlabel(ALPHA_TOTAL)
        outer_labels(panels)
        name_marks(panels[0, 0])
        panels[0, 0].legend(loc="lower left")
    return figure


def _optimal(rows: Sequence[Row], kind: str) -> list[Row]:
    """Rows of the optimal rule by pool size, one for each: of theory, or simulated."""
    if kind == "simulation":
        return [row for row in rows if row["kind"] == kind and isinstance(selection_of(row), KeepWindows)]
    return list({row["alpha_total"]: row for row in rows if row["kind"] == "optimal"}.values())


def _draw_errors(axes: Axes, rows: Sequence[Row], degrees: float) -> None:
    draw_curves(axes, curves_at(degrees), rows, abscissa="alpha_total")
    line = _optimal(rows, "theory")
    axes.plot(column(line, "alpha_total"), column(line, "theory"), color=BEST, label="optimal rule")
    draw_dots(axes, _optimal(rows, "simulation"), BEST, abscissa="alpha_total", fmt="^")


def _draw_gains(axes: Axes, rows: Sequence[Row], degrees: float) -> None:
    """The better of hard and easy over the optimal rule: of theory a line, of simulation dots."""
    for kind, value in (("theory", "theory"), ("simulation", "simulation")):
        rivals = [rows_of(rows, curve, kind) for curve in curves_at(degrees)]
        better = [min(pair, key=lambda row: row[value]) for pair in zip(*rivals, strict=True)]
        best = sorted(_optimal(rows, kind), key=lambda row: row["alpha_total"])
        ratios = [b[value] / o[value] for b, o in zip(better, best, strict=True)]
        places = column(best, "alpha_total")
        if kind == "theory":
            axes.plot(places, ratios, color=BEST)
            continue
        dots = [
            {"alpha_total": place, "simulation": ratio}
            | {"standard_error": ratio * math.hypot(*(r["standard_error"] / r["simulation"] for r in (b, o)))}
            for place, ratio, b, o in zip(places, ratios, better, best, strict=True)
        ]
        draw_dots(axes, dots, BEST, abscissa="alpha_total", fmt="^")
    axes.axhline(1.0, color="0.4", lw=0.9)


def _draw_windows(axes: Axes, rows: Sequence[Row]) -> None:
    """The kept ranks as bars that touch, from the middle between pools to the next."""
    alphas = sorted({row["alpha_total"] for row in rows})
    step = math.sqrt(alphas[1] / alphas[0])
    for row in rows:
        at = row["alpha_total"]
        axes.fill_between([at / step, at * step], row["lower"], row["upper"], color=BEST, alpha=0.75, lw=0)
