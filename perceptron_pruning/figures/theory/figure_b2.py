"""Figure B2, beyond the paper: the ridge that pruned data want."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, rule_label
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.optimal_ridge import optimal_ridge
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

NAME = "B2"
TITLE = "The best ridge: none for the hard, more for the easy"
CAPTION = (
    "Test error of the square loss against its ridge λ on random, hard and easy data (f = 40%, θ = 0), for three "
    "numbers of kept examples: theory (lines), the best ridge (circles; at the left edge, 0), simulation (dots; "
    "N = {n_features}, {n_trials} trials, bars of 95 %). On random data it is π/2 − 1 whatever the "
    "number, as on no other."
)
WHAT_TO_SEE = (
    "The circles: on random data they stand above one ridge whatever the number of examples; on hard data they "
    "move to the left edge, no ridge at all, as examples grow; on easy data to the right."
)
RULES: dict[str, Selection] = {"random": KeepRandom(0.4), "hard": KeepHardest(0.4), "easy": KeepEasiest(0.4)}
ALPHAS = (0.8, 2.0, 5.0)
RIDGES = np.geomspace(1e-4, 1e2, 37)
DOTS = (1e-3, 0.1, 10.0)


def cells(settings: Settings) -> list[Cell]:
    """Each rule and α_prune at three ridges."""
    return [
        Cell(alpha_prune=alpha, selection=rule, n_features=settings.n_features, student=EmpiricalRisk("square", ridge))
        for rule in RULES.values()
        for alpha in ALPHAS
        for ridge in DOTS
    ]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, best ridges and simulated points."""
    rows = [row for rule in RULES.values() for alpha in ALPHAS for row in _theory(rule, alpha)]
    dots = [
        row | {"ridge": cell.student.ridge}
        for cell in cells(settings)
        for row in simulated.rows([cell])
        if isinstance(cell.student, EmpiricalRisk)
    ]
    return rows + dots


def _theory(rule: Selection, alpha: float) -> list[Row]:
    where = point(rule, 0.0, alpha)
    line = [where | {"ridge": float(ridge), "theory": _error(rule, alpha, float(ridge))} for ridge in RIDGES]
    best = optimal_ridge(alpha, loss="square", selection=rule)
    return [*line, where | {"kind": "best", "ridge": best.ridge, "theory": best.generalization_error}]


def _error(rule: Selection, alpha: float, ridge: float) -> float:
    return empirical_risk(alpha, loss="square", ridge=ridge, selection=rule).generalization_error


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, len(RULES), width=9.0, height=3.3)
        share(panels[0], y=True)
        for axes, (label, rule) in zip(panels[0], RULES.items(), strict=True):
            _draw_rule(axes, [row for row in table if row["rule"] == rule_label(rule)])
            axes.set(xlabel=r"ridge, $\lambda$", ylabel=TEST_ERROR, title=f"{label} data")
        outer_labels(panels, x=False)
        axes = panels[0, 0]
        axes.plot([], [], "o", ms=8, mfc="none", color="0.25", label="circle: best ridge")
        name_marks(axes)
        legend_beside(figure, axes)
    return figure


def _draw_rule(axes: Axes, rows: Sequence[Row]) -> None:
    for alpha, colour in zip(ALPHAS, sequence(len(ALPHAS)), strict=True):
        of = {kind: [row for row in rows if (row["kind"], row["alpha_prune"]) == (kind, alpha)]
              for kind in ("theory", "best", "simulation")}  # fmt: skip
        label = rf"$\alpha_{{\mathrm{{prune}}}}$ = {alpha:g}"
        axes.plot(column(of["theory"], "ridge"), column(of["theory"], "theory"), color=colour, label=label)
        best = np.clip(column(of["best"], "ridge"), RIDGES[0], RIDGES[-1])
        axes.plot(best, column(of["best"], "theory"), "o", ms=8, mfc="none", color=colour, clip_on=False)
        draw_dots(axes, of["simulation"], colour, abscissa="ridge")
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
    axes.set_xticks([1e-4, 1e-2, 1.0, 1e2])
