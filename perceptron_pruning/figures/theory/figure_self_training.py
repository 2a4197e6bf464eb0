"""Rounds of self-training: each round's student labels the next pool, and an oracle curates it or nobody does."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import BEST, EASY, RANDOM
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.self_training import simulate_self_training
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.self_training import self_training
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import KeepEasiest, KeepRandom, Selection, Verified

NAME = "self_training"
TITLE = "Students that label the next student's examples: an oracle halts the decline"
CAPTION = (
    "A generator at 20° to the truth labels the first pool; the student of each round labels the next. Of each pool "
    "the student sees all, or what an oracle at 15° curates: the examples whose label it shares, or the half that it "
    "places farthest on the label's side (square loss, λ = 0.3). Left: error on the truth, round by round, in pools "
    "of 20 examples per dimension. Right: after the first round (thin) and the tenth (thick), by the size of the "
    "pools. Lines: theory; dots: simulation at N = {n_features}, bars of 95 %."
)
WHAT_TO_SEE = (
    "Left: without curation (grey) the error grows with every round; with the oracle's it settles within a few "
    "rounds, between oracle and generator (dotted). Right: larger pools slow the decline, but only curation keeps ten "
    "rounds near one."
)
GENERATOR, ORACLE = math.radians(20), math.radians(15)
LOSS, RIDGE = "square", 0.3
ALPHA, ROUNDS, DOTS = 20.0, 16, 4  # of the left panel; rounds that are simulated
LATE = 10  # round of the thick lines
ALPHAS = np.geomspace(2.0, 100.0, 25)
TRIALS = {"quick": 12, "full": 40}
CURATIONS: dict[str, tuple[Selection, str, str]] = {
    "all": (KeepRandom(), RANDOM, "all of the pool"),
    "agreed": (Verified(KeepRandom(), 1.0, 0.0), BEST, "labels that the oracle shares"),
    "easy": (KeepEasiest(0.5, label_aware=True), EASY, "the oracle's easiest half"),
}


def cells(settings: Settings) -> list[Cell]:
    """None of `simulate`: chains of students have a simulation of their own."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory by round and by size of the pools, and simulated chains."""
    rows = [row for name in CURATIONS for row in _theory(name, "rounds", ALPHA, range(1, ROUNDS + 1))]
    for alpha in ALPHAS.tolist():
        rows += [row for name in CURATIONS for row in _theory(name, "sizes", alpha, (1, LATE))]
    dots = [row for name in CURATIONS for row in _simulated(name, settings)]
    return rows + [_beside(row, rows_of(rows, "theory", "rounds", row["curation"], row["round"])[0]) for row in dots]


def _theory(name: str, panel: str, alpha: float, rounds: Sequence[int]) -> list[Row]:
    students = self_training(
        alpha,
        rounds=max(rounds),
        loss=LOSS,
        ridge=RIDGE,
        selection=CURATIONS[name][0],
        generator_angle=GENERATOR,
        oracle_angle=ORACLE,
    )
    return [
        _row("theory", name, panel, alpha, number) | {"theory": students[number - 1].generalization_error}
        for number in rounds
    ]


def _simulated(name: str, settings: Settings) -> list[Row]:
    errors = simulate_self_training(
        ALPHA,
        rounds=DOTS,
        selection=CURATIONS[name][0],
        generator_angle=GENERATOR,
        oracle_angle=ORACLE,
        student=EmpiricalRisk(LOSS, RIDGE),
        n_features=settings.n_features,
        n_trials=TRIALS[settings.scale],
        seed=settings.seed,
    )
    return [
        _row("simulation", name, "rounds", ALPHA, number)
        | {
            "simulation": float(of_round.mean()),
            "standard_error": float(of_round.std(ddof=1)) / math.sqrt(of_round.size),
            "n_features": settings.n_features,
            "n_trials": of_round.size,
        }
        for number, of_round in enumerate(errors, start=1)
    ]


def _beside(dot: Row, theory: Row) -> Row:
    """A simulated row with theory's number, and how many standard errors lie between them."""
    away = dot["simulation"] - theory["theory"]
    return dot | {"theory": theory["theory"], "z_score": away / dot["standard_error"]}


def _row(kind: str, name: str, panel: str, alpha: float, number: int) -> Row:
    return {"kind": kind, "panel": panel, "curation": name, "alpha_total": alpha, "round": number}


def rows_of(table: Sequence[Row], kind: str, panel: str, name: str, number: int | None = None) -> list[Row]:
    """Rows of one curation, of all rounds or of one."""
    same = [row for row in table if (row["kind"], row["panel"], row["curation"]) == (kind, panel, name)]
    return [row for row in same if number in (None, row["round"])]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.2, height=3.6)
        for name, (_, colour, label) in CURATIONS.items():
            line = rows_of(table, "theory", "rounds", name)
            left.plot(column(line, "round"), column(line, "theory"), color=colour, label=label)
            draw_dots(left, rows_of(table, "simulation", "rounds", name), colour, abscissa="round")
            for number, width in ((1, 1.0), (LATE, 2.4)):
                line = rows_of(table, "theory", "sizes", name, number)
                right.plot(column(line, "alpha_total"), column(line, "theory"), color=colour, lw=width)
        _mark_directions(left)
        left.set(xlabel="round", ylabel=TEST_ERROR, title=f"Round by round, α = {ALPHA:g}")
        left.set_xlim(0, ROUNDS + 0.5)
        name_marks(left)
        left.legend(loc="upper left")
        right.set(xscale="log", xlabel=ALPHA_TOTAL, title=f"Round 1 (thin) and round {LATE} (thick)")
        plain_ticks(right)
    return figure


def _mark_directions(axes: Axes) -> None:
    """Errors of the first generator and of the oracle."""
    for angle, name in ((GENERATOR, "generator"), (ORACLE, "oracle")):
        axes.axhline(angle / math.pi, color="0.35", lw=0.9, ls=":")
        axes.text(ROUNDS + 0.4, angle / math.pi, name, ha="right", va="bottom", fontsize=8, color="0.35")
