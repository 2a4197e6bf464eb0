"""Figure B1, beyond the paper: what each student makes of pruned data, and what the best of all could."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import legend_beside, new_figure
from perceptron_pruning.output.palette import KINDS
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.students.training import Student
from perceptron_pruning.sweeps import Cell
from replica_theory.bayes import bayes_optimal
from replica_theory.choices.optimal_ridge import optimal_ridge
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest, KeepRandom

NAME = "B1"
TITLE = "Students on pruned data, above the floor"
CAPTION = (
    "Test error of students trained on the hardest 40% (θ = 0): theory (lines), simulation (dots; N = {n_features}, "
    "{n_trials} trials, bars of 95 %), and the Bayes floor of a student that knows the rule (black). Up "
    "to the transition the square loss with its best ridge attains it; the max-margin student is far above."
)
WHAT_TO_SEE = (
    "The distance to the black floor, below which no student of these examples can fall. Up to the transition the "
    "square loss with its best ridge lies on it; beyond, every loss pays for not knowing the rule. The dashed "
    "grey line is the floor of random examples: hard ones beat it only when there are enough."
)
RULE, RANDOM = KeepHardest(0.4), KeepRandom(0.4)
ALPHAS = np.unique([*np.geomspace(0.3, 8.0, 31), *np.linspace(0.8, 1.6, 17)])  # finer at the transition
DOTS = (0.5, 0.8, 1.2, 2.0, 5.0)
BEST = "square, best ridge"
STUDENTS: dict[str, Student] = {
    "max-margin": "max_margin",
    "logistic, λ = 0.1": EmpiricalRisk("logistic", 0.1),
    "hinge, λ = 0.1": EmpiricalRisk("hinge", 0.1),
    "Hebb (λ = ∞)": EmpiricalRisk("square", np.inf),
}
FLOORS = {"Bayes floor": RULE, "Bayes floor, random data": RANDOM}


class Look(NamedTuple):
    """How a curve is drawn."""

    colour: str
    dashes: str | tuple = "-"
    width: float = 1.4
    zorder: float = 2
    marker: str = "o"


_DASHES = ("-", (0, (6, 1.5)), (0, (3, 1.5)), "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
_MARKERS = ("o", "s", "D", "x", "^")


def cells(settings: Settings) -> list[Cell]:
    """Every student that `simulate` trains, at a few α."""
    return [cell for label in (*STUDENTS, BEST) for cell in _dots(label, settings)]


def _dots(label: str, settings: Settings) -> list[Cell]:
    student = STUDENTS.get(label)
    if isinstance(student, EmpiricalRisk) and np.isinf(student.ridge):
        return []  # a direction, the mean of what is kept: nothing to train
    return [
        Cell(
            alpha_prune=alpha,
            selection=RULE,
            n_features=settings.n_features,
            student=_best(alpha) if student is None else student,
        )
        for alpha in DOTS
    ]


@cache
def _best(alpha: float) -> EmpiricalRisk:
    """The square loss with its best ridge, to three digits: a better one would not be seen."""
    return EmpiricalRisk("square", float(f"{optimal_ridge(alpha, loss='square', selection=RULE).ridge:.3g}"))


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, simulated points and Bayes floors."""
    lines = {label: _errors(student) for label, student in STUDENTS.items()}
    lines[BEST] = optimal_ridge(ALPHAS, loss="square", selection=RULE).generalization_error
    for label, rule in FLOORS.items():
        lines[label] = bayes_optimal(ALPHAS, selection=rule, knows="rule").generalization_error
    rows = [
        point(FLOORS.get(label, RULE), 0.0, float(alpha)) | {"curve": label, "theory": float(error)}
        for label, errors in lines.items()
        for alpha, error in zip(ALPHAS, errors, strict=True)
    ]
    dots = [row | {"curve": label} for label in (*STUDENTS, BEST) for row in simulated.rows(_dots(label, settings))]
    return rows + dots


def _errors(student: Student) -> np.ndarray:
    if isinstance(student, EmpiricalRisk):
        return empirical_risk(ALPHAS, loss=student.loss, ridge=student.ridge, selection=RULE).generalization_error
    return max_margin(ALPHAS, selection=RULE).generalization_error


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(6.6, 4.0)
        axes = figure.add_subplot()
        looks = {
            label: Look(colour, dashes, marker=marker)
            for label, colour, dashes, marker in zip((*STUDENTS, BEST), KINDS, _DASHES, _MARKERS, strict=False)
        }
        looks["Bayes floor"] = Look("black", width=2.4, zorder=1)
        looks["Bayes floor, random data"] = Look("gray", dashes="--")
        for label, look in looks.items():
            line = [row for row in table if (row["kind"], row["curve"]) == ("theory", label)]
            axes.plot(
                column(line, "alpha_prune"),
                column(line, "theory"),
                ls=look.dashes,
                color=look.colour,
                lw=look.width,
                zorder=look.zorder,
                label=label,
            )
            dots = [row for row in table if (row["kind"], row["curve"]) == ("simulation", label)]
            draw_dots(axes, dots, look.colour, abscissa="alpha_prune", fmt=look.marker)
        axes.set(xscale="log", yscale="log", xlabel=ALPHA_PRUNE, ylabel=TEST_ERROR)
        axes.set_title("Students on the hardest 40% (θ = 0)")
        plain_ticks(axes)
        name_marks(axes)
        legend_beside(figure, axes)
    return figure
