"""Damped Newton's method for the saddle point of regularised risk.

The equations are a monotone map with a single root, for which a short enough step of Newton's method always descends.
"""

import math
from dataclasses import replace

import numpy as np

from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk, SaddlePointEquations

CONVERGED = 1e-12  # relative residual at which the iteration ends
_MOST_STEPS = 200  # Newton steps at most
_LONGEST_STEP = 1.5  # largest |Δ ln τ| and −Δb/b of a Newton step
_SHORTEST_SHARE = 1e-4  # least share of a Newton step that is tried
_DESCENT = 0.1  # least descent of the residual's norm, relative to that of a linear map
_BACKTRACKING = 3.0  # factor by which a step without that descent is shortened


def newton(
    risk: RegularisedRisk, start: OrderParameters, *, tolerance: float = CONVERGED
) -> tuple[OrderParameters, float]:
    """Order parameters and their relative residual, once it is below the tolerance or no step lessens it."""
    point, equations = start, risk.equations(start)
    for _ in range(_MOST_STEPS):
        if equations.residual < tolerance or not np.isfinite(equations.jacobian).all():
            break
        descended = _descended(risk, point, equations)
        if descended is None:
            break
        point, equations = descended
    return point, equations.residual


def _descended(
    risk: RegularisedRisk, point: OrderParameters, equations: SaddlePointEquations
) -> tuple[OrderParameters, SaddlePointEquations] | None:
    """The longest of 1, 1/3, 1/9, … Newton steps that lessens |gradient / size| at the size here; None if none does."""
    try:
        step = np.linalg.solve(equations.jacobian, -equations.gradient)
    except np.linalg.LinAlgError:
        return None
    length = max(abs(step[-1]), -step[-2] / point.components[-1])
    step *= min(1.0, _LONGEST_STEP / max(length, 1e-3 * _LONGEST_STEP))
    size, share = equations.size, 1.0
    norm = np.linalg.norm(equations.gradient / size)
    while share > _SHORTEST_SHARE:
        trial = _stepped(point, share * step)
        there = risk.equations(trial)
        if np.linalg.norm(there.gradient / size) < (1 - _DESCENT * share) * norm:
            return trial, there
        share /= _BACKTRACKING
    return None


def _stepped(point: OrderParameters, step: np.ndarray) -> OrderParameters:
    """(x, ln τ) plus a step, V = b/τ; a fall of b is a factor exp(Δb/b) instead, so that b stays positive."""
    b = point.components[-1]
    next_b = b + step[-2] if step[-2] > 0 else b * math.exp(step[-2] / b)
    components = np.append(point.components[:-1] + step[:-2], next_b)
    return replace(point, components=components, scale=point.scale * next_b / b * math.exp(-step[-1]))
