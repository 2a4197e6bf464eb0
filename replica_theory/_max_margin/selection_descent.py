"""Descent to the best selection rule, by the influence of examples on the error.

A score of the margin stands for the rule that keeps its lowest fraction f. It is blended with the
influence at that rule: to first order this always lowers the error, for at each edge of the rule
examples move in where the influence is below its average over the edges, and out where it is above.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from replica_theory._max_margin.continuation import solve_students
from replica_theory._max_margin.first_variation import Influence
from replica_theory._max_margin.newton import newton
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._numerics.hermite import CubicHermite
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.selection import KeepBetween, KeepWindows
from replica_theory.selection.ranked import signed_margin_rank

Score = Callable[[np.ndarray], np.ndarray]

_FARTHEST = 7.0  # margins beyond it are too rare to matter
_RAREST = 1e-12  # share of the pool below the least margin that is considered
_GRID = np.linspace(-_FARTHEST, _FARTHEST, 57)
_POSITIONS = np.sort(np.concatenate([np.linspace(0, 1, 17), [0.002, 0.01, 0.03, 0.97, 0.99, 0.998]]))  # of windows
_STARTS = 2
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01)  # of the influence in a blend, until one lowers the error
_LEAST_GAIN = 1e-11  # of ln ε
_ITERATIONS = 60
_BISECTIONS = 48
_TOUCHING = 1e-12  # windows nearer than this, in rank, are one


@dataclass(frozen=True)
class SearchState:
    """A rule, its student, and the score that is below 0 where the rule keeps."""

    rule: KeepWindows
    student: OrderParameters
    score: Score

    @property
    def log_error(self) -> float:
        return float(np.log(self.student.generalization_error[0]))


@dataclass(frozen=True)
class SelectionSearch:
    """The rules that keep a fraction of a pool, in one setting."""

    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool

    def best_windows(self) -> list[SearchState]:
        """The best single window, and the next best of those that are better than their neighbours."""
        ranks = (1.0 - self.keep_fraction) * _POSITIONS if self.keep_fraction < 1 else np.zeros(1)
        scanned: list[SearchState] = []
        for rank in ranks.tolist():
            scanned.append(self.window(rank, near=scanned[-1].student if scanned else None))
        errors = np.pad([state.log_error for state in scanned], 1, constant_values=math.inf)
        lowest = np.flatnonzero((errors[1:-1] <= errors[:-2]) & (errors[1:-1] <= errors[2:]))
        refined = [self._refined(scanned[i], ranks[max(i - 1, 0)], ranks[min(i + 1, len(ranks) - 1)]) for i in lowest]
        return sorted(refined, key=lambda state: state.log_error)[:_STARTS]

    def _refined(self, state: SearchState, left: float, right: float) -> SearchState:
        """The best window between two ranks, by Brent's method from one that is better than both."""
        if left == right:
            return state
        best: Any = minimize_scalar(
            lambda rank: self.window(float(rank), near=state.student).log_error,
            bounds=(left, right),
            method="bounded",
            options={"xatol": 1e-6 * (right - left)},
        )
        found = self.window(float(best.x), near=state.student)
        return found if found.log_error < state.log_error else state

    def window(self, lowest_rank: float, near: OrderParameters | None = None) -> SearchState:
        """The state that keeps the fraction from this rank on."""
        highest_rank = min(lowest_rank + self.keep_fraction, 1.0)
        middle, half = (lowest_rank + highest_rank) / 2, (highest_rank - lowest_rank) / 2
        rule = KeepWindows(((lowest_rank, highest_rank),), self.label_aware)
        return SearchState(rule, self._student(rule, near), lambda margin: np.abs(self._rank(margin) - middle) - half)

    def descend(self, state: SearchState) -> SearchState:
        """Blends the score with the influence as long as the error falls."""
        for _ in range(_ITERATIONS):
            if (better := self._better(state)) is None:
                break
            state = better
        return state

    def influence(self, state: SearchState) -> Score:
        """Influence by the margin that the rule sees: without labels, the mean over both of them."""
        signed = Influence.at(state.rule.kept_distribution(self.probe_angle), state.student)
        if self.label_aware or self.probe_angle == 0:
            return signed

        def unsigned(distance: np.ndarray) -> np.ndarray:
            right = ndtr(distance / math.tan(self.probe_angle))
            return right * signed(distance) + (1 - right) * signed(-distance)

        return unsigned

    def _better(self, state: SearchState) -> SearchState | None:
        margins = self._margins(state)
        influence = self._bounded(margins, self.influence(state)(margins))
        score = self._bounded(margins, state.score(margins))
        for share in _SHARES:
            values = self._levelled(margins, (1 - share) * score + share * influence)
            curve = CubicHermite.through(margins, values)
            rule = KeepWindows(_merged(self._ranks_below(curve, 0.0)), self.label_aware)
            trial = SearchState(rule, self._student(rule, near=state.student), curve)
            if trial.log_error < state.log_error - _LEAST_GAIN:
                return trial
        return None

    def _student(self, rule: KeepWindows, near: OrderParameters | None = None) -> OrderParameters:
        law = rule.kept_distribution(self.probe_angle)
        if near is not None and (moved := newton(law, near)).found[0]:
            return moved.students
        return solve_students(law, np.array([self.alpha_total * self.keep_fraction])).students

    def _margins(self, state: SearchState) -> np.ndarray:
        """Margins dense enough to interpolate scores: at the scales of the student, the probe and the rule."""
        student, edges = state.student, state.rule.kept_distribution(self.probe_angle).edges
        turn = float(self.probe_angle - student.angle[0])
        begin, softness = float(student.k[0] / student.length[0]), float(1 / student.length[0])
        centres = [0.0, begin * math.cos(turn), *edges]
        widths = [math.tan(min(self.probe_angle, 1.0)), math.hypot(softness, math.sin(turn)), *(0.02 + 0 * edges)]
        rare = KeepBetween(_RAREST, 1.0, label_aware=True).thresholds(self.probe_angle)[0]
        least = max(-_FARTHEST, rare) if self._sees_labels else 0.0
        ends = breakpoints(least, _FARTHEST, grid=_GRID, features=(np.array([centres]), np.array([widths])))
        return composite_rule(ends, order=6).points

    @property
    def _sees_labels(self) -> bool:
        return self.label_aware and self.probe_angle > 0

    def _rank(self, margin: np.ndarray) -> np.ndarray:
        """Share of the pool below this margin."""
        return signed_margin_rank(margin, self.probe_angle) if self._sees_labels else 2 * ndtr(margin) - 1

    def _bounded(self, margins: np.ndarray, score: np.ndarray) -> np.ndarray:
        """The score between −1 and 1, with 0 where the fraction f lies below: scores of any scale can be blended."""
        levelled = self._levelled(margins, score)
        return levelled / (np.median(np.abs(levelled)) + np.abs(levelled))

    def _levelled(self, margins: np.ndarray, score: np.ndarray) -> np.ndarray:
        """The score less the level below which the fraction f lies."""
        curve, room = CubicHermite.through(margins, score), 1e-9 * np.ptp(score) + 1e-300

        def excess(level: float) -> float:
            return math.fsum(upper - lower for lower, upper in self._ranks_below(curve, level)) - self.keep_fraction

        if self.keep_fraction == 1 or np.ptp(score) == 0:
            return score - score.max() - 1.0
        level = brentq(excess, score.min() - room, score.max() + room, xtol=1e-15, rtol=1e-14)  # pyright: ignore[reportArgumentType]
        return score - float(level)  # pyright: ignore[reportArgumentType]

    def _ranks_below(self, curve: CubicHermite, level: float) -> list[tuple[float, float]]:
        """Windows of rank in which the score is below the level; beyond the last margins it stays as it is."""
        roots = _crossings(curve, level)
        ends = np.array([-np.inf, *roots, np.inf]) if self._sees_labels else np.array([0.0, *roots, np.inf])
        inner = np.clip(ends, curve.nodes[0], curve.nodes[-1])
        below = curve((inner[1:] + inner[:-1]) / 2) < level
        ranks = np.clip(self._rank(ends), 0.0, 1.0).tolist()
        return [(a, b) for a, b, keep in zip(ranks[:-1], ranks[1:], below, strict=True) if keep and a < b]


def _crossings(curve: CubicHermite, level: float) -> np.ndarray:
    """Where the curve crosses the level, at most once between neighbouring nodes, by bisection of all at once."""
    above = curve.values >= level
    cells = np.flatnonzero(above[1:] != above[:-1])
    left, right, rising = curve.nodes[cells], curve.nodes[cells + 1], above[cells + 1]
    for _ in range(_BISECTIONS):
        middle = (left + right) / 2
        beyond = (curve(middle) >= level) == rising
        left, right = np.where(beyond, left, middle), np.where(beyond, middle, right)
    return (left + right) / 2


def _merged(windows: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Windows that touch become one."""
    merged = [windows[0]]
    for lower, upper in windows[1:]:
        if lower - merged[-1][1] < _TOUCHING:
            merged[-1] = merged[-1][0], upper
        else:
            merged.append((lower, upper))
    return tuple(merged)
