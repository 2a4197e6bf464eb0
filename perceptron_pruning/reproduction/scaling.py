"""Theory lines and simulated dots of one family of curves: what the theory figures share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from perceptron_pruning.reproduction.cells import Cell, point
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import COLOURS, plain_ticks
from perceptron_pruning.reproduction.tables import Row
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

ALPHA_PRUNE = r"kept examples per dimension, $\alpha_{\mathrm{prune}}$"
ALPHA_TOTAL = r"examples before pruning per dimension, $\alpha_{\mathrm{total}}$"


@dataclass(frozen=True)
class Curve:
    """Error of one rule at one probe angle, as the pool grows."""

    selection: Selection
    probe_angle: float
    label: str


def simulated_cells(curves: Sequence[Curve], alphas: Sequence[float], settings: Settings) -> list[Cell]:
    """The cells of the dots at these α_prune."""
    return [
        Cell(
            alpha_prune=alpha,
            selection=curve.selection,
            probe_angle=curve.probe_angle,
            n_features=settings.n_features,
            n_trials=settings.n_trials,
        )
        for curve in curves
        for alpha in alphas
    ]


def theory_rows(curves: Sequence[Curve], alphas: np.ndarray) -> list[Row]:
    """The lines, at these α_prune."""
    return [row for curve in curves for row in _theory_curve(curve, alphas)]


def _theory_curve(curve: Curve, alphas: np.ndarray) -> list[Row]:
    solution = max_margin(alphas, selection=curve.selection, probe_angle=curve.probe_angle)
    columns = zip(alphas, solution.generalization_error, solution.residual, strict=True)
    return [
        point(curve.selection, curve.probe_angle, float(alpha)) | {"theory": float(error), "residual": float(residual)}
        for alpha, error, residual in columns
    ]


def rows_of(rows: Sequence[Row], curve: Curve) -> list[Row]:
    """The rows that belong to a curve, in order of α."""
    key = point(curve.selection, curve.probe_angle, 1.0)
    same = [row for row in rows if all(row[name] == key[name] for name in ("rule", "probe_angle_degrees"))]
    same = [row for row in same if abs(row["keep_fraction"] - key["keep_fraction"]) < 1e-9]
    return sorted(same, key=lambda row: row["alpha_prune"])


def draw_curves(axes: Axes, curves: Sequence[Curve], theory: list[Row], dots: list[Row], *, abscissa: str) -> None:
    """Lines of theory and dots of simulation, with bars of one standard error, on logarithmic axes."""
    for curve, colour in zip(curves, COLOURS, strict=False):
        line, measured = rows_of(theory, curve), rows_of(dots, curve)
        axes.plot([row[abscissa] for row in line], [row["theory"] for row in line], color=colour, label=curve.label)
        axes.errorbar(
            [row[abscissa] for row in measured],
            [row["simulation"] for row in measured],
            [row["standard_error"] for row in measured],
            fmt="o",
            ms=3.5,
            lw=1,
            color=colour,
        )
    axes.set(xscale="log", yscale="log", ylabel="test error ε")
    plain_ticks(axes)
