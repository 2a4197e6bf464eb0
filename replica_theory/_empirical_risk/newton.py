"""Damped Newton's method on the stationarity of regularised risk.

The equations are a monotone map with a single root, on which a step of Newton's method always descends.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from replica_theory._empirical_risk.saddle_point import RiskEquations, risk_equations
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss

TOLERANCE = 1e-12
_ROUNDING = 1e-9  # below it, a residual that stops falling has met the rounding of its terms
_ROUGH = 1e-2  # residual of students on the way to another
_NEAR, _FARTHEST = 2.0, 2.0  # ratio of α to the last found, and share of the way to it, from which to move on
_ITERATIONS = 200
_LONGEST = 1.5  # change of ln τ, and fall of ln b, in one step
_FASTEST, _SLOWEST, _LEAST = 0.04, 0.95, 1e-9  # ratio of a ridge to the last, and the least on the way to 0
_SHORTEST = 1e-4  # share of a step, below which it leads nowhere


@dataclass(frozen=True)
class RiskStudent:
    """A minimiser of regularised risk.

    Attributes:
        alpha: α, kept examples per dimension.
        ridge: λ.
        components: (a₁, a₂, b): along the probe, across it in the plane, and outside the plane.
        scale: V, the change of an example's field by a unit pull on it.
        residual: Largest residual of the solver's equations.
    """

    alpha: float
    ridge: float
    components: np.ndarray
    scale: float
    residual: float

    def moved_on(self, before: "RiskStudent", share: float) -> "RiskStudent":
        """By this share of the way from the one before: along a, ln b and ln V."""
        growth = (self.components[2] / before.components[2]) ** share, (self.scale / before.scale) ** share
        plane = self.components[:2] + share * (self.components[:2] - before.components[:2])
        components = np.append(plane, self.components[2] * growth[0])
        return replace(self, components=components, scale=self.scale * growth[1])


@dataclass
class Path:
    """Students found at growing α, from which the next one starts."""

    found: list[RiskStudent] = field(default_factory=list)

    def ahead(self, alpha: float) -> RiskStudent | None:
        """The last one, moved on as it came from the one before; none if it is far."""
        if not self.found or alpha > _NEAR * self.found[-1].alpha:
            return None
        last, before = self.found[-1], self.found[max(len(self.found) - 2, 0)]
        covered = math.log(last.alpha / before.alpha)
        share = math.log(alpha / last.alpha) / covered if covered else 0.0
        return replace(last.moved_on(before, share) if 0 < share <= _FARTHEST else last, alpha=alpha)


@dataclass(frozen=True)
class RiskProblem:
    """A loss, and the averages over kept examples as a function of student and scale."""

    loss: Loss
    averages: KeptAverages

    def equations(self, student: RiskStudent) -> RiskEquations:
        cells = self.averages(self.loss, student.components, student.scale)
        return risk_equations(
            self.loss,
            cells,
            alpha=student.alpha,
            ridge=student.ridge,
            student=student.components,
            scale=student.scale,
        )


def solve(problem: RiskProblem, start: RiskStudent) -> RiskStudent:
    """The minimiser at the α and ridge of the start, or failing that by way of larger ridges."""
    found = newton(problem, start)
    if found.residual < _ROUNDING:
        return found
    found = _by_larger_ridges(problem, start)
    if found.ridge > start.ridge:
        raise SaddlePointError(
            f"no student found at alpha_prune = {start.alpha}, ridge < {found.ridge}", residual=found.residual
        )
    return found


def _by_larger_ridges(problem: RiskProblem, asked: RiskStudent) -> RiskStudent:
    """The last student on a path of falling ridges, each the start of the next."""
    ridge = 10 * (1 + asked.alpha + asked.ridge)
    start = replace(
        asked, ridge=ridge, components=np.array([0.0, 0.0, math.sqrt(asked.alpha) / ridge]), scale=1 / ridge
    )
    before = found = newton(problem, start, tolerance=_ROUGH)
    ratio = _FASTEST
    while found.residual < _ROUGH and found.ridge > asked.ridge and ratio < _SLOWEST:
        ridge = max(asked.ridge, ratio * found.ridge)
        last = ridge <= max(asked.ridge, _LEAST)
        here = replace(_ahead(before, found, ridge), ridge=asked.ridge if last else ridge)
        ahead = newton(problem, here, tolerance=TOLERANCE if last else _ROUGH)
        if ahead.residual < (_ROUNDING if last else _ROUGH):
            before, found, ratio = found, ahead, max(_FASTEST, ratio**1.5)
        else:
            ratio = math.sqrt(ratio)
    return found


def _ahead(before: RiskStudent, found: RiskStudent, ridge: float) -> RiskStudent:
    """Where a path of ridges leads; its last student where there is no path yet."""
    covered = math.log(found.ridge / before.ridge)
    share = math.log(ridge / found.ridge) / covered if covered and ridge else 0.0
    return found.moved_on(before, share) if 0 < share <= _FARTHEST else found


def newton(problem: RiskProblem, student: RiskStudent, *, tolerance: float = TOLERANCE) -> RiskStudent:
    """Steps until the residual is as small as rounding allows, or no step lessens it."""
    here = problem.equations(student)
    for _ in range(_ITERATIONS):
        if here.residual < tolerance or not np.isfinite(here.jacobian).all():
            break
        trial = _searched(problem, student, here)
        if trial is None:
            break
        student, here = trial
    return replace(student, residual=here.residual)


def _searched(problem: RiskProblem, student: RiskStudent, here: RiskEquations):
    """The longest share of Newton's step that lessens the residual; none if there is none."""
    try:
        step = np.linalg.solve(here.jacobian, -here.difference)
    except np.linalg.LinAlgError:
        return None
    before = np.linalg.norm(here.difference / here.size)
    step *= min(1.0, _LONGEST / max(abs(step[3]), -step[2] / student.components[2], _LONGEST * 1e-3))
    share = 1.0
    while share > _SHORTEST:
        trial = _stepped(student, share * step)
        there = problem.equations(trial)
        if np.linalg.norm(there.difference / here.size) < (1 - 0.1 * share) * before:
            return trial, there
        share /= 3
    return None


def _stepped(student: RiskStudent, step: np.ndarray) -> RiskStudent:
    """Adds to a and ln τ; b is added to where it grows and multiplied where it falls, so that it stays positive."""
    b = student.components[2]
    grown = b + step[2] if step[2] > 0 else b * math.exp(step[2] / b)
    components = np.array([*(student.components[:2] + step[:2]), grown])
    return replace(student, components=components, scale=student.scale * grown / b * math.exp(-step[3]))
