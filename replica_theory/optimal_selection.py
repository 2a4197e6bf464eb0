"""The best rule for a given pool and a given fraction to keep.

The influence of an example on the error is a function of its margin alone, so the best rule keeps
the margins where the influence is lowest: a union of intervals. It is found by descent: a score
whose lowest fraction f is kept is blended with the influence at the rule that this gives, as far as
the error falls, until it falls no more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import Akima1DInterpolator, PPoly
from scipy.optimize import brentq
from scipy.special import ndtr, owens_t

from replica_theory.continuation import solve_students
from replica_theory.errors import check_alpha, check_keep_fraction, check_probe_angle
from replica_theory.influence import Influence
from replica_theory.max_margin import max_margin
from replica_theory.newton import newton
from replica_theory.quadrature import breakpoints, composite_rule
from replica_theory.selection import KeepBetween, KeepWindows, Selection
from replica_theory.student import Student

_FARTHEST = 7.0  # margins beyond it are too rare to matter
_SHARES = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01)  # of the influence in a blend that is tried
_LEAST_GAIN = 1e-11  # of ln ε
_ITERATIONS = 60
_STARTS = 5


@dataclass(frozen=True, kw_only=True)
class OptimalSelection:
    """The best rule at fixed (α_total, f, θ).

    Attributes:
        alpha_total: Pool size, examples per dimension.
        keep_fraction: f.
        probe_angle: θ, radians.
        label_aware: Whether the rule may use labels.
        selection: The best rule, a union of windows of the margin.
        generalization_error: ε with it.
        residual: Largest relative residual of the paper's equations there.
    """

    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool
    selection: KeepWindows
    generalization_error: float
    residual: float
    _influence: Callable[[np.ndarray], np.ndarray] = field(repr=False)

    def influence(self, margin: np.ndarray) -> np.ndarray:
        """Influence of keeping an example at this margin: δ ln ε = (1/f) E[δq · influence].

        Args:
            margin: y z when the rule is label-aware, else |z|.

        Returns:
            The influence, shaped like ``margin``; kept margins have less of it than the others.
        """
        margin = np.asarray(margin, dtype=float)
        return self._influence(margin.ravel()).reshape(margin.shape)


def optimal_selection(
    alpha_total: float, *, keep_fraction: float, probe_angle: float = 0.0, label_aware: bool = True
) -> OptimalSelection:
    """The rule that gives the least test error at fixed pool, fraction and probe.

    Minimises ε over all q(m) in [0, 1] with E q = f, m = y z (or |z| where labels may not be used),
    by its first variation: at the optimum the kept margins are those of lowest influence. Starts
    from the better ones among the hardest, the easiest and windows between, for the error has more
    than one local minimum.

    Args:
        alpha_total: Pool size, examples per dimension, > 0.
        keep_fraction: f in (0, 1].
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_aware: Whether the rule may use labels; at θ = 0 it makes no difference.

    Returns:
        The rule, its error and its influence function.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        First variation of Sorscher et al. 2022, arXiv:2206.14486, App. A.2.
    """
    (alpha,), fraction = np.atleast_1d(check_alpha(alpha_total, "alpha_total")), check_keep_fraction(keep_fraction)
    search = _Search(float(alpha), fraction, check_probe_angle(probe_angle), label_aware)
    starts = sorted((search.state_of(rule) for rule in search.windows()), key=lambda state: state.log_error)
    best = min((search.descend(start) for start in starts[:2]), key=lambda state: state.log_error)
    solution = max_margin(fraction * float(alpha), selection=best.rule, probe_angle=search.probe_angle)
    return OptimalSelection(
        alpha_total=float(alpha),
        keep_fraction=fraction,
        probe_angle=search.probe_angle,
        label_aware=label_aware,
        selection=best.rule,
        generalization_error=solution.generalization_error,
        residual=solution.residual,
        _influence=search.influence_of(best),
    )


@dataclass(frozen=True)
class _State:
    """A rule, its student, and the score whose lowest fraction the rule keeps (0 at its edges)."""

    rule: KeepWindows
    student: Student
    score: Callable[[np.ndarray], np.ndarray]

    @property
    def log_error(self) -> float:
        return float(np.log(self.student.generalization_error[0]))


@dataclass(frozen=True)
class _Search:
    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool

    def windows(self) -> list[KeepWindows]:
        """Windows of the fraction's width, from the hardest to the easiest."""
        lower = np.linspace(0.0, 1.0 - self.keep_fraction, _STARTS)
        return [
            KeepWindows(((low, min(low + self.keep_fraction, 1.0)),), self.label_aware) for low in map(float, lower)
        ]

    def state_of(self, rule: KeepWindows) -> _State:
        """A window with the score |rank − middle|."""
        ((lower, upper),) = rule.windows
        return _State(
            rule, self._student(rule), lambda m: np.abs(self._rank(m) - (lower + upper) / 2) - (upper - lower) / 2
        )

    def descend(self, state: _State) -> _State:
        """Blends the score with the influence as long as the error falls."""
        for _ in range(_ITERATIONS):
            better = self._better(state)
            if better is None:
                return state
            state = better
        return state

    def _better(self, state: _State) -> _State | None:
        margins = self._margins(state)
        influence = _signed(self._lowest(margins, self.influence_of(state)(margins)))
        score = _signed(self._lowest(margins, state.score(margins)))
        for share in _SHARES:
            values = self._lowest(margins, (1 - share) * score + share * influence)
            rule = self._rule(margins, values)
            student = self._student(rule, near=state.student)
            trial = _State(rule, student, Akima1DInterpolator(margins, values, extrapolate=True))
            if trial.log_error < state.log_error - _LEAST_GAIN:
                return trial
        return None

    def influence_of(self, state: _State) -> Callable[[np.ndarray], np.ndarray]:
        signed = Influence.at(state.rule.kept_law(self.probe_angle), state.student)
        if self.label_aware or self.probe_angle == 0:
            return signed

        def unsigned(distance: np.ndarray) -> np.ndarray:
            right = ndtr(distance / np.tan(self.probe_angle))
            return right * signed(distance) + (1 - right) * signed(-distance)

        return unsigned

    def _student(self, rule: Selection, near: Student | None = None) -> Student:
        law, alpha = rule.kept_law(self.probe_angle), self.alpha_total * self.keep_fraction
        if near is not None:
            moved = newton(law, near)
            if np.isfinite(moved.residual[0]):
                return moved.students
        return solve_students(law, np.array([alpha])).students

    def _margins(self, state: _State) -> np.ndarray:
        """Margins dense enough to interpolate scores: at the scales of the student and of the probe."""
        student, edges = state.student, state.rule.kept_law(self.probe_angle).edges
        begin, softness = float(student.k[0] / student.length[0]), float(1 / student.length[0])
        turn = float(self.probe_angle - student.angle[0])
        centres = np.array([[0.0, begin * np.cos(turn), *edges]])
        widths = np.array([[np.tan(min(self.probe_angle, 1.0)), np.hypot(softness, np.sin(turn)), *(0.02 + 0 * edges)]])
        signed = self.label_aware and self.probe_angle > 0
        grid = np.linspace(-_FARTHEST, _FARTHEST, 57)
        ends = breakpoints(self._hardest() if signed else 0.0, _FARTHEST, grid=grid, features=(centres, widths))
        return composite_rule(ends, order=6).points.astype(float)

    def _hardest(self) -> float:
        """A margin below which there are no examples to speak of."""
        rare = KeepBetween(1e-12, 1.0, label_aware=True)
        return max(-_FARTHEST, rare.thresholds(self.probe_angle)[0])

    def _rank(self, margin: np.ndarray) -> np.ndarray:
        """Share of the pool below this margin."""
        if self.label_aware and self.probe_angle > 0:
            return ndtr(margin) - 2 * owens_t(margin, 1 / np.tan(self.probe_angle))
        return 2 * ndtr(margin) - 1

    def _lowest(self, margins: np.ndarray, score: np.ndarray) -> np.ndarray:
        """The score less the level below which the fraction f lies."""
        curve = Akima1DInterpolator(margins, score)

        def excess(level: float) -> float:
            return (
                sum(self._rank(np.array(window)) @ [-1, 1] for window in self._below(curve, level)) - self.keep_fraction
            )

        level = brentq(
            excess, score.min() - 1e-9 * np.ptp(score), score.max() + 1e-9 * np.ptp(score), xtol=1e-15, rtol=1e-14
        )
        return score - level

    def _below(self, curve: PPoly, level: float) -> list[tuple[float, float]]:
        """Intervals of margin on which the score is below the level, open-ended at the last margins."""
        first, last = curve.x[0], curve.x[-1]
        roots = np.unique(curve.solve(level, extrapolate=False))
        ends = np.array([-np.inf if first < 0 else 0.0, *roots[(roots > first) & (roots < last)], np.inf])
        inner = np.clip(ends, first, last)
        below = curve((inner[1:] + inner[:-1]) / 2) < level
        return [(float(a), float(b)) for a, b, keep in zip(ends[:-1], ends[1:], below, strict=True) if keep]

    def _rule(self, margins: np.ndarray, score: np.ndarray) -> KeepWindows:
        """The rule that keeps the margins of negative score."""
        below = self._below(Akima1DInterpolator(margins, score), 0.0)
        ranks = [tuple(float(rank) for rank in self._rank(np.array(window))) for window in below]
        merged = [list(ranks[0])]
        for lower, upper in ranks[1:]:
            if lower - merged[-1][1] < 1e-12:
                merged[-1][1] = upper
            else:
                merged.append([lower, upper])
        return KeepWindows(tuple((max(0.0, a), min(1.0, b)) for a, b in merged if b > a), self.label_aware)


def _signed(score: np.ndarray) -> np.ndarray:
    """The score between −1 and 1, with the same zeros: scores of any scale can then be blended."""
    return score / (np.median(np.abs(score)) + np.abs(score))
