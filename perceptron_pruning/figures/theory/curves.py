"""Theory lines and simulated dots of one family of curves: what the scaling figures share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, rule_label
from perceptron_pruning.output.style import COLOURS, plain_ticks
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.frontier import pareto_frontier
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

ALPHA_PRUNE = r"kept examples per dimension, $\alpha_{\mathrm{prune}}$"
ALPHA_TOTAL = r"examples before pruning per dimension, $\alpha_{\mathrm{total}}$"
KEEP_FRACTION = r"kept fraction, $f$"
TEST_ERROR = r"test error, $\varepsilon$"


@dataclass(frozen=True)
class Curve:
    """Error of one rule at one probe angle, as the pool grows."""

    selection: Selection
    probe_angle: float
    label: str


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
    """Lines of theory and dots of simulation, with bars of one standard error, on logarithmic axes."""
    for curve, colour in zip(curves, COLOURS, strict=False):
        line = rows_of(table, curve, "theory")
        axes.plot(column(line, abscissa), column(line, "theory"), color=colour, label=curve.label)
        draw_dots(axes, rows_of(table, curve, "simulation"), colour, abscissa=abscissa)
    axes.set(xscale="log", yscale="log", ylabel=TEST_ERROR)
    plain_ticks(axes)


def draw_dots(axes: Axes, rows: Sequence[Row], colour: str, *, abscissa: str, ordinate: str = "simulation", **look):
    """Dots with bars of one standard error."""
    bars = column(rows, "standard_error")
    style = {"fmt": "o", "ms": 3.5, "lw": 1, "color": colour} | look
    axes.errorbar(column(rows, abscissa), column(rows, ordinate), bars, **style)


def column(rows: Sequence[Row], name: str) -> list:
    """A column of the rows, in order."""
    return [row[name] for row in rows]
