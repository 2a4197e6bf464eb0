"""The saddle point of a learner that is trained on what earlier learners have kept.

Conditioning. Fix the earlier learners' weights p_j, and the fields s = XT and f_j = X p_j of the pool X (one row a_i
for an example). What else is known of X is that each p_j is stationary, Σ_i G_ji a_i = N λ_j p_j, which is linear in
X. So X acts on directions outside the span of T and the p_j as a fresh Gaussian matrix from which the rows G_j are
projected out. Which examples are kept is a function of the fields, and fixed. On this convex problem with a Gaussian
matrix Gordon's comparison holds, and the learner's fields may differ from A s + r·f + b g by any δ of mean square
b²/α with E[G_j δ] = 0. The multiplier of that constraint is c_j, and with averages over the whole pool (k = 1 if
kept, else 0)

    ω = A s + r·f + c·G + b g,      f_w = prox_{Vℓ}(ω),      G_w = k (f_w − ω)/V

    (S1)  λ (Γ a)_T = α E[s G_w]
    (S2)  λ (Γ a)_j = α E[f_j G_w]                          a = (A, r),  Γ the Gram matrix of (T, p_1, …)
    (S3)  (M c)_i + V E[G_i G_w] = 0                        M_ij = E[G_i G_j], over all examples, kept or not
    (S4)  b² + α c·M c = α V² E[G_w²]
    (S5)  1/V = λ − α E[g G_w]/b                            ( = λ + α E[k ℓ''/(1 + V ℓ'')], Stein's identity )

They are the saddle, lowest in (A, r, b) and highest in b/V and c/V, of

    Ψ = λ ‖w‖²/2 + α E[k ℓ(f_w) + k (f_w − ω)²/(2V) − (c·G)²/(2V)] − b²/(2V)

which is convex and concave in these variables, so that there is one root. M runs over the whole pool because an
example that is not kept still carries the constraint: its field may take any value at no loss.

The Jacobian. f_w moves with ω by p' = ∂prox/∂ω. With D = (1 − p')/V,

    dG_w = −D dω − D G_w dV,    so that    ∂E[φ G_w]/∂x = −E[φ φᵀ D],   ∂E[G_w²]/∂x = −2 E[φ D G_w]
                                           ∂E[φ G_w]/∂V = −E[φ D G_w],  ∂E[G_w²]/∂V = −2 E[D G_w²]

for x = (A, r, c, b) and φ = (s, f, G, g).
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory._trained_probe.student_field import StudentField


@dataclass(frozen=True)
class Equations:
    """Left minus right sides of (S1)–(S5) at some order parameters, in the order a, c, b, V.

    Attributes:
        difference: (K + 1,).
        size: (K + 1,), of the terms of each.
        jacobian: (K + 1, K + 1), by (A, r, c, b², ln V).
    """

    difference: np.ndarray
    size: np.ndarray
    jacobian: np.ndarray

    @property
    def residual(self) -> float:
        """Largest difference, relative to its terms."""
        return float(np.max(np.abs(self.difference / self.size)))


@dataclass(frozen=True)
class _Averages:
    """α E[φ G_w], α E[φ D G_w], α E[G_w²], α E[D G_w²] and α E[φ φᵀ D], with φ = (s, f, G, g)."""

    pull: np.ndarray
    pull_slope: np.ndarray
    square: float
    square_slope: float
    stiffness: np.ndarray

    @classmethod
    def of(cls, field: StudentField, alpha: float) -> "_Averages":
        force, D = field.force, field.stiffness
        pull = alpha * field.first(force)
        pull[-1] = alpha * field.force_along_g()
        return cls(
            pull=pull,
            pull_slope=alpha * field.first(D * force),
            square=alpha * field.mean(force**2),
            square_slope=alpha * field.mean(D * force**2),
            stiffness=alpha * field.second(D),
        )


def equations(
    field: StudentField, student: OrderParameters, learners: Learners, *, alpha: float, ridge: float
) -> Equations:
    """(S1)–(S5); the third times α/V, logarithms of both sides of the fourth, and the fifth times V."""
    averages, b, V, c = _Averages.of(field, alpha), student.outside, student.scale, student.reaction
    count, last = len(student.along), len(student.along) + len(c)
    shrinkage = ridge * (learners.gram @ student.along)
    constraint = alpha * (learners.force_overlaps @ c) / V
    outside = b * b + V * float(c @ constraint)  # b² + α c·M c

    difference = np.empty(last + 2)
    difference[:count] = shrinkage - averages.pull[:count]
    difference[count:last] = constraint + averages.pull[count:last]
    difference[last] = 1 - V * ridge + V * averages.pull[last] / b
    pulls = averages.square > 0  # no example is pulled: a step went too far, and the equations are infinitely wrong
    difference[last + 1] = math.log(outside / (V**2 * averages.square)) if pulls and outside > 0 else math.inf

    reach = np.sqrt(alpha * averages.square * field.kept)  # ≥ α |E[φ G_w]|
    size = np.concatenate([np.abs(shrinkage) + reach[:count], np.abs(constraint) + reach[count:], [1 + V * ridge, 1.0]])
    return Equations(difference, size, _jacobian(averages, student, learners, constraint, outside, alpha, ridge))


def _jacobian(
    averages: _Averages,
    student: OrderParameters,
    learners: Learners,
    constraint: np.ndarray,
    outside: float,
    alpha: float,
    ridge: float,
) -> np.ndarray:
    """By (A, r, c, b), which is turned into b², and ln V."""
    b, V, pull, slope = student.outside, student.scale, averages.pull, averages.pull_slope
    count, last = len(student.along), len(student.along) + len(constraint)
    jacobian = np.full((last + 2, last + 2), np.nan)
    if averages.square == 0 or outside == 0:
        return jacobian
    # (S1) and (S2): λ Γ a − α E[φ G_w]
    jacobian[:count, :-1] = averages.stiffness[:count]
    jacobian[:count, :count] += ridge * learners.gram
    jacobian[:count, -1] = V * slope[:count]
    # (S3): α M c/V + α E[G G_w]
    jacobian[count:last, :-1] = -averages.stiffness[count:last]
    jacobian[count:last, count:last] += alpha * learners.force_overlaps / V
    jacobian[count:last, -1] = -constraint - V * slope[count:last]
    # (S5): 1 − λV + α V E[g G_w]/b
    jacobian[last, :-1] = -averages.stiffness[last] * V / b
    jacobian[last, last] -= V * pull[last] / b**2
    jacobian[last, -1] = -V * ridge + V * (pull[last] - V * slope[last]) / b
    # (S4): ln(b² + α c·M c) − ln(α V² E[G_w²])
    jacobian[-1, :-1] = 2 * slope / averages.square
    jacobian[-1, count:last] += 2 * V * constraint / outside
    jacobian[-1, last] += 2 * b / outside
    jacobian[-1, -1] = -2 + 2 * V * averages.square_slope / averages.square
    jacobian[:, last] /= 2 * b
    return jacobian
