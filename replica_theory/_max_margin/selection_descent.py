"""Descent to the best selection rule, by the influence of examples on the error.

A score s(m) of the margin stands for the rule that keeps its level set {m : s(m) < 0}, of fraction f. At the optimum
the influence itself is such a score. The descent mixes a share λ of the influence into the score,

    s ← (1 − λ) s + λ influence,

which to first order always lowers the error: at each edge of the rule examples are added where the influence is below
its mean over the edges, and removed where it is above.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.continuation import solve_students
from replica_theory._max_margin.first_variation import Influence
from replica_theory._max_margin.level_sets import LevelSets, merged
from replica_theory._max_margin.newton import newton
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._numerics.hermite import CubicHermite
from replica_theory._numerics.one_variable import minimiser
from replica_theory._numerics.quadrature import GaussianPanels
from replica_theory.selection import KeepBetween, KeepWindows

Score = Callable[[np.ndarray], np.ndarray]

_MARGINS = GaussianPanels(grid=np.linspace(-7.0, 7.0, 57), order=6)  # nodes at which scores are interpolated
_RAREST = 1e-12  # share of the pool below the least margin that is considered
_EDGE_WIDTH = 0.02  # margins around a rule's edges are spaced for a step of this width
_POSITIONS = np.sort(
    np.concatenate([np.linspace(0, 1, 17), [0.002, 0.01, 0.03, 0.97, 0.99, 0.998]])
)  # of scanned windows, from the hardest to the easiest
_POSITION_TOLERANCE = 1e-6  # of the best window, relative to the distance of its neighbours in the scan
_STARTS = 2  # windows from which the descent starts, at most
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01)  # λ, until one lowers the error
_LEAST_GAIN = 1e-11  # decrease of ln ε for which the descent goes on
_ITERATIONS = 60  # steps of the descent at most


@dataclass(frozen=True)
class Candidate:
    """A rule, its student, and a score that is below 0 where the rule keeps."""

    rule: KeepWindows
    student: OrderParameters
    score: Score

    @property
    def log_error(self) -> float:
        """ln ε."""
        return float(np.log(self.student.generalization_error[0]))


@dataclass(frozen=True)
class SelectionDescent:
    """The search among rules that keep a fraction of a pool.

    Attributes:
        alpha_total: Pool size, examples per dimension.
        keep_fraction: f.
        probe_angle: θ, radians.
        label_aware: Whether the rules may use labels.
    """

    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool

    def best(self) -> Candidate:
        """The end of least error of descents from the best single windows."""
        return min(map(self._descend, self._best_windows()), key=lambda candidate: candidate.log_error)

    def influence(self, candidate: Candidate) -> Score:
        """Influence by the margin that the rule sees; without labels, its mean over both labels at this |z|."""
        signed = Influence.at(candidate.rule.kept_distribution(self.probe_angle), candidate.student)
        if self.label_aware or self.probe_angle == 0:
            return signed

        def unsigned(distance: np.ndarray) -> np.ndarray:
            right = ndtr(distance / math.tan(self.probe_angle))  # chance that the probe is right
            return right * signed(distance) + (1 - right) * signed(-distance)

        return unsigned

    @cached_property
    def _level_sets(self) -> LevelSets:
        return LevelSets(self.keep_fraction, self.probe_angle, signed=self.label_aware and self.probe_angle > 0)

    def _best_windows(self) -> list[Candidate]:
        """The best single windows: minima of ln ε over the window's position, refined, best first."""
        ranks = ((1.0 - self.keep_fraction) * _POSITIONS if self.keep_fraction < 1 else np.zeros(1)).tolist()
        scanned: list[Candidate] = []
        for rank in ranks:
            scanned.append(self._window(rank, near=scanned[-1].student if scanned else None))
        errors = np.pad([candidate.log_error for candidate in scanned], 1, constant_values=math.inf)
        minima = np.flatnonzero((errors[1:-1] <= errors[:-2]) & (errors[1:-1] <= errors[2:]))
        last = len(ranks) - 1
        refined = [self._refined(scanned[i], ranks[max(i - 1, 0)], ranks[min(i + 1, last)]) for i in minima]
        return sorted(refined, key=lambda candidate: candidate.log_error)[:_STARTS]

    def _window(self, lower: float, near: OrderParameters | None = None) -> Candidate:
        """The rule that keeps the fraction f from this rank on."""
        upper = min(lower + self.keep_fraction, 1.0)
        middle, half = (lower + upper) / 2, (upper - lower) / 2
        rule = KeepWindows(((lower, upper),), self.label_aware)
        return Candidate(rule, self._student(rule, near), lambda m: np.abs(self._level_sets.rank(m) - middle) - half)

    def _refined(self, candidate: Candidate, left: float, right: float) -> Candidate:
        """The best window between two ranks, by Brent's method from one that is better than both."""
        if left == right:
            return candidate
        rank = minimiser(
            lambda rank: self._window(rank, near=candidate.student).log_error,
            left,
            right,
            xtol=_POSITION_TOLERANCE * (right - left),
        )
        refined = self._window(rank, near=candidate.student)
        return refined if refined.log_error < candidate.log_error else candidate

    def _descend(self, candidate: Candidate) -> Candidate:
        """Steps of the descent, as long as the error falls."""
        for _ in range(_ITERATIONS):
            if (improved := self._improved(candidate)) is None:
                break
            candidate = improved
        return candidate

    def _improved(self, candidate: Candidate) -> Candidate | None:
        """One step s ← (1 − λ) s + λ influence, with the first λ that lowers the error."""
        margins, sets = self._margin_nodes(candidate), self._level_sets
        influence = sets.normalised(margins, self.influence(candidate)(margins))
        score = sets.normalised(margins, candidate.score(margins))
        for share in _SHARES:
            mixed = CubicHermite.through(margins, sets.shifted(margins, (1 - share) * score + share * influence))
            rule = KeepWindows(merged(sets.windows(mixed)), self.label_aware)
            trial = Candidate(rule, self._student(rule, near=candidate.student), mixed)
            if trial.log_error < candidate.log_error - _LEAST_GAIN:
                return trial
        return None

    def _student(self, rule: KeepWindows, near: OrderParameters | None = None) -> OrderParameters:
        kept = rule.kept_distribution(self.probe_angle)
        if near is not None and (result := newton(kept, near)).converged[0]:
            return result.students
        return solve_students(kept, np.array([self.alpha_total * self.keep_fraction])).students

    def _margin_nodes(self, candidate: Candidate) -> np.ndarray:
        """Margins that resolve scores: on the scales on which student, label and rule switch."""
        student, edges = candidate.student, candidate.rule.kept_distribution(self.probe_angle).edges
        to_probe = float(self.probe_angle - student.angle[0])
        shortfall_begins, softness = float(student.k[0] / student.length[0]), float(1 / student.length[0])
        centres = [0.0, shortfall_begins * math.cos(to_probe), *edges]
        label_width = math.tan(min(self.probe_angle, 1.0))
        widths = [label_width, math.hypot(softness, math.sin(to_probe)), *(_EDGE_WIDTH + 0 * edges)]
        least = 0.0
        if self._level_sets.signed:
            least = max(-_MARGINS.reach, KeepBetween(_RAREST, 1.0, label_aware=True).thresholds(self.probe_angle)[0])
        return _MARGINS.nodes(least, _MARGINS.reach, features=(np.array([centres]), np.array([widths]))).points
