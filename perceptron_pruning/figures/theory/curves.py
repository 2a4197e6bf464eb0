"""Theory lines and simulated dots of one family of curves: what the scaling figures share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, rule_label
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import Z_95, label_line, plain_ticks
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.frontier import pareto_frontier
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

RULES = {rule: (RULE_COLOURS[rule], RULE_MARKERS[rule]) for rule in RULE_COLOURS}  # colour and marker of a curve
ALPHA_PRUNE = r"kept examples per dimension, $\alpha_{\mathrm{prune}}$"
ALPHA_TOTAL = r"examples before pruning per dimension, $\alpha_{\mathrm{total}}$"
KEEP_FRACTION = r"kept fraction, $f$"
TEST_ERROR = r"test error, $\varepsilon$"


@dataclass(frozen=True)
class Curve:
    """Error of one rule at one probe angle, as the pool grows, and its look."""

    selection: Selection
    probe_angle: float
    label: str
    colour: str = "black"
    marker: str = "o"
    dashes: str = "-"


def simulated_cells(curves: Sequence[Curve], alphas: Sequence[float], settings: Settings) -> list[Cell]:
    """The simulated cells of some curves at these α_prune."""
    return [
        Cell(
            alpha_prune=alpha,
            selection=curve.selection,
            probe_angle=curve.probe_angle,
            n_features=settings.n_features,
        )
        for curve in curves
        for alpha in alphas
    ]


def curve_table(curves: Sequence[Curve], alphas: np.ndarray, cells: Sequence[Cell], simulated: Simulated) -> list[Row]:
    """Theory lines at these α_prune, and simulated points."""
    return [row for curve in curves for row in _theory_curve(curve, alphas)] + simulated.rows(cells)


def _theory_curve(curve: Curve, alphas: np.ndarray) -> list[Row]:
    solution = max_margin(alphas, selection=curve.selection, probe_angle=curve.probe_angle)
    columns = zip(alphas, solution.generalization_error, strict=True)
    return [
        point(curve.selection, curve.probe_angle, float(alpha)) | {"theory": float(error)} for alpha, error in columns
    ]


def frontier_rows(alphas: np.ndarray, *, probe_angle: float, least: float) -> list[Row]:
    """The Pareto frontier over fractions no smaller than the least."""
    frontier = pareto_frontier(alphas, probe_angle=probe_angle, min_keep_fraction=least)
    columns = zip(alphas, frontier.keep_fraction, frontier.generalization_error, strict=True)
    return [
        {
            "kind": "frontier",
            "rule": f"best of f >= {least:g}",
            "keep_fraction": float(fraction),
            "probe_angle_degrees": round(float(np.degrees(probe_angle)), 9),
            "alpha_prune": float(alpha),
            "alpha_total": float(alpha / fraction),
            "theory": float(error),
        }
        for alpha, fraction, error in columns
    ]


def rows_of(table: Sequence[Row], curve: Curve, kind: str) -> list[Row]:
    """The rows that belong to a curve, in order of α."""
    rule, degrees = rule_label(curve.selection), round(float(np.degrees(curve.probe_angle)), 9)
    same = [row for row in table if (row["kind"], row["rule"], row["probe_angle_degrees"]) == (kind, rule, degrees)]
    return sorted(same, key=lambda row: row["alpha_prune"])


def frontier_of(table: Sequence[Row], degrees: float) -> list[Row]:
    """The frontier's rows at a probe angle."""
    return [row for row in table if row["kind"] == "frontier" and row["probe_angle_degrees"] == degrees]


def draw_curves(axes: Axes, curves: Sequence[Curve], table: Sequence[Row], *, abscissa: str) -> None:
    """Lines of theory and dots of simulation, with bars of 95 %, on logarithmic axes."""
    for curve in curves:
        line = rows_of(table, curve, "theory")
        places, errors = column(line, abscissa), column(line, "theory")
        axes.plot(places, errors, curve.dashes, color=curve.colour, label=curve.label)
        draw_dots(axes, rows_of(table, curve, "simulation"), curve.colour, abscissa=abscissa, fmt=curve.marker)
    axes.set(xscale="log", yscale="log", ylabel=TEST_ERROR)
    plain_ticks(axes)


def without(axes: Axes, curves: Sequence[Curve]) -> tuple[list, list[str]]:
    """Handles and labels of a legend without the curves that are named at their ends."""
    named = {curve.label for curve in curves}
    entries = zip(*axes.get_legend_handles_labels(), strict=True)
    left = [(handle, label) for handle, label in entries if label not in named]
    return [handle for handle, _ in left], [label for _, label in left]


def draw_dots(axes: Axes, rows: Sequence[Row], colour: str, *, abscissa: str, ordinate: str = "simulation", **look):
    """Dots with bars of 95 %."""
    bars = [Z_95 * error for error in column(rows, "standard_error")]
    style = {"fmt": "o", "ms": 3.4, "lw": 1, "capsize": 2, "color": colour} | look
    axes.errorbar(column(rows, abscissa), column(rows, ordinate), bars, **style)


def column(rows: Sequence[Row], name: str) -> list:
    """A column of the rows, in order."""
    return [row[name] for row in rows]


def name_ends(axes: Axes, curves: Sequence[Curve], table: Sequence[Row], *, abscissa: str) -> None:
    """Names every line at its right end."""
    for curve in curves:
        last = rows_of(table, curve, "theory")[-1]
        label_line(axes, last[abscissa], last["theory"], curve.label, curve.colour)
