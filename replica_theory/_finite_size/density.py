"""The exact density of a student in N dimensions, as an integral whose saddle is the replica theory.

A minimiser w of Σ w_i ℓ(w·x_i) + (Nλ/2)‖w‖², labels absorbed in x_i, is the only point where the gradient vanishes, so
that its density is (Kac and Rice), with duals β_i = −w_i ℓ'(w·x_i)::

    ρ(w) = E δ(Nλ w − Σ β_i x_i) det(Nλ + Σ w_i ℓ''(w·x_i) x_i x_iᵀ)

w has components (a₁, a₂) in the plane of probe and teacher and the length r outside. There inputs are Gaussian, and
the average is taken exactly: the δ in directions orthogonal to w by an integral over q, in the three others by one
over b = (b₁, b₂, b₀), the determinant by one over z (its expansion in minors). What is left is ∫ e^{NΨ + ψ} dX over
X = (a₁, a₂, r, q, z, b₁, b₂, b₀), in which examples appear one by one, each by its fields s = (s₁, s₂) in the plane::

    Ψ = ln(r q/z) + λ(z + b·(a₁, a₂, r)) + α ln E_s I(s)                                                    (F1)
    I = ∫ (dh − z dβ) φ(u)/r · exp(−q²β²/2 − β(b₁ s₁ + b₂ s₂ + b₀ u)),   u = (h − a₁ s₁ − a₂ s₂)/r          (F2)

over the graph of β = −w ℓ'(h). With the student of the replica theory and z = V, q = V/r, b = (0, 0, −q) every I is 1
and ∂Ψ = 0 are the theory's equations. ψ gathers, to order 1, the powers that are left and the determinant in the three
directions of c = (s₁, s₂, u), with σ_z = dh/(dh − z dβ) and averages over kept examples::

    ψ = −3 ln r − 4 ln q + 2 ln z + ln(κ det M + ĉᵀ adj(M) ĉ/z),        M = λ + α E[(1 − σ_z) c cᵀ]/z       (F3)
    κ = E[σ_z β²]/E[β²],        ĉ = (λ(a₁, a₂, r) − α E[σ_z β c])/√(α E β²)

That ρ integrates to 1 reads ψ − ½ ln |det ∂∂Ψ| = −ln 2 at the saddle, whatever the loss, the rule and α.        (F4)

The hard margin has a vertical graph at h = 1, β ≥ 0, and interpolation the whole line there; any ridge serves them.

References:
    Rice 1945, Bell Syst. Tech. J. 24, 46; Fyodorov 2004, Phys. Rev. Lett. 92, 240601.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._finite_size.examples import SeenExamples

STUDENT = slice(0, 3)  # of X: (a₁, a₂, r)
_R, _Q, _Z, _B, _B0 = 2, 3, 4, slice(5, 8), 7


@dataclass(frozen=True, kw_only=True)
class StudentDensity:
    """Ψ and ψ around the saddle of one student.

    Attributes:
        alpha: α.
        ridge: λ.
        scale: V.
        student: (a₁, a₂, r).
        examples: Kept examples as it sees them, at this V.
    """

    alpha: float
    ridge: float
    scale: float
    student: np.ndarray
    examples: SeenExamples

    @property
    def saddle(self) -> np.ndarray:
        """X of the replica theory, (8,)."""
        q = self.scale / self.student[2]
        return np.array([*self.student, q, self.scale, 0.0, 0.0, -q])

    @cached_property
    def normalisation(self) -> float:
        """ln ∫ρ = ψ − ½ ln |det ∂∂Ψ| + ln 2 at the saddle, which is 0 by (F4)."""
        here = self.at(self.saddle)
        return here.log_prefactor - 0.5 * float(np.linalg.slogdet(here.hessian)[1]) + math.log(2)

    def at(self, x: np.ndarray) -> "DensityAt":
        """The density's exponents at X."""
        return DensityAt(self, x)


