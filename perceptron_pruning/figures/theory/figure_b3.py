"""Figure B3, beyond the paper: noisy labels, and what is then worth keeping."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point, rule_label
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.optimal_ridge import optimal_ridge
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

NAME = "B3"
TITLE = "Noisy labels"
CAPTION = (
    "Test error on clean labels of the square loss, each point with its best ridge, when none or a tenth of the labels "
    "are wrong and the probe lies at 20°: f = 40% hard, easy or random, and the hardest by a margin that sees the "
    "labels, which collects the wrong ones. Theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, "
    "bars of 95 %)."
)
WHAT_TO_SEE = (
    "The dashed line of the label-aware rule: on the left, without wrong labels, it is close to the solid one; on "
    "the right, with a tenth of them wrong, it is flat at the top, because the wrong labels are what it keeps. "
    "Ranking without labels (solid) still pays."
)
RULES: dict[str, Selection] = {
    "hard": KeepHardest(0.4),
    "easy": KeepEasiest(0.4),
    "random": KeepRandom(0.4),
    "hard, label-aware": KeepHardest(0.4, label_aware=True),
}
_LOOKS = {rule: (RULE_COLOURS[rule], RULE_MARKERS[rule], "-") for rule in RULE_COLOURS} | {
    "hard, label-aware": ("#6BAED6", "v", "--")
}  # colour, marker and dashes of each rule
PROBE_ANGLE = math.radians(20)
NOISES = (0.0, 0.1)
ALPHAS_TOTAL = np.geomspace(0.8, 30.0, 49)
DOTS = (1.5, 4.0, 12.0)
LARGEST_RIDGE = 1e4  # largest λ that is simulated; the student of a larger one differs by O(1/λ)


def cells(settings: Settings) -> list[Cell]:
    """Every curve at three pool sizes, with the ridge that is best there."""
    return [cell for noise in NOISES for rule in RULES.values() for cell in _dots(rule, noise, settings)]


def _dots(rule: Selection, noise: float, settings: Settings) -> list[Cell]:
    return [
        Cell(
            alpha_prune=alpha * rule.keep_fraction,
            selection=rule,
            probe_angle=PROBE_ANGLE,
            n_features=settings.n_features,
            student=EmpiricalRisk("square", _best(rule, noise, alpha)),
            label_noise=noise,
        )
        for alpha in DOTS
    ]


@cache
def _best(rule: Selection, noise: float, alpha_total: float) -> float:
    """The best ridge, to three digits."""
    return min(float(f"{_solved(rule, noise, np.array([alpha_total])).ridge[0]:.3g}"), LARGEST_RIDGE)


def _solved(rule: Selection, noise: float, alphas_total: np.ndarray):
    setting = {"selection": rule, "probe_angle": PROBE_ANGLE, "label_noise": noise}
    return optimal_ridge(rule.keep_fraction * alphas_total, loss="square", **setting)


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines and simulated points."""
    rows: list[Row] = []
    for noise in NOISES:
        for rule in RULES.values():
            solved = _solved(rule, noise, ALPHAS_TOTAL)
            rows += [
                point(rule, PROBE_ANGLE, float(alpha), noise)
                | {"label_noise": noise, "ridge": float(ridge), "theory": float(error)}
                for alpha, ridge, error in zip(
                    solved.alpha_prune, solved.ridge, solved.generalization_error, strict=True
                )
            ]
            rows += simulated.rows(_dots(rule, noise, settings))
    return rows


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, len(NOISES), width=8.8, height=3.7)
        share(panels[0], y=True)
        for axes, noise in zip(panels[0], NOISES, strict=True):
            for label, rule in RULES.items():
                colour, marker, dashes = _LOOKS[label]
                rows = [row for row in table if (row["rule"], row["label_noise"]) == (rule_label(rule), noise)]
                line = [row for row in rows if row["kind"] == "theory"]
                axes.plot(column(line, "alpha_total"), column(line, "theory"), dashes, color=colour, label=label)
                dots = [row for row in rows if row["kind"] == "simulation"]
                draw_dots(axes, dots, colour, abscissa="alpha_total", fmt=marker)
            axes.set(xscale="log", yscale="log", xlabel=ALPHA_TOTAL, title=f"{noise:.0%} wrong labels (θ = 20°)")
            axes.set_ylabel(TEST_ERROR)
            plain_ticks(axes)
        outer_labels(panels, x=False)
        name_marks(panels[0, 0])
        panels[0, 0].legend(loc="lower left")
    return figure
