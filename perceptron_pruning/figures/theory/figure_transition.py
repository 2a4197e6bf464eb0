"""The transition at α = 2: what a perfect probe can do with an unlimited pool, and with a limited one."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import (
    ALPHA_PRUNE,
    KEEP_FRACTION,
    TEST_ERROR,
    column,
    draw_dots,
    frontier_rows,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import fraction_colour, sequence
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.asymptotics import GARDNER_CAPACITY, perfect_probe_slope
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

NAME = "transition"
TITLE = "What exponential means: a transition with an unlimited pool, a power law again with a limited one"
CAPTION = (
    "Left: test error against the kept fraction at fixed α_prune, θ = 0: below Gardner's α = 2 it tends to 1/2, above "
    "it to c(α) f (dashed); theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %). "
    "Right: the Pareto frontier of theory when the pool is at most α_prune / f_min; straight lines on "
    "these axes are exponentials, as where the fraction shrinks while examples are added, f = e^(−α) (dotted)."
)
WHAT_TO_SEE = (
    "A: at α_prune = 1.5 a larger pool to choose from makes the student worse (flat top line); above 2 the error "
    "falls in proportion to f, along the dashed limits. B: with a bounded pool the fall stops soon after α = 2; "
    "only the dotted line, where f shrinks with α, goes on as a straight line, an exponential."
)
ALPHAS = (1.5, 2.5, 3.0, 5.0)
FRACTIONS = np.geomspace(1e-3, 1.0, 31)
SIMULATED_FRACTIONS = (0.3, 0.1, 0.03, 0.01, 0.001)
BOUNDS = (0.1, 0.03, 0.01)
SHRINKING_ALPHAS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0)
FRONTIER_ALPHAS = np.unique([0.5, 1.0, *np.linspace(1.4, 2.6, 25), 3.0, 4.0, 6.0, 9.0])  # finer around α = 2


def cells(settings: Settings) -> list[Cell]:
    """The simulated points of panel A."""
    return [
        Cell(alpha_prune=alpha, selection=KeepHardest(f), n_features=settings.n_features)
        for alpha in ALPHAS
        for f in SIMULATED_FRACTIONS
    ]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, their limits, simulated points and frontiers."""
    return [
        *(row for f in FRACTIONS.tolist() for row in _theory(min(f, 1.0))),
        *(_limit(alpha, f) for alpha in ALPHAS if alpha > GARDNER_CAPACITY for f in (1e-3, 0.3)),
        *simulated.rows(cells(settings)),
        *(_shrinking(alpha) for alpha in SHRINKING_ALPHAS),
        *(row for least in BOUNDS for row in frontier_rows(FRONTIER_ALPHAS, probe_angle=0.0, least=least)),
    ]


def _theory(fraction: float) -> list[Row]:
    rule = KeepHardest(fraction)
    errors = max_margin(ALPHAS, selection=rule).generalization_error
    return [point(rule, 0.0, alpha) | {"theory": float(error)} for alpha, error in zip(ALPHAS, errors, strict=True)]


def _shrinking(alpha: float) -> Row:
    """ε at a fraction that falls as examples are added, f = e^{−α}."""
    rule = KeepHardest(math.exp(-alpha))
    error = max_margin(alpha, selection=rule).generalization_error
    return point(rule, 0.0, alpha) | {"kind": "shrinking", "theory": error}


def _limit(alpha: float, fraction: float) -> Row:
    error = perfect_probe_slope(alpha) * fraction
    return point(KeepHardest(fraction), 0.0, alpha) | {"kind": "limit", "theory": error}


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.0, height=3.8)
        _draw_fractions(left, table)
        _draw_frontiers(right, [row for row in table if row["kind"] == "frontier"])
        _draw_shrinking(right, [row for row in table if row["kind"] == "shrinking"])
    return figure


def _draw_fractions(axes: Axes, table: Sequence[Row]) -> None:
    for alpha, colour in zip(ALPHAS, sequence(len(ALPHAS)), strict=True):
        rows = {
            kind: [row for row in table if row["kind"] == kind and row["alpha_prune"] == alpha]
            for kind in ("theory", "limit", "simulation")
        }
        line, limit = rows["theory"], rows["limit"]
        label = rf"$\alpha_{{\mathrm{{prune}}}}$ = {alpha:g}"
        axes.plot(column(line, "keep_fraction"), column(line, "theory"), color=colour, label=label)
        axes.plot(column(limit, "keep_fraction"), column(limit, "theory"), "--", color=colour, lw=1)
        draw_dots(axes, rows["simulation"], colour, abscissa="keep_fraction")
    axes.plot([], [], "--", color="0.25", lw=1, label=r"dashed: limit $c(\alpha) f$")
    name_marks(axes)
    axes.set(xscale="log", yscale="log", xlabel=KEEP_FRACTION, ylabel=TEST_ERROR, ylim=(3e-5, 1))
    axes.set_title("A  a fixed number kept of a growing pool")
    plain_ticks(axes)
    axes.legend(loc="lower right")


def _draw_shrinking(axes: Axes, rows: Sequence[Row]) -> None:
    """The error along f = e^(−α), named where it leaves the panel."""
    places, errors = column(rows, "alpha_prune"), column(rows, "theory")
    axes.plot(places, errors, ":", lw=1.8, color="black", label=r"dotted: $f = e^{-\alpha}$")
    axes.set(xlim=(0, 9.6), ylim=(2e-6, 1))
    axes.legend(loc="lower left")


def _draw_frontiers(axes: Axes, rows: Sequence[Row]) -> None:
    for least in BOUNDS:
        line = [row for row in rows if row["rule"] == f"best of f >= {least:g}"]
        places, errors = column(line, "alpha_prune"), column(line, "theory")
        axes.plot(places, errors, "-", color=fraction_colour(least))
        axes.text(places[-1], 1.4 * errors[-1], f"f ≥ {least:g}", color=fraction_colour(least), fontsize=8, ha="right")
    axes.axvline(GARDNER_CAPACITY, color="0.5", lw=0.8)
    axes.text(GARDNER_CAPACITY + 0.1, 0.6, r"$\alpha$ = 2, Gardner's capacity", color="0.35", fontsize=7.5)
    axes.plot([], [], "-", color=fraction_colour(0.03), label="lines: best f of a bounded pool")
    axes.set(yscale="log", xlabel=ALPHA_PRUNE, ylabel=TEST_ERROR, title="B  best fraction of a bounded pool (theory)")
    plain_ticks(axes)
