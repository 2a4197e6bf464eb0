"""Finite-size scaling: the simulated error in 50 to 800 dimensions, extrapolated to the limit that theory describes."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import COLOURS
from perceptron_pruning.output.style import Z_95, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

NAME = "finite_size"
TITLE = "Finite size: simulation tends to the theory like 1/N"
CAPTION = (
    "Simulated test error over the theory's, against 1/N for {sizes}: means of {n_trials} trials with bars of 95 %, "
    "lines ε(1 + c/N) fitted by weighted least squares, and their extrapolation to N = ∞ (open symbols), where the "
    "theory is 1. Dotted: the finite-size term that every comparison allows for, which is not fitted to these points."
)
WHAT_TO_SEE = (
    "Towards the left, N grows: dots and fitted lines tend to 1, where simulation and theory are equal; the open "
    "symbols are what is left at N = ∞. The dotted line is what theory itself says of N dimensions; nothing is "
    "fitted to draw it."
)
SETTINGS: tuple[tuple[str, float, Selection, float], ...] = (
    ("no pruning, α = 2", 2.0, KeepRandom(), 0.0),
    ("hard, f = 0.4, θ = 0, α = 3", 3.0, KeepHardest(0.4), 0.0),
    ("hard, f = 0.4, θ = 20°, α = 3", 3.0, KeepHardest(0.4), math.radians(20)),
    ("easy, f = 0.4, θ = 0, α = 2", 2.0, KeepEasiest(0.4), 0.0),
)


def cells(settings: Settings) -> list[Cell]:
    """Every setting at every size."""
    return [cell for setting in SETTINGS for cell in _sizes(setting, settings)]


def _sizes(setting: tuple[str, float, Selection, float], settings: Settings) -> list[Cell]:
    _, alpha, rule, angle = setting
    return [Cell(alpha_prune=alpha, selection=rule, probe_angle=angle, n_features=n) for n in settings.sizes]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Points of every size, and the extrapolation of each setting."""
    rows: list[Row] = []
    for setting in SETTINGS:
        points = [row | {"setting": setting[0]} for row in simulated.rows(_sizes(setting, settings))]
        rows += points
        if len(points) > 2:
            rows.append(_extrapolation(setting, points))
    return rows


def _extrapolation(setting: tuple[str, float, Selection, float], points: Sequence[Row]) -> Row:
    """Weighted least squares of ε on 1 and 1/N."""
    label, alpha, rule, angle = setting
    design = np.stack([np.ones(len(points)), 1 / np.array(column(points, "n_features"), dtype=float)], axis=1)
    weights = 1 / np.array(column(points, "standard_error"))
    covariance = np.linalg.inv(design.T @ (weights[:, None] ** 2 * design))
    limit, slope = covariance @ (design.T @ (weights**2 * np.array(column(points, "simulation"))))
    error = math.sqrt(covariance[0, 0])
    theory = points[0]["theory"]
    return point(rule, angle, alpha) | {
        "kind": "extrapolation",
        "setting": label,
        "theory": theory,
        "simulation": float(limit),
        "standard_error": error,
        "z_score": float(limit - theory) / error,
        "slope": float(slope),
        "n_trials": points[0]["n_trials"],
    }


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each setting."""
    with styled():
        figure, panels = new_panels(2, 2, width=8.0, height=4.8)
        share(panels.ravel(), x=True, y=True)
        for axes, (label, *_) in zip(panels.ravel(), SETTINGS, strict=True):
            _draw_setting(axes, [row for row in table if row["setting"] == label])
            axes.set(xlabel="1000 / N", ylabel="simulated ε / theory's ε", title=label)
        outer_labels(panels)
        legend_beside(figure, panels[0, 0], below=True)
    return figure


def _draw_setting(axes: Axes, rows: Sequence[Row]) -> None:
    """Points of every size, the finite-size term, the fitted line, and its end at N = ∞."""
    points = [row for row in rows if row["kind"] == "simulation"]
    inverse = np.array([1000 / row["n_features"] for row in points])
    axes.axhline(1, color="0.5", lw=0.8)
    expected = [1.0, *(1 + row["finite_size"] / row["theory"] for row in points)]
    axes.plot([0.0, *inverse], expected, ":", color="black", label="dotted: theory in N dimensions")
    for fit in (row for row in rows if row["kind"] == "extrapolation"):
        ends = np.array([0.0, inverse.max()])
        line = (fit["simulation"] + fit["slope"] * ends / 1000) / fit["theory"]
        axes.plot(ends, line, color=COLOURS[0], lw=1.2, label="line: fit of 1 + c/N")
        _bars(axes, np.array([0.0]), [fit], mfc="white", label="open: extrapolated, 95 %")
    _bars(axes, inverse, points, label="dots: simulation, 95 %")


def _bars(axes: Axes, positions: np.ndarray, rows: Sequence[Row], **look) -> None:
    ratios = [row["simulation"] / row["theory"] for row in rows]
    bars = [Z_95 * row["standard_error"] / row["theory"] for row in rows]
    axes.errorbar(positions, ratios, bars, fmt="o", ms=4, lw=1, capsize=2, color=COLOURS[0], **look)