@dataclass(frozen=True)
class DensityAt:
    """Derivatives of Ψ, and ψ, at a point X near the saddle."""

    density: StudentDensity
    x: np.ndarray

    @cached_property
    def gradient(self) -> np.ndarray:
        """∂Ψ, (8,)."""
        a, r, q, z = self.x[STUDENT], *self.x[[_R, _Q, _Z]]
        ridge = self.density.ridge
        gradient = self.density.alpha * (self._slopes @ self._weights)
        gradient[STUDENT] += ridge * self.x[_B]
        gradient[_B] += ridge * a
        gradient[[_R, _Q, _Z]] += 1 / r, 1 / q, ridge - 1 / z
        return gradient

    @cached_property
    def hessian(self) -> np.ndarray:
        """∂∂Ψ, (8, 8): α (E[∂∂ ln I + ∂ ln I ∂ ln I] − E[∂ ln I] E[∂ ln I]) and what does not depend on examples.

        Here ln I is that of the integrand, and averages are over its distribution.
        """
        r, q, z = self.x[[_R, _Q, _Z]]
        mean = self._slopes @ self._weights
        square = (self._slopes * self._weights) @ self._slopes.T
        hessian = self.density.alpha * (square - mean[:, None] * mean + self._mean_curvature)
        hessian[_R, _R] -= 1 / r**2
        hessian[_Q, _Q] -= 1 / q**2
        hessian[_Z, _Z] += 1 / z**2
        hessian[STUDENT, _B] += self.density.ridge * np.eye(3)
        hessian[_B, STUDENT] += self.density.ridge * np.eye(3)
        return hessian

    @property
    def log_prefactor(self) -> float:
        """ψ, (F3)."""
        r, q, z = self.x[[_R, _Q, _Z]]
        alpha, ridge, dual = self.density.alpha, self.density.ridge, self._dual
        unmoved = self.density.examples.slope / self._measure  # σ_z
        square = float(self._weights @ dual**2)
        matrix = (
            ridge * np.eye(3) + alpha / z * (self._coordinates * (self._weights * (1 - unmoved))) @ self._coordinates.T
        )
        pull = self._coordinates @ (self._weights * unmoved * dual)
        vector = (ridge * self.x[STUDENT] - alpha * pull) / math.sqrt(alpha * square)
        share = float(self._weights @ (unmoved * dual**2)) / square  # κ
        determinant = share * np.linalg.det(matrix) + vector @ _adjugate(matrix) @ vector / z
        return float(-3 * np.log(r) - 4 * np.log(q) + 2 * np.log(z) + np.log(determinant))

    @cached_property
    def _dual(self) -> np.ndarray:
        return self.density.examples.dual

    @cached_property
    def _coordinates(self) -> np.ndarray:
        """c = (s₁, s₂, u) of every node, (3, n)."""
        seen, (a1, a2, r) = self.density.examples, self.x[STUDENT]
        return np.stack([seen.z, seen.v, (seen.field - a1 * seen.z - a2 * seen.v) / r])

    @cached_property
    def _measure(self) -> np.ndarray:
        """(dh − z dβ)/dω, where ω = h − V β is the cavity field."""
        slope = self.density.examples.slope
        return slope + (self.x[_Z] / self.density.scale) * (1 - slope)

    @cached_property
    def _log_integrand(self) -> np.ndarray:
        """ln of (F2)'s integrand by ω, but for a constant, (n,)."""
        dual, u = self._dual, self._coordinates[2]
        exponent = -0.5 * u * u - 0.5 * (self.x[_Q] * dual) ** 2 - dual * (self.x[_B] @ self._coordinates)
        return exponent + np.log(self._measure / self.x[_R])

    @cached_property
    def _weights(self) -> np.ndarray:
        """Distribution of the integrand over nodes, (n,); at the saddle that of the kept examples and of g."""
        seen = self.density.examples
        weights = seen.share * np.exp(self._log_integrand + 0.5 * seen.noise**2)
        return weights / weights.sum()

    @cached_property
    def _noise(self) -> np.ndarray:
        """u + b₀ β, (n,); g at the saddle."""
        return self._coordinates[2] + self.x[_B0] * self._dual

    @cached_property
    def _slopes(self) -> np.ndarray:
        """∂ ln of the integrand, (8, n)."""
        by_student = self._noise * self._coordinates / self.x[_R]
        by_student[2] -= 1 / self.x[_R]
        by_q = -self.x[_Q] * self._dual**2
        return np.concatenate([by_student, [by_q, self._slope_by_z], -self._dual * self._coordinates])

    @cached_property
    def _slope_by_z(self) -> np.ndarray:
        return (1 - self.density.examples.slope) / (self.density.scale * self._measure)

    @property
    def _mean_curvature(self) -> np.ndarray:
        """E ∂∂ ln of the integrand, (8, 8)."""
        r, weighted = self.x[_R], self._coordinates * self._weights
        curvature, turn, pull = np.zeros((8, 8)), weighted @ self._noise / r**2, weighted @ self._dual / r
        curvature[STUDENT, STUDENT] = -(weighted @ self._coordinates.T) / r**2
        curvature[STUDENT, _R] -= turn
        curvature[_R, STUDENT] -= turn
        curvature[_R, _R] += 1 / r**2
        curvature[STUDENT, _B0] += pull
        curvature[_B0, STUDENT] += pull
        curvature[_Q, _Q] = -(self._weights @ self._dual**2)
        curvature[_Z, _Z] = -(self._weights @ self._slope_by_z**2)
        return curvature


def _adjugate(matrix: np.ndarray) -> np.ndarray:
    """The transposed cofactors of a (3, 3) matrix: M⁻¹ det M."""
    one, two, three = matrix
    return np.stack([np.cross(two, three), np.cross(three, one), np.cross(one, two)], axis=1)
