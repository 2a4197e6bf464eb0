"""Descent to the best rule of a fraction of a pool.

A rule is a union of windows in rank. From the best single windows the descent goes by two steps in turn:

1. the edges, and the ridge if it is free, move to where ln ε is least (`edges.settled`);
2. what is kept with the highest influence is exchanged for what is not with the lowest, as much of it as lowers the
   error: to first order any such exchange does. This opens and closes windows.

It ends where no exchange gains more than rounding: the rule is the level set of its own influence, and the first
variation vanishes.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._selection_descent.edges import settled
from replica_theory._selection_descent.level_sets import RankedInfluence, Windows, holding
from replica_theory._selection_descent.problem import Candidate, Problem, StudentT

_POSITIONS = np.sort(
    np.concatenate([np.linspace(0, 1, 13), [0.003, 0.015, 0.04, 0.96, 0.985, 0.997]])
).tolist()  # of scanned windows, from the hardest to the easiest
_FEWER = (0.0, 0.015, 0.08, 0.2, 0.35, 0.5, 0.65, 0.8, 0.92, 0.985, 1.0)  # of windows scanned at every ridge
_LOG_RIDGES = np.log(10.0) * np.array([3.0, 1.5, 0.5, -0.5, -1.5, -2.5, -3.5, -5.0])  # scanned, falling
_STARTS = 2  # windows from which the descent starts, at most
_SHARES = (1.0, 0.5, 0.2, 0.05, 0.01, 2e-3, 4e-4, 8e-5)  # of what is misplaced, exchanged until one lowers ln ε
_LEAST_GAIN = 1e-11  # decrease of ln ε, to first order, for which examples are exchanged
_LEAST_DECREASE = 1e-12  # decrease of ln ε that an exchange must bring
_EXCHANGES = 20  # at most


@dataclass(frozen=True)
class Descended:
    """The end of a descent.

    Attributes:
        problem: Whose end it is.
        candidate: The rule and its student.
        gain: Decrease of ln ε that the best exchange of examples promises, to first order.
    """

    problem: Problem
    candidate: Candidate
    gain: float


def best_rule(problem: Problem[StudentT], *, free_ridge: bool = False) -> Descended:
    """The end of least error of descents from the best single windows."""
    starts = _best_windows(problem, free_ridge)[:_STARTS]
    return min((descended(problem, start) for start in starts), key=lambda end: end.candidate.log_error)


def descended(problem: Problem[StudentT], candidate: Candidate[StudentT]) -> Descended:
    """The end of the descent from a candidate."""
    candidate = settled(problem, candidate)
    for _ in range(_EXCHANGES):
        influence = problem.ranked_influence(candidate)
        if (gain := influence.gain) < _LEAST_GAIN:
            break
        if (exchanged := _exchanged(problem, candidate, influence)) is None:
            break
        candidate = settled(problem, exchanged)
    else:
        gain = problem.ranked_influence(candidate).gain
    return Descended(problem, candidate, gain)


def _exchanged(
    problem: Problem[StudentT], candidate: Candidate[StudentT], influence: RankedInfluence
) -> Candidate[StudentT] | None:
    """The largest exchange of examples that lowers the error; none if none does."""
    for share in _SHARES:
        trial = problem.candidate(influence.exchanged(share), candidate.log_ridge, candidate.student)
        if trial.log_error < candidate.log_error - _LEAST_DECREASE:
            return trial
    return None


def _best_windows(problem: Problem[StudentT], free_ridge: bool) -> list[Candidate[StudentT]]:
    """Single windows at which ln ε is least among neighbours in position, best first."""
    fraction, scanned = problem.keep_fraction, []
    positions = _FEWER if free_ridge else _POSITIONS
    for position in positions if fraction < 1 else (0.0,):
        lower = (1 - fraction) * position
        window = holding([(lower, min(1.0, lower + fraction))], fraction)
        near = scanned[-1].student if scanned else None
        scanned.append(_best_ridge(problem, window, near) if free_ridge else problem.candidate(window, None, near))
    errors = np.pad([candidate.log_error for candidate in scanned], 1, constant_values=np.inf)
    minima = np.flatnonzero((errors[1:-1] <= errors[:-2]) & (errors[1:-1] <= errors[2:]))
    return sorted((scanned[i] for i in minima), key=lambda candidate: candidate.log_error)


def _best_ridge(problem: Problem[StudentT], window: Windows, near: StudentT | None) -> Candidate[StudentT]:
    """The best of the scanned ridges."""
    candidates: list[Candidate[StudentT]] = []
    for log_ridge in _LOG_RIDGES.tolist():
        near = candidates[-1].student if candidates else None
        candidates.append(problem.candidate(window, log_ridge, near))
    return min(candidates, key=lambda candidate: candidate.log_error)
