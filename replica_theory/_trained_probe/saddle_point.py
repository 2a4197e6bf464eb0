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


def equations(
    field: StudentField, student: OrderParameters, learners: Learners, *, alpha: float, ridge: float
) -> Equations:
    """(S1)–(S5); the third times α/V, logarithms of both sides of the fourth, and the fifth times V."""
    b, V, c, M = student.outside, student.scale, student.reaction, learners.force_overlaps
    force, D = field.force, field.stiffness
    pull, D_force = alpha * field.first(force), alpha * field.first(D * force)
    square, D_square = alpha * field.mean(force**2), alpha * field.mean(D * force**2)
    stiffness = alpha * field.second(D)
    n_along, last = len(student.along), len(student.along) + len(c)
    pull[last] = alpha * field.force_along_g()
    shrinkage, constraint = ridge * (learners.gram @ student.along), alpha * (M @ c) / V
    reaction = alpha * float(c @ M @ c)

    difference = np.empty(last + 2)
    difference[:n_along] = shrinkage - pull[:n_along]
    difference[n_along:last] = constraint + pull[n_along:last]
    difference[last] = 1 - V * ridge + V * pull[last] / b
    difference[last + 1] = np.log((b * b + reaction) / (V**2 * square))

    jacobian = np.empty((last + 2, last + 2))
    jacobian[:-1, :-1] = -stiffness
    jacobian[:n_along] *= -1
    jacobian[:n_along, :n_along] += ridge * learners.gram
    jacobian[n_along:last, n_along:last] += alpha * M / V
    jacobian[last] *= V / b
    jacobian[last, last] -= V * pull[last] / b**2
    jacobian[-1, :-1] = 2 * D_force / square
    jacobian[-1, n_along:last] += 2 * V * constraint / (b * b + reaction)
    jacobian[-1, last] += 2 * b / (b * b + reaction)
    jacobian[:n_along, -1] = V * D_force[:n_along]
    jacobian[n_along:last, -1] = -constraint - V * D_force[n_along:last]
    jacobian[last, -1] = -V * ridge + V * (pull[last] - V * D_force[last]) / b
    jacobian[-1, -1] = -2 + 2 * V * D_square / square
    jacobian[:, last] /= 2 * b
    reach = np.sqrt(alpha * square * field.kept)  # ≥ α |E[φ G_w]|
    size = np.concatenate(
        [np.abs(shrinkage) + reach[:n_along], np.abs(constraint) + reach[n_along:], [1 + V * ridge, 1.0]]
    )
    return Equations(difference, size, jacobian)
