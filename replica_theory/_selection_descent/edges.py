"""Quasi-Newton descent of ln ε in the edges of a rule, at a fixed number of windows, and in ln λ.

With r the ranks of the edges, s = +1 at an upper and −1 at a lower edge, and ι the influence there,

    ∂ ln ε/∂r = s ι(r)/f,      subject to  Σ s δr = 0  (the fraction is kept)

so that at the optimum all edges have the same influence. The Hessian starts from its diagonal s ι'(r)/f and learns the
rest by the damped update of Broyden, Fletcher, Goldfarb and Shanno (Powell 1978).
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._selection_descent.level_sets import Windows, holding
from replica_theory._selection_descent.problem import Candidate, Problem, StudentT

_STEPS = 40  # steps at most
_LEAST_DECREASE = 1e-13  # decrease of ln ε that a step must promise
_ARMIJO = 1e-3  # share of the promised decrease that a step must keep
_ROUNDING = 1e-14  # of ln ε
_SHORTEST = 1e-3  # share of the longest step that is tried at least
_DIFFERENCE = 1e-3  # relative step in rank of the difference for ι'
_LEAST_CURVATURE = 1e-3  # of ln ε by an edge's rank, relative to the largest of them
_LONGEST_LOG_RIDGE = 1.5  # longest step in ln λ
_RIDGE_DIFFERENCE = 0.2  # step in ln λ of the difference for its curvature
_RIDGE_CURVATURE = 0.05  # least curvature of ln ε by ln λ


@dataclass(frozen=True)
class _Edges:
    """The interior edges of a rule's windows, and ln λ if it is free.

    Attributes:
        windows: Of rank.
        log_ridge: ln λ; none where it is given.
    """

    windows: Windows
    log_ridge: float | None

    @property
    def ends(self) -> np.ndarray:
        """All ends, (2 windows,)."""
        return np.ravel(self.windows)

    @property
    def free(self) -> np.ndarray:
        """Which of them lie between 0 and 1."""
        return (self.ends > 0) & (self.ends < 1)

    @property
    def signs(self) -> np.ndarray:
        """s of the free ends, and 0 for ln λ."""
        signs = np.tile([-1.0, 1.0], len(self.windows))[self.free]
        return signs if self.log_ridge is None else np.append(signs, 0.0)

    def moved(self, step: np.ndarray, fraction: float) -> "_Edges":
        """The same with its free ends and ln λ moved; a window that closes is left out, two that meet are one."""
        ends, free, log_ridge = self.ends.copy(), self.free, self.log_ridge
        ends[free] += step[: free.sum()]
        if log_ridge is not None:
            log_ridge += float(step[-1])
        return _Edges(holding([(lower, upper) for lower, upper in ends.reshape(-1, 2).tolist()], fraction), log_ridge)

    def longest(self, step: np.ndarray) -> float:
        """Share of a step, ≤ 1, up to which ln λ is near and no window and no gap closes but the first."""
        ends, move = np.concatenate([[0.0], self.ends, [1.0]]), np.zeros(self.ends.size + 2)
        move[1:-1][self.free] = step[: self.free.sum()]
        widths, shrink = np.diff(ends), -np.diff(move)
        shares = [1.0, *(widths[shrink > 0] / shrink[shrink > 0]).tolist()]
        if self.log_ridge is not None and step[-1]:
            shares.append(_LONGEST_LOG_RIDGE / abs(step[-1]))
        return min(shares)


def settled(problem: Problem[StudentT], candidate: Candidate[StudentT]) -> Candidate[StudentT]:
    """The candidate with its edges, and its ridge if it is free, where ln ε is least nearby."""
    edges = _Edges(candidate.windows, candidate.log_ridge)
    gradient, hessian = _gradient(problem, candidate, edges), _first_hessian(problem, candidate, edges)
    for _ in range(_STEPS):
        step = _newton_step(gradient, hessian, edges.signs)
        promised = -float(gradient @ step)
        if not promised > _LEAST_DECREASE:
            break
        searched = _searched(problem, candidate, edges, step, promised)
        if searched is None:
            break
        candidate, moved, share = searched
        ahead = _gradient(problem, candidate, moved)
        if np.array_equal(moved.signs, edges.signs):
            hessian = _updated(hessian, share * step, ahead - gradient)
        else:
            hessian = _first_hessian(problem, candidate, moved)
        edges, gradient = moved, ahead
    return candidate


def _searched(
    problem: Problem[StudentT], candidate: Candidate[StudentT], edges: _Edges, step: np.ndarray, promised: float
) -> tuple[Candidate[StudentT], _Edges, float] | None:
    """The longest share of a step, of those tried, that lowers ln ε enough; none if none does."""
    share = longest = edges.longest(step)
    while share > _SHORTEST * longest:
        moved = edges.moved(share * step, problem.keep_fraction)
        trial = problem.candidate(moved.windows, moved.log_ridge, candidate.student)
        if trial.log_error <= candidate.log_error - _ARMIJO * share * promised + _ROUNDING:
            return trial, moved, share
        share /= 3
    return None


def _gradient(problem: Problem[StudentT], candidate: Candidate[StudentT], edges: _Edges) -> np.ndarray:
    """By the free ends' ranks, and by ln λ."""
    ranks = edges.ends[edges.free]
    gradient = edges.signs.copy()
    gradient[: ranks.size] *= problem.edge_influence(candidate, ranks) / problem.keep_fraction
    if edges.log_ridge is not None:
        gradient[-1] = candidate.student.log_ridge_slope
    return gradient


def _first_hessian(problem: Problem[StudentT], candidate: Candidate[StudentT], edges: _Edges) -> np.ndarray:
    """Its diagonal, made positive."""
    ranks, signs = edges.ends[edges.free], edges.signs
    width = _DIFFERENCE * min(problem.keep_fraction, 1 - problem.keep_fraction)
    lower, upper = np.maximum(ranks - width, ranks / 2), np.minimum(ranks + width, (1 + ranks) / 2)
    rise = np.diff(problem.edge_influence(candidate, np.concatenate([lower, upper])).reshape(2, -1), axis=0)[0]
    curvature = signs[: ranks.size] * rise / (upper - lower) / problem.keep_fraction
    curvature = np.maximum(np.abs(curvature), _LEAST_CURVATURE * np.max(np.abs(curvature), initial=1e-6))
    if edges.log_ridge is None:
        return np.diag(curvature)
    aside = problem.candidate(edges.windows, edges.log_ridge + _RIDGE_DIFFERENCE, candidate.student)
    bend = (aside.student.log_ridge_slope - candidate.student.log_ridge_slope) / _RIDGE_DIFFERENCE
    return np.diag(np.append(curvature, max(bend, _RIDGE_CURVATURE)))


def _newton_step(gradient: np.ndarray, hessian: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The least of gradient · step + step · hessian step/2 with signs · step = 0."""
    if not signs.any():
        return -np.linalg.solve(hessian, gradient) if signs.size else gradient
    size = gradient.size
    system = np.zeros((size + 1, size + 1))
    system[:size, :size], system[:size, size], system[size, :size] = hessian, signs, signs
    return np.linalg.solve(system, np.append(-gradient, 0.0))[:size]


def _updated(hessian: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """After a step and the change of the gradient; damped so that it stays positive."""
    image = hessian @ step
    expected, seen = float(step @ image), float(step @ change)
    if seen < 0.2 * expected:
        mix = 0.8 * expected / (expected - seen)
        change = mix * change + (1 - mix) * image
        seen = float(step @ change)
    return hessian - np.outer(image, image) / expected + np.outer(change, change) / seen
