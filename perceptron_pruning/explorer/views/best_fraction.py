"""The best fraction to keep, at each number of kept examples."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, short
from perceptron_pruning.explorer.memory import Missing
from perceptron_pruning.explorer.state import RANGES, State
from perceptron_pruning.explorer.students import Point, Students
from replica_theory import KeepEasiest, KeepHardest, ParetoFrontier, Selection, pareto_frontier

ALPHAS = tuple(np.geomspace(0.1, 100.0, 25).tolist())
_ALL = 0.995  # f beyond which it reads as 1
LEAST = RANGES["keep_fraction"][0]


def chart(state: State, students: Students, seconds: float) -> Chart:
    """Best f against kept α, of the easiest where they are chosen and of the hardest otherwise.

    Raises:
        ValueError: There is no such student where the sliders stand.
    """
    end = _name(state)
    curve = ("best_fraction", replace(state, alpha=1.0, abscissa="kept", keep_fraction=1.0, lower=0.0, rule=end))

    def best(alpha: float) -> ParetoFrontier[float]:
        return pareto_frontier(alpha, min_keep_fraction=LEAST, rule=family(state), **state.student_setting)

    here = students.choices.at(curve, state.alpha_prune, best)
    if isinstance(here, Missing):
        raise ValueError(f"no student here: {here.reason}")
    (now,) = students.at(state, end, np.array([state.alpha]))
    along = students.choices.along(curve, ALPHAS, best, seconds=seconds)
    return Chart(
        title=f"Best fraction of the {end} to keep, at least {LEAST:g}",
        sentence=_sentence(state, here, now),
        numbers=[("best f", f"{here.keep_fraction:.4f}"), ("ε there", f"{here.generalization_error:.5f}")],
        notes=[
            f"no answer at {alpha:.3g}: {at.reason}"
            for alpha, at in zip(ALPHAS, along, strict=True)
            if isinstance(at, Missing)
        ],
        x=Axis("α, kept examples per dimension", "log", (ALPHAS[0], ALPHAS[-1])),
        y=Axis("best f", "linear", (0.0, 1.0)),
        series=[Series(end, "", ALPHAS, [getattr(at, "keep_fraction", None) for at in along])],
        marks=[Mark(end, state.alpha_prune, here.keep_fraction)],
        rows=[
            {
                "alpha_prune": at.alpha_prune,
                "keep_fraction": at.keep_fraction,
                "alpha_total": at.alpha_prune / at.keep_fraction,
                "generalization_error": at.generalization_error,
            }
            for at in along
            if isinstance(at, ParetoFrontier)
        ],
        complete=None not in along,
    )


def _name(state: State):
    return "easiest" if state.rule == "easiest" else "hardest"


def family(state: State) -> Callable[[float], Selection]:
    """The rule as a function of f."""
    rule = KeepEasiest if state.rule == "easiest" else KeepHardest
    return lambda fraction: rule(fraction, state.label_aware)


def _sentence(state: State, best: ParetoFrontier[float], now: Point | Missing) -> str:
    kept, pool = state.alpha_prune, state.alpha_prune / best.keep_fraction
    beside = f" against {short(now.error)} at f = {state.keep_fraction:.3g}" if isinstance(now, Point) else ""
    if best.keep_fraction > _ALL:
        return f"To keep {kept:.3g} a dimension, prune nothing: ε = {short(best.generalization_error)}{beside}."
    return (
        f"To keep {kept:.3g} a dimension, take the {_name(state)} {best.keep_fraction:.2g} of a pool of {pool:.3g}: "
        f"ε = {short(best.generalization_error)}{beside}."
    )
