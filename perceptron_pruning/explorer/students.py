"""Students of a state along α: what there is to solve."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from perceptron_pruning.explorer.memory import Memory, Missing, Task, coarse_to_fine
from perceptron_pruning.explorer.state import RANGES, Rule, State
from replica_theory import SaddlePointError, empirical_risk, max_margin

POINTS = 40
_STRIDES = 13, 3, 1  # of the points in the order in which they are solved: from coarse to fine, both ends first
_AT_ONCE = 5  # points of a student that is not quick, which are found one from the other

ALPHAS = np.geomspace(*RANGES["alpha"], POINTS)
ALPHAS.setflags(write=False)


@dataclass(frozen=True)
class Point:
    """A student at one α.

    Attributes:
        error: ε, test error.
        overlap: R, cosine of student and teacher.
        probe_angle: θ, radians; of a trained probe the one that training reached.
    """

    error: float
    overlap: float
    probe_angle: float


def task_at(state: State, rule: Rule, *alphas: float) -> Task:
    """The students where the sliders stand, or at other values of the state's abscissa α."""
    curve = curve_of(state, rule)
    return Task((curve, rule), alphas or (state.alpha,), partial(solved, curve, rule), first=not alphas)


def known_at(state: State, rule: Rule, memory: Memory) -> Point | Missing | None:
    """The student where the sliders stand, if it is solved."""
    return memory.at((curve_of(state, rule), rule), state.alpha)


def curve_tasks(state: State, rules: Sequence[Rule]) -> Iterator[Task]:
    """Students of each rule at `ALPHAS`, a few along each curve first."""
    for level in coarse_to_fine(POINTS, _STRIDES):
        for some in _batches(ALPHAS[level].tolist(), len(level) if _is_quick(state) else _AT_ONCE):
            yield from (task_at(state, rule, *some) for rule in rules)


def known_curves(state: State, rules: Sequence[Rule], memory: Memory) -> dict[Rule, list[Point | Missing | None]]:
    """Students of each rule at `ALPHAS`; None stands where one is not solved yet."""
    known: dict[Rule, Mapping[float, Any]] = {rule: memory.of((curve_of(state, rule), rule)) for rule in rules}
    return {rule: [curve.get(alpha) for alpha in ALPHAS.tolist()] for rule, curve in known.items()}


def _batches(alphas: list[float], size: int) -> list[list[float]]:
    return [alphas[start : start + size] for start in range(0, len(alphas), size)]


def _is_quick(state: State) -> bool:
    """Whether a whole curve takes little more than a point: 10 to 40 ms."""
    return state.student == "max_margin" and state.probe == "independent"


def curve_of(state: State, rule: Rule) -> State:
    """The state with what does not change this rule's curve as it is at first."""
    first = State()
    idle = {"alpha", "rule", *({"lower"} if rule != "window" else ())}
    idle |= {"probe_loss", "probe_ridge", "probe_share"} if state.probe == "independent" else {"probe_angle_degrees"}
    if state.student == "max_margin":
        idle |= {"ridge"}
    if rule == "random":
        idle |= {"label_aware", "probe", "probe_angle_degrees", "probe_loss", "probe_ridge", "probe_share"}
    return replace(state, **{name: getattr(first, name) for name in idle})


def solved(state: State, rule: Rule, alphas: tuple[float, ...]) -> list[Point | Missing]:
    """Students at each α, all at once; one by one where one of them is missing."""
    solve = _door(state, rule)
    try:
        return list(solve(np.array(alphas)))
    except (ValueError, SaddlePointError) as error:
        if len(alphas) == 1:
            return [Missing(str(error))]
    return [point for alpha in alphas for point in solved(state, rule, (alpha,))]


def _door(state: State, rule: Rule) -> Callable[[np.ndarray], list[Point]]:
    """The theory's door for this student, as a function of the abscissa."""
    setting = {
        "selection": state.selection(rule),
        "probe_angle": state.probe_angle,
        "probe": state.trained_probe,
    }

    def points(alphas: np.ndarray) -> list[Point]:
        kept = alphas * state.kept_per_alpha
        if state.student == "max_margin":
            solution = max_margin(kept, **setting)
        else:
            noise = state.label_noise
            solution = empirical_risk(kept, loss=state.student, ridge=state.ridge, label_noise=noise, **setting)
        angles = np.broadcast_to(solution.probe_angle, kept.shape)
        values = zip(solution.generalization_error, solution.overlap, angles, strict=True)
        return [Point(float(error), float(overlap), float(angle)) for error, overlap, angle in values]

    return points
