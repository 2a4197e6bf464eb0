"""Students of a state along α, solved once and remembered."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from time import perf_counter
from typing import get_args

import numpy as np

from perceptron_pruning.explorer.memory import Memory, Missing
from perceptron_pruning.explorer.state import RANGES, Probe, Rule, State, Student
from replica_theory import SaddlePointError, empirical_risk, max_margin

POINTS = 40
_STRIDES = 13, 3, 1  # of the points in the order in which they are solved: from coarse to fine, both ends first
_REMEMBERED = 2000  # curves
_PATIENT = 10.0  # s beyond which all points are wanted, whatever else is asked for
_CAUTION = 0.7  # share of the time left that is planned for, as some students take longer

ALPHAS = np.geomspace(*RANGES["alpha"], POINTS)
ALPHAS.setflags(write=False)
_COARSE_TO_FINE = list(dict.fromkeys(i for stride in _STRIDES for i in range(0, POINTS, stride)))


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


class Students:
    """What has been solved: students by state, rule and α. May be asked by several threads.

    Attributes:
        choices: What else has been solved: best fractions, crossovers, version spaces.
    """

    def __init__(self):
        self.choices = Memory()
        self._curves: OrderedDict[tuple[State, Rule], dict[float, Point | Missing]] = OrderedDict()
        self._lock = Lock()
        self._asked = 0

    def at(self, state: State, rule: Rule, alphas: np.ndarray) -> list[Point | Missing]:
        """Students at the state's abscissa α, (points,), in the order asked."""
        curve = curve_of(state, rule)
        key = (curve, rule)
        with self._lock:
            known = self._curves.setdefault(key, {})
            self._curves.move_to_end(key)
            while len(self._curves) > _REMEMBERED:
                self._curves.popitem(last=False)
        unknown = np.array([alpha for alpha in alphas.tolist() if alpha not in known])
        if unknown.size:
            known.update(zip(unknown.tolist(), solved(curve, rule, unknown), strict=True))
        return [known[alpha] for alpha in alphas.tolist()]

    def curves(
        self, state: State, rules: Sequence[Rule], *, seconds: float
    ) -> dict[Rule, list[Point | Missing | None]]:
        """Students of each rule at `ALPHAS`, as many as can be solved in this time: None stands where time was up.

        Asked again, it goes on where it stopped; asked meanwhile for other curves, it leaves the rest to them.
        It takes longer than ``seconds`` by one student at most.
        """
        self._asked += 1
        turn, end = self._asked, perf_counter() + seconds
        for rule, alphas in self._in_turn(state, rules, end):
            self.at(state, rule, alphas)
            if seconds < _PATIENT and turn != self._asked:
                break
        return {rule: [self._known(state, rule).get(alpha) for alpha in ALPHAS.tolist()] for rule in rules}

    def _in_turn(self, state: State, rules: Sequence[Rule], end: float) -> Iterator[tuple[Rule, np.ndarray]]:
        """What to solve next until time is up: few α at first, then as many as should fit."""
        known = [self._known(state, rule) for rule in rules]
        left = np.array([a for a in ALPHAS[_COARSE_TO_FINE].tolist() if not all(a in curve for curve in known)])
        count = POINTS if _is_quick(state) else 1
        while left.size and (begun := perf_counter()) < end:
            chunk, left = left[:count], left[count:]
            for rule in rules:
                if perf_counter() < end:
                    yield rule, chunk
            now = perf_counter()
            count = int(min(2 * count, max(1, _CAUTION * chunk.size * (end - now) / (now - begun))))

    def warm_up(self) -> None:
        """Solves a point of every kind, so that the first moves need not wait for the modules they use."""
        for student in get_args(Student):
            for probe in get_args(Probe):
                state = State(
                    student=student, probe=probe, label_aware=True, label_noise=0.1 * (student != "max_margin")
                )
                self.at(state, "hardest", np.array([state.alpha]))

    def _known(self, state: State, rule: Rule) -> dict[float, Point | Missing]:
        return self._curves.get((curve_of(state, rule), rule), {})


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


def solved(state: State, rule: Rule, alphas: np.ndarray) -> list[Point | Missing]:
    """Students at each α, all at once; one by one where one of them is missing."""
    solve = _door(state, rule)
    try:
        return solve(alphas)
    except (ValueError, SaddlePointError) as error:
        if alphas.size == 1:
            return [Missing(str(error))]
    return [point for alpha in alphas for point in solved(state, rule, np.array([alpha]))]


def _door(state: State, rule: Rule) -> Callable[[np.ndarray], list[Point | Missing]]:
    """The theory's door for this student, as a function of the abscissa."""
    setting = {
        "selection": state.selection(rule),
        "probe_angle": state.probe_angle,
        "probe": state.trained_probe,
    }

    def points(alphas: np.ndarray) -> list[Point | Missing]:
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
