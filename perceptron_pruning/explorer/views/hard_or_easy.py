"""The map of hard against easy: the pool size at which they are equally good, by the fraction kept."""

import math
from dataclasses import replace

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, short
from perceptron_pruning.explorer.memory import Missing
from perceptron_pruning.explorer.state import State
from perceptron_pruning.explorer.students import Point, Students
from replica_theory import CrossoverSolution, crossover_solution

FRACTIONS = tuple(np.linspace(0.05, 0.95, 19).round(3).tolist())
_ALPHAS = 0.1, 1000.0
_BESIDE = 5.0  # factor in α between the line and the words on either side of it


def chart(state: State, students: Students, seconds: float) -> Chart:
    """The line between hard and easy over (f, α)."""
    first = replace(state, rule="hardest", alpha=1.0, abscissa="pool", lower=0.0, keep_fraction=1.0)

    def crossing(fraction: float) -> CrossoverSolution:
        at = replace(first, keep_fraction=fraction)
        return crossover_solution(at.selection("hardest"), at.selection("easiest"), **state.student_setting)

    curve = "hard_or_easy", first
    if students.choices.is_new(curve) and math.isfinite(seconds):
        seconds = 0.0  # the sentence needs no line, whose first point may take a second
    along = students.choices.along(curve, FRACTIONS, crossing, seconds=seconds)
    found = [at for at in along if isinstance(at, CrossoverSolution)]
    return Chart(
        title="Pool sizes at which the hardest and the easiest are equally good",
        sentence=_sentence(state, students),
        notes=_notes(along),
        x=Axis("f, fraction kept", "linear", (0.0, 1.0), parameter="keep_fraction"),
        y=Axis(
            f"α, {'examples of the pool' if state.abscissa == 'pool' else 'kept examples'} per dimension",
            "log",
            _ALPHAS,
        ),
        series=[Series("plain", "", FRACTIONS, [_alpha(state, at) for at in along])],
        marks=[Mark("plain", state.keep_fraction, state.alpha)],
        words=_words(state, found),
        rows=[
            {
                "keep_fraction": at.keep_fraction,
                "alpha_total": at.alpha_total,
                "alpha_prune": at.alpha_prune,
                "generalization_error": at.generalization_error,
                "hard_is_better_beyond": int(at.first_is_better),
            }
            for at in found
        ],
        complete=None not in along,
    )


def _alpha(state: State, at: object) -> float | None:
    if not isinstance(at, CrossoverSolution):
        return None
    return at.alpha_total if state.abscissa == "pool" else at.alpha_prune


def _sentence(state: State, students: Students) -> str:
    hard, easy = (students.at(state, rule, np.array([state.alpha]))[0] for rule in ("hardest", "easiest"))
    if not (isinstance(hard, Point) and isinstance(easy, Point)):
        return "There is no student where the sliders stand."
    better, worse = ("hard", "easy") if hard.error < easy.error else ("easy", "hard")
    least, most = sorted((hard.error, easy.error))
    if math.isclose(least, most, rel_tol=1e-6):
        return f"Where the sliders stand hard and easy are equally good: ε = {short(least)}."
    return f"Where the sliders stand the {better} ones are better: ε = {short(least)} against {short(most)} {worse}."


def _notes(along: list) -> list[str]:
    missing = [(f, at.reason) for f, at in zip(FRACTIONS, along, strict=True) if isinstance(at, Missing)]
    return [f"no line at {len(missing)} of {len(FRACTIONS)} fractions ({missing[0][1]})"] if missing else []


def _words(state: State, found: list[CrossoverSolution]) -> list[tuple[float, float, str]]:
    """Which is better on either side, beside the middle of the line."""
    if not found:
        return []
    middle = found[len(found) // 2]
    line, beyond = _alpha(state, middle) or 1.0, middle.first_is_better
    sides = (line * _BESIDE, "hard" if beyond else "easy"), (line / _BESIDE, "easy" if beyond else "hard")
    return [(middle.keep_fraction, alpha, f"{word} is better") for alpha, word in sides]
