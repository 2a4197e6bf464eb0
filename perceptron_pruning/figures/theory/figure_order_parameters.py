"""Order parameters R, ρ and κ of the max-margin student, by theory and by simulation."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.comparison import agreement
from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, Curve, column, draw_dots, rows_of, simulated_cells
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import legend_beside, new_panels
from perceptron_pruning.output.palette import fraction_colour
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.finite_size import Quantity, finite_size
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

NAME = "order_parameters"
TITLE = "Order parameters, not only the error"
CAPTION = (
    "Overlaps R with the teacher and ρ with the probe, and margin κ, of the max-margin student when the hardest are "
    "kept by a probe at θ = 20°: replica theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, "
    "bars of 95 %). z-scores are of arccos R/π, arccos ρ/π and κ, each less its finite-size term."
)
WHAT_TO_SEE = (
    "Dots on lines in all three panels: not only the error, which follows from R, but the student's overlap with "
    "the probe and its margin are as the theory says."
)
ANGLE = math.radians(20)
CURVES = [Curve(KeepHardest(f), ANGLE, f"f = {f:g}", fraction_colour(f)) for f in (1.0, 0.4, 0.2)]
ALPHAS = np.geomspace(0.4, 10.0, 41)
QUANTITIES = {
    "overlap": r"overlap with the teacher, $R$",
    "probe_overlap": r"overlap with the probe, $\rho$",
    "margin": r"margin, $\kappa$",
}

_COMPARED: dict[str, Quantity] = {"overlap": "error", "probe_overlap": "probe_angle", "margin": "margin"}


def cells(settings: Settings) -> list[Cell]:
    """The simulated points, which figure 2CDE shows too."""
    return simulated_cells(CURVES, settings.alphas, settings)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines and simulated points of R, ρ and κ."""
    lines = [row for curve in CURVES for row in _theory(curve)]
    dots = [_dot(cell, name, simulated) for cell in cells(settings) if cell in simulated.trials for name in QUANTITIES]
    return lines + dots


def _theory(curve: Curve) -> list[Row]:
    solution = max_margin(ALPHAS, selection=curve.selection, probe_angle=curve.probe_angle)
    return [
        point(curve.selection, curve.probe_angle, float(alpha)) | {"quantity": name, "theory": float(value)}
        for name in QUANTITIES
        for alpha, value in zip(ALPHAS, getattr(solution, name), strict=True)
    ]


def _dot(cell: Cell, name: str, simulated: Simulated) -> Row:
    """Mean of R, ρ or κ; its z-score is that of arccos R/π, arccos ρ/π or κ."""
    values, alpha = simulated.trials[cell][name], cell.n_kept / cell.n_features

    def theory(alphas: np.ndarray) -> np.ndarray:
        solution = max_margin(alphas, selection=cell.selection, probe_angle=cell.probe_angle)
        return _comparable(getattr(solution, name), name)

    in_n_dimensions = finite_size(
        alpha,
        n_features=cell.n_features,
        selection=cell.selection,
        probe_angle=cell.probe_angle,
        quantity=_COMPARED[name],
    )
    held = agreement(_comparable(values, name), theory, alpha_prune=alpha, in_n_dimensions=in_n_dimensions)
    return point(cell.selection, cell.probe_angle, alpha) | {
        "kind": "simulation",
        "quantity": name,
        "theory": getattr(max_margin(alpha, selection=cell.selection, probe_angle=cell.probe_angle), name),
        "simulation": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / math.sqrt(values.size)),
        "z_score": held.z_score,
        "n_features": cell.n_features,
        "n_trials": values.size,
        "seed": simulated.seed,
        "cell_seed": cell.seed(simulated.seed),
    }


def _comparable(values: np.ndarray, name: str) -> np.ndarray:
    return values if name == "margin" else np.arccos(values) / math.pi


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 3, width=10.4, height=3.3)
        for axes, (name, label) in zip(panels[0], QUANTITIES.items(), strict=True):
            same = [row for row in table if row["quantity"] == name]
            for curve in CURVES:
                line = rows_of(same, curve, "theory")
                axes.plot(column(line, "alpha_prune"), column(line, "theory"), color=curve.colour, label=curve.label)
                draw_dots(axes, rows_of(same, curve, "simulation"), curve.colour, abscissa="alpha_prune")
            axes.set(xscale="log", xlabel=ALPHA_PRUNE, ylabel=label)
            if name == "margin":
                axes.set_yscale("log")
            plain_ticks(axes)
        panels[0, 1].set_title("keep the hardest, probe at θ = 20°")
        name_marks(panels[0, 0])
        legend_beside(figure, panels[0, 0])
    return figure
