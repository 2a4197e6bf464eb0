"""Mean, variance and skewness of an observable over the density of students, to leading order in 1/N.

With a source t·N f added to Ψ, ln Z(t) generates the cumulants of f. Its saddle moves along d = (−∂∂Ψ)⁻¹ ∂f, so that::

    N Var f  → ∂f·d                                                                                        (F5)
    N² κ₃(f) → ∂³Ψ[d, d, d] + 3 d·∂∂f·d                                                                     (F6)
    N (E f − f) → d/dt [ψ − ½ ln |det ∂∂(Ψ + t f)|]  along X + t d                                          (F7)
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._finite_size.density import StudentDensity
from replica_theory._finite_size.observables import Observable

_STEP = 1e-3  # along d, in standard deviations of f at N = 1; differences are wrong by its square
_LENGTH_STEP = 1e-3  # of the observable's arguments, in units of r
_OF_STUDENT = [0, 1, 2, 8]  # (a₁, a₂, r, η) among X and η


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Leading cumulants of an observable f in N dimensions.

    Attributes:
        value: f in the limit.
        shift: N (E f − value).
        variance: N Var f.
        third_cumulant: N² κ₃.
    """

    value: float
    shift: float
    variance: float
    third_cumulant: float


def expand(density: StudentDensity, observable: Observable) -> Expansion:
    """The expansion at the density's saddle."""
    saddle = np.append(density.saddle, 0.0)
    value, slope, curvature = _derivatives(observable, saddle[_OF_STUDENT])
    slopes, curvatures = np.zeros(9), np.zeros((9, 9))
    slopes[_OF_STUDENT] = slope
    curvatures[np.ix_(_OF_STUDENT, _OF_STUDENT)] = curvature
    path = np.linalg.solve(-_hessian(density, saddle), slopes)
    variance = float(slopes @ path)
    step = _STEP / math.sqrt(variance)
    log_weights, bends = [], []
    for t in (step, -step):
        point = saddle + t * path
        hessian = _hessian(density, point)
        log_weights.append(
            density.at(point[:8]).log_prefactor - 0.5 * float(np.linalg.slogdet(hessian + t * curvatures)[1])
        )
        bends.append(float(path @ hessian @ path))
    return Expansion(
        value=value,
        shift=(log_weights[0] - log_weights[1]) / (2 * step),
        variance=variance,
        third_cumulant=(bends[0] - bends[1]) / (2 * step) + 3 * float(path @ curvatures @ path),
    )


def _hessian(density: StudentDensity, point: np.ndarray) -> np.ndarray:
    """∂∂Ψ with η, whose distribution adds −η²/2, (9, 9)."""
    hessian = np.zeros((9, 9))
    hessian[:8, :8] = density.at(point[:8]).hessian
    hessian[8, 8] = -1.0
    return hessian


def _derivatives(observable: Observable, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """f, ∂f (4,) and ∂∂f (4, 4) by central differences."""
    steps = np.diag(_LENGTH_STEP * np.array([at[2], at[2], at[2], 1.0]))
    sizes = steps.diagonal()
    value = float(observable(at))
    slope = (observable(at + steps) - observable(at - steps)) / (2 * sizes)
    same, opposite = steps[:, None] + steps, steps[:, None] - steps
    second = observable(at + same) + observable(at - same) - observable(at + opposite) - observable(at - opposite)
    return value, slope, second / (4 * sizes[:, None] * sizes)
