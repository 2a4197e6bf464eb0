"""Figure B2, beyond the paper: the ridge that pruned data want."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import TEST_ERROR, column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, rule_label
from perceptron_pruning.output.style import COLOURS, new_figure, plain_ticks, styled
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
    "N = {n_features}, {n_trials} trials, bars of one standard error). On random data it is π/2 − 1 whatever the "
    "number, as on no other."
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
        figure = new_figure(8.4, 3.2)
        panels = figure.subplots(1, len(RULES), sharey=True)
        for axes, (label, rule) in zip(panels, RULES.items(), strict=True):
            _draw_rule(axes, [row for row in table if row["rule"] == rule_label(rule)])
            axes.set(xlabel=r"ridge, $\lambda$", title=f"{label} data")
        panels[0].set_ylabel(TEST_ERROR)
        panels[0].legend(loc="lower right", title=r"$\alpha_{\mathrm{prune}}$")
    return figure


def _draw_rule(axes: Axes, rows: Sequence[Row]) -> None:
    for alpha, colour in zip(ALPHAS, COLOURS, strict=False):
        of = {kind: [row for row in rows if (row["kind"], row["alpha_prune"]) == (kind, alpha)]
              for kind in ("theory", "best", "simulation")}  # fmt: skip
        axes.plot(column(of["theory"], "ridge"), column(of["theory"], "theory"), color=colour, label=f"{alpha:g}")
        best = np.clip(column(of["best"], "ridge"), RIDGES[0], RIDGES[-1])
        axes.plot(best, column(of["best"], "theory"), "o", ms=8, mfc="none", color=colour, clip_on=False)
        bars = column(of["simulation"], "standard_error")
        axes.errorbar(
            column(of["simulation"], "ridge"), column(of["simulation"], "simulation"), bars, fmt="o", ms=3, color=colour
        )
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
    axes.set_xticks([1e-4, 1e-2, 1.0, 1e2])
