"""The best fraction to keep, at each number of kept examples."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, count, equal, short
from perceptron_pruning.explorer.memory import Memory, Missing, Task, coarse_to_fine, one_by_one
from perceptron_pruning.explorer.state import RANGES, Rule, State
from perceptron_pruning.explorer.students import Point, curve_of, solved
from replica_theory import KeepEasiest, KeepHardest, Selection, pareto_frontier

ALPHAS = tuple(np.geomspace(0.1, 100.0, 25).tolist())
_STRIDES = 8, 4, 2, 1
_TRIED = 0.5, 0.2, 0.1, 0.05
_ALL = 0.995  # f beyond which it reads as 1
LEAST = RANGES["keep_fraction"][0]


@dataclass(frozen=True)
class Best:
    """The best fraction at one α, as `ParetoFrontier` has it."""

    alpha_prune: float
    keep_fraction: float
    generalization_error: float


def tasks(state: State) -> list[Task]:
    """The students of all and of the sliders' fraction, the best fraction, more to compare with, then the curve."""
    kept, curve = state.alpha_prune, _curve(state)
    tried = [_tried(state, fraction) for fraction in _fractions(state)]
    students = [Task((at, rule), (kept,), partial(solved, at, rule)) for at, rule in tried]
    levels = coarse_to_fine(len(ALPHAS), _STRIDES)
    places = [kept, *(ALPHAS[i] for level in levels for i in level)]
    best = [Task(curve, (place,), one_by_one(partial(_best, curve[1]))) for place in places]
    return [*(replace(one, first=True) for one in students[:2]), best[0], *students[2:], *best[1:]]


def drawing(state: State, memory: Memory) -> Chart | None:
    """Best f against kept α, of the easiest where they are chosen and of the hardest otherwise.

    Raises:
        ValueError: There is no such student where the sliders stand.
    """
    end, kept, known = _name(state), state.alpha_prune, memory.of(_curve(state))
    here = known.get(kept)
    if isinstance(here, Missing):
        raise ValueError(f"no student here: {here.reason}")
    whole, rule = _tried(state, 1.0)
    if here is None and isinstance(none := memory.at((whole, rule), kept), Missing):  # it is one of those searched
        raise ValueError(f"no student here: {none.reason}")
    tried = _students(state, memory)
    if here is None and not tried:
        return None
    best = here or min(tried, key=lambda at: at.generalization_error)
    best, gains = _unpruned(best, tried)
    along = [known.get(alpha) for alpha in ALPHAS]
    of = "" if here else f" of {len(tried)} tried"
    return Chart(
        title=f"Best fraction of the {end} to keep, at least {LEAST:g}",
        sentence=_sentence(state, here and best, tried),
        numbers=[(f"best f{of}", f"{best.keep_fraction:.4f}"), ("ε there", f"{best.generalization_error:.5f}")],
        notes=[
            *([] if gains else ["where pruning gains nothing, the curve has any fraction that is as good as all"]),
            *_notes(along),
        ],
        x=Axis("α, kept examples per dimension", "log", (ALPHAS[0], ALPHAS[-1])),
        y=Axis("best f", "linear", (0.0, 1.0)),
        series=[Series(end, "", ALPHAS, [getattr(at, "keep_fraction", None) for at in along])],
        marks=[Mark(end, kept, best.keep_fraction, hollow=here is None)],
        rows=[
            {
                "alpha_prune": at.alpha_prune,
                "keep_fraction": at.keep_fraction,
                "alpha_total": at.alpha_prune / at.keep_fraction,
                "generalization_error": at.generalization_error,
            }
            for at in along
            if isinstance(at, Best)
        ],
    )


def _unpruned(best: Best, tried: list[Best]) -> tuple[Best, bool]:
    """The best fraction, which is 1 where another is no better than that; and whether pruning gains anything."""
    whole = next((at for at in tried if at.keep_fraction == 1.0), None)
    if whole is None or best.keep_fraction > _ALL or not equal(best.generalization_error, whole.generalization_error):
        return best, True
    return whole, False


def _notes(along: list) -> list[str]:
    """Where there is no answer, and why."""
    missing = [(alpha, at) for alpha, at in zip(ALPHAS, along, strict=True) if isinstance(at, Missing)]
    return [f"no answer at {alpha:.3g}: {at.reason}" for alpha, at in missing]


def _fractions(state: State) -> list[float]:
    """Fractions to compare with before the best is found, 1 and that of the sliders first."""
    return list(dict.fromkeys([1.0, state.keep_fraction, *_TRIED]))


def _tried(state: State, fraction: float) -> tuple[State, Rule]:
    """The curve, by kept α, of students that keep this fraction; to keep all is to keep at random, whatever probe."""
    rule: Rule = "random" if fraction == 1 else _name(state)
    kept = replace(state, rule=_name(state), keep_fraction=fraction, abscissa="kept", lower=0.0)
    return curve_of(kept, rule), rule


def _students(state: State, memory: Memory) -> list[Best]:
    """What is known of these fractions."""
    found = []
    for fraction in _fractions(state):
        if isinstance(point := memory.at(_tried(state, fraction), state.alpha_prune), Point):
            found.append(Best(state.alpha_prune, fraction, point.error))
    return found


def _curve(state: State) -> tuple[str, State]:
    """By which its points are remembered: the state without what does not change them."""
    end = _name(state)
    plain = replace(state, rule=end, keep_fraction=1.0, abscissa="kept", lower=0.0)
    return "best_fraction", replace(curve_of(plain, end), rule=end)


def _best(state: State, alpha: float) -> Best:
    found = pareto_frontier(alpha, min_keep_fraction=LEAST, rule=family(state), **state.student_setting)
    return Best(**{one.name: getattr(found, one.name) for one in fields(Best)})


def _name(state: State) -> Rule:
    return "easiest" if state.rule == "easiest" else "hardest"


def family(state: State) -> Callable[[float], Selection]:
    """The rule as a function of f."""
    rule = KeepEasiest if state.rule == "easiest" else KeepHardest
    return lambda fraction: rule(fraction, state.label_aware)


def _sentence(state: State, best: Best | None, tried: list[Best]) -> str:
    kept = state.alpha_prune
    if best is None:
        least = min(tried, key=lambda at: at.generalization_error)
        here = next((at for at in tried if at.keep_fraction == state.keep_fraction), least)
        now = f"{short(here.generalization_error)} at f = {here.keep_fraction:.3g}"
        so_far = f"; best of {len(tried)} tried: {short(least.generalization_error)} at f = {least.keep_fraction:.3g}"
        return f"To keep {kept:.3g} a dimension: ε = {now}{so_far if least is not here else ''}. Searching the best …"
    error, pool = short(best.generalization_error), count(kept / best.keep_fraction)
    now = [at for at in tried if at.keep_fraction == state.keep_fraction]
    beside = f" against {short(now[0].generalization_error)} at f = {state.keep_fraction:.3g}" if now else ""
    if best.keep_fraction > _ALL:
        return f"To keep {kept:.3g} a dimension, prune nothing: ε = {error}{beside}."
    return (
        f"To keep {kept:.3g} a dimension, take the {_name(state)} {best.keep_fraction:.2g} of a pool of {pool}: "
        f"ε = {error}{beside}."
    )
