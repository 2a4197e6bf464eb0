"""The map of hard against easy: the pool size at which they are equally good, by the fraction kept."""

from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, equal, short
from perceptron_pruning.explorer.memory import Memory, Missing, Task, coarse_to_fine, one_by_one
from perceptron_pruning.explorer.state import Rule, State
from perceptron_pruning.explorer.students import Point, curve_of, known_at, task_at
from replica_theory import crossover_solution
from replica_theory.choices.crossover import NoCrossingError

FRACTIONS = tuple(np.linspace(0.05, 0.95, 19).round(3).tolist())
_STRIDES = 8, 4, 2, 1
_RULES: tuple[Rule, Rule] = "hardest", "easiest"
_ALPHAS = 0.1, 1000.0
_BESIDE = 3.0  # factor in α between the line and the words on either side of it
_WORDS = 0.2  # half their width on a telephone, in f


@dataclass(frozen=True)
class Crossing:
    """Where both are equally good at one f, as `CrossoverSolution` has it."""

    keep_fraction: float
    alpha_total: float
    alpha_prune: float
    generalization_error: float
    first_is_better: bool


def tasks(state: State) -> list[Task]:
    """The two students where the sliders stand and the random one, which is quick, then the line, coarse to fine."""
    rules: tuple[Rule, ...] = "random", *_RULES
    here = [task_at(state, rule) for rule in rules]
    places = [(FRACTIONS[i],) for level in coarse_to_fine(len(FRACTIONS), _STRIDES) for i in level]
    curve = _curve(state)
    return [*here, *(Task(curve, place, one_by_one(partial(_crossing, curve[1]))) for place in places)]


def drawing(state: State, memory: Memory) -> Chart | None:
    """The line between hard and easy over (f, α)."""
    here = [known_at(state, rule, memory) for rule in _RULES]
    random = known_at(state, "random", memory)
    if all(at is None for at in (*here, random)):
        return None
    along = [memory.of(_curve(state)).get(fraction) for fraction in FRACTIONS]
    found = [at for at in along if isinstance(at, Crossing)]
    return Chart(
        title="Pool sizes at which the hardest and the easiest are equally good",
        sentence=_sentence(here, random),
        notes=_notes(along, state.keep_fraction < 1.0 and _are_equal(here)),
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
    )


def _curve(state: State) -> tuple[str, State]:
    """By which its points are remembered: the state without what does not change them."""
    plain = replace(state, rule="hardest", lower=0.0, keep_fraction=1.0)
    return "hard_or_easy", replace(curve_of(plain, "hardest"), abscissa="pool")


def _crossing(state: State, fraction: float) -> Crossing | Missing:
    at = replace(state, keep_fraction=fraction)
    try:
        solution = crossover_solution(at.selection("hardest"), at.selection("easiest"), **state.student_setting)
    except NoCrossingError:
        return Missing("the same rule is better at every size")
    return Crossing(**{one.name: getattr(solution, one.name) for one in fields(Crossing)})


def _alpha(state: State, at: object) -> float | None:
    if not isinstance(at, Crossing):
        return None
    return at.alpha_total if state.abscissa == "pool" else at.alpha_prune


def _sentence(here: list[Point | Missing | None], random: Point | Missing | None) -> str:
    known = [at.error if isinstance(at, Point) else None for at in here]
    if None in here:
        words = zip((*here, random), ("hard", "easy", "random"), strict=True)
        listed = ", ".join(f"{short(at.error)} {word}" for at, word in words if isinstance(at, Point))
        return f"Where the sliders stand ε = {listed or '–'}; {here.count(None)} more to come."
    hard, easy = known
    if hard is None or easy is None:
        return "There is no student where the sliders stand."
    better, worse = ("hard", "easy") if hard < easy else ("easy", "hard")
    least, most = sorted((hard, easy))
    if equal(least, most):
        return f"Where the sliders stand hard and easy are equally good: ε = {short(least)}."
    return f"Where the sliders stand the {better} ones are better: ε = {short(least)} against {short(most)} {worse}."


def _are_equal(here: list[Point | Missing | None]) -> bool:
    """Whether hard and easy are, where the sliders stand."""
    hard, easy = here
    return isinstance(hard, Point) and isinstance(easy, Point) and equal(hard.error, easy.error)


def _notes(along: list, are_equal: bool) -> list[str]:
    """Why there is no line; where no rule is better at any size, they may be equal at all."""
    missing = [(f, at.reason) for f, at in zip(FRACTIONS, along, strict=True) if isinstance(at, Missing)]
    if not missing:
        return []
    reason = "both are equally good" if are_equal else missing[0][1]
    return [f"no line at {len(missing)} of {len(FRACTIONS)} fractions ({reason})"]


def _words(state: State, found: list[Crossing]) -> list[tuple[float, float, str]]:
    """Which is better on either side, beside the middle of the line, clear of all of it that they span."""
    if not found:
        return []
    middle = found[len(found) // 2]
    place = min(max(middle.keep_fraction, _WORDS), 1 - _WORDS)
    spanned = [at for at in found if abs(at.keep_fraction - place) <= _WORDS] or [middle]
    line = [_alpha(state, at) or 1.0 for at in spanned]
    above, below = ("hard", "easy") if middle.first_is_better else ("easy", "hard")
    sides = (max(line) * _BESIDE, above), (min(line) / _BESIDE, below)
    return [(place, alpha, f"{word} is better") for alpha, word in sides if _ALPHAS[0] < alpha < _ALPHAS[1]]
