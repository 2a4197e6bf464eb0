"""The order parameters of students on structured inputs, and one step of their equations.

An example has the place c in the plane, label y, radius r and group g; f and u are averaged over its field
ω ~ N(y a·c, r² b_g² + cᵀΓc) at the scale S = r² V_g + cᵀΛc, E over kept examples::

    (S1)  S a = j,  j = α E[y c f]                       (S4)  V_g = tr(C_g R)/N,  V̂_g = α E[1_g r² u]
    (S2)  H = S + α E[u c cᵀ],  Λ = H⁻¹/N                (S5)  b_g² = jᵀ QᵀR C_g R Q j + Σ_h q̂_h tr(C_g R C_h R)/N
    (S3)  Γ = H⁻¹ (D + S Σ_h q̂_h T_h S) H⁻¹/N                  q̂_g = α E[1_g r² f²]

with R = (λ + Σ V̂_g C_g)⁻¹ and S = (QᵀRQ)⁻¹. Λ and Γ are of order 1/N. D = α E[f² c cᵀ] − Σ_k j_k j_kᵀ/α_k: of
each source k of examples, of which there may be one alone, α_k N are drawn, and j_k is its part of j.

Of the same order is what an example outside the plane sees of it. The student's Hessian is 𝓗 = R⁻¹ + Q U Qᵀ, U = α E[u
c cᵀ], the forces on it have the covariance 𝓝 = Σ_h q̂_h C_h + Q D Qᵀ, and an example's field outside the plane moves by
tr(C_g 𝓗⁻¹)/N and fluctuates by tr(C_g 𝓗⁻¹ 𝓝 𝓗⁻¹)/N. With T_g = QᵀR C_g R Q, W_gh = (C_g R Q)ᵀ R (C_h R Q) and
M = S − S H⁻¹ S, so that 𝓗⁻¹ = R − R Q M QᵀR, these are (S4) and (S5) and::

    (S6)  V_g  += −tr(M T_g)/N
    (S7)  b_g² += tr(S H⁻¹ D H⁻¹ S T_g)/N + Σ_h q̂_h [tr(M T_g M T_h) − 2 tr(M W_gh)]/N

The squared norm has the same terms, with the unit matrix in place of C_g; others of that order, of V̂'s fluctuation, are
left out of it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._real_data.structured.bulk import Bulk, Response
from replica_theory._real_data.structured.examples import Examples, Student
from replica_theory.losses.force_moments import ForceMoments, Moments

_LEAST_VARIANCE = 1e-300
_NARROWEST = 1e-6  # least deviation and scale of a field, relative: an example of zeros has none, and moves nothing


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Unknowns of the equations.

    Attributes:
        plane: a, (k,).
        deviation: b_g > 0, (groups,).
        scale: V_g > 0, (groups,).
        plane_leverage: Λ, (k, k).
        plane_covariance: Γ, (k, k).
    """

    plane: np.ndarray
    deviation: np.ndarray
    scale: np.ndarray
    plane_leverage: np.ndarray
    plane_covariance: np.ndarray

    def vector(self) -> np.ndarray:
        """(a, ln b, ln V, Λ, Γ) in one vector."""
        low = np.tril_indices(len(self.plane))
        matrices = self.plane_leverage[low], self.plane_covariance[low]
        return np.concatenate([self.plane, np.log(self.deviation), np.log(self.scale), *matrices])

    @classmethod
    def of_vector(cls, vector: np.ndarray, k: int, groups: int) -> "OrderParameters":
        """The inverse of ``vector``."""
        plane, deviation, scale, rest = np.split(vector, [k, k + groups, k + 2 * groups])
        matrices = [_symmetric(part, k) for part in np.split(rest, 2)]
        return cls(plane, np.exp(deviation), np.exp(scale), *matrices)

    @property
    def student(self) -> Student:
        """Fields of the students."""
        return Student(self.plane, self.plane_covariance, self.deviation, np.zeros_like(self.deviation))


def _symmetric(lower: np.ndarray, k: int) -> np.ndarray:
    matrix, low = np.zeros((k, k)), np.tril_indices(k)
    matrix[low] = lower
    matrix.T[low] = lower
    return matrix


@dataclass(frozen=True, eq=False)
class Fields:
    """Law of the cavity fields of examples: mean and deviation of ω, scale S of the proximal step, (n,) each."""

    mean: np.ndarray
    deviation: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, eq=False)
class Fluctuations:
    """Terms of order 1/N, times N: (S2), (S3), (S6) and (S7).

    Attributes:
        response: Of the bulk.
        stiffness: S, with nothing against a change of the intercept, (k, k).
        hessian: H, (k, k).
        drawn: D, (k, k).
        square: q̂_g, (groups,).
    """

    response: Response
    stiffness: np.ndarray
    hessian: np.ndarray
    drawn: np.ndarray
    square: np.ndarray

    @cached_property
    def inverse(self) -> np.ndarray:
        """H⁻¹."""
        return np.linalg.inv(self.hessian)

    @property
    def covariance(self) -> np.ndarray:
        """N Γ."""
        outside = self._moved @ np.tensordot(self.square, self.response.drift, 1) @ self._moved.T
        return self.inverse @ self.drawn @ self.inverse + outside

    @property
    def leverage(self) -> np.ndarray:
        """Of an example outside the plane, N (S6), (groups,)."""
        return -np.einsum("ij,gji->g", self._taken, self.response.drift)

    @property
    def variance(self) -> np.ndarray:
        """Of its field, N (S7), (groups,)."""
        drift, taken = self.response.drift, self._taken
        turned = taken @ drift  # M T_g
        plane = np.einsum("ij,gji->g", self._moved.T @ self.drawn @ self._moved, drift)
        both = np.einsum("gij,hji->gh", turned, turned) - 2 * np.einsum("ij,ghji->gh", taken, self.response.twist)
        return plane + both @ self.square

    @property
    def square_norm(self) -> float:
        """Of the student, N times what is added to it."""
        response, taken = self.response, self._taken
        plane = np.einsum("ij,ji->", self._moved.T @ self.drawn @ self._moved, response.plane_norm)
        twice = np.einsum("gij,ji->g", taken @ response.drift @ taken, response.plane_norm)
        return float(plane + (twice - 2 * np.einsum("ij,gji->g", taken, response.norm_twist)) @ self.square)

    @property
    def _moved(self) -> np.ndarray:
        """H⁻¹ S, (k, directions of the plane)."""
        return (self.inverse @ self.stiffness)[:, : self.response.stiffness.shape[0]]

    @property
    def _taken(self) -> np.ndarray:
        """M, over directions of the plane."""
        k = self.response.stiffness.shape[0]
        return (self.stiffness - self.stiffness @ self.inverse @ self.stiffness)[:k, :k]


@dataclass(frozen=True, eq=False)
class Equations:
    """The equations of one training problem.

    Attributes:
        examples: What is kept.
        bulk: What is outside the plane.
        alpha: α.
        ridge: λ.
        normalisation: N.
        finite: Whether terms of order 1/N are kept.
        intercept: Whether the last coordinate has no penalty.
    """

    examples: Examples
    bulk: Bulk
    alpha: float
    ridge: float
    normalisation: float
    finite: bool
    intercept: bool

    def fields(self, at: OrderParameters) -> Fields:
        """Cavity fields of the examples."""
        examples = self.examples
        variance = examples.square_radius * (at.deviation**2)[examples.group]
        scale = examples.square_radius * at.scale[examples.group]
        if self.finite:
            variance = variance + np.maximum(examples.quadratic(at.plane_covariance), 0.0)
            scale = scale + np.maximum(examples.quadratic(at.plane_leverage), 0.0)
        share = examples.share
        variance = np.maximum(variance, _NARROWEST**2 * (share @ variance))
        scale = np.maximum(scale, _NARROWEST * (share @ scale))
        return Fields(examples.coordinates @ at.plane, np.sqrt(variance), scale * examples.weight)

    def forces(self, moments: Moments, at: OrderParameters) -> ForceMoments:
        """E f, E f², E u of weighted losses, (n,) each."""
        fields = self.fields(at)
        return moments(fields.mean, fields.deviation, fields.scale).weighted(self.examples.weight)

    def step(self, moments: Moments, at: OrderParameters) -> OrderParameters:
        """The next order parameters: Newton's step of (S1), the others as they stand."""
        examples, alpha, N = self.examples, self.alpha, self.normalisation
        forces = self.forces(moments, at)
        response = self.response(forces)
        stiffness = self._padded(response.stiffness)
        pull = alpha * self._mean(forces.force)
        hessian = stiffness + alpha * self._second(forces.slope)
        plane = at.plane - np.linalg.solve(hessian, stiffness @ at.plane - pull)
        force = (stiffness @ plane)[: len(response.stiffness)]
        square = alpha * self._by_group(examples.square_radius * forces.square)
        variance = np.einsum("i,gij,j->g", force, response.drift, force) + response.spread @ square
        scale, leverage = response.leverage, np.zeros_like(hessian)
        covariance = leverage
        if self.finite:
            more = self._fluctuations(forces, response)
            leverage, covariance = more.inverse / N, more.covariance / N
            scale, variance = scale + more.leverage / N, variance + more.variance / N
        deviation = np.sqrt(np.maximum(variance, _LEAST_VARIANCE))
        return OrderParameters(plane, deviation, scale, leverage, covariance)

    def _fluctuations(self, forces: ForceMoments, response: Response) -> Fluctuations:
        """Terms of order 1/N at these forces."""
        examples, alpha, stiffness = self.examples, self.alpha, self._padded(response.stiffness)
        return Fluctuations(
            response=response,
            stiffness=stiffness,
            hessian=stiffness + alpha * self._second(forces.slope),
            drawn=alpha * (self._second(forces.square) - self._fixed(forces.force)),
            square=alpha * self._by_group(examples.square_radius * forces.square),
        )

    def response(self, forces: ForceMoments) -> Response:
        """Response of the bulk at V̂."""
        curvature = self.alpha * self._by_group(self.examples.square_radius * forces.slope)
        return self.bulk.response(curvature, self.ridge)

    def square_norm(self, moments: Moments, at: OrderParameters) -> float:
        """E ‖w‖², without the intercept."""
        forces = self.forces(moments, at)
        response = self.response(forces)
        k = len(response.stiffness)
        force = response.stiffness @ at.plane[:k]
        square = self.alpha * self._by_group(self.examples.square_radius * forces.square)
        more = self._fluctuations(forces, response).square_norm / self.normalisation if self.finite else 0.0
        return float(force @ response.plane_norm @ force + response.norm @ square + more)

    def variance_spread(self, moments: Moments, at: OrderParameters) -> np.ndarray:
        """Relative variance of b_g² between training sets, of order 1/N, (groups,): that of a Gaussian vector's square.

        Of b² the part that forces outside the plane bring about, and as if their squares did not fluctuate.
        """
        forces = self.forces(moments, at)
        square = self.alpha * self._by_group(self.examples.square_radius * forces.square)
        curvature = self.alpha * self._by_group(self.examples.square_radius * forces.slope)
        random = self.bulk.response(curvature, self.ridge).spread @ square / at.deviation**2
        return 2 * self.bulk.concentration(curvature, self.ridge, square) * random**2

    def first_guess(self) -> OrderParameters:
        """No field in the plane, and a bulk that is stiff by a tenth of the data."""
        k, variances = self.examples.coordinates.shape[1], self.bulk.variances
        scale = np.maximum(variances / (self.ridge + 0.1 * self.alpha * variances.mean()), 1e-12)
        deviation, zero = np.minimum(np.sqrt(self.alpha) * scale, 0.1), np.zeros((k, k))
        return OrderParameters(np.zeros(k), deviation, np.minimum(scale, 50.0), zero, zero)

    def _padded(self, stiffness: np.ndarray) -> np.ndarray:
        """S with nothing against a change of the intercept."""
        return np.pad(stiffness, (0, int(self.intercept)))

    def _mean(self, values: np.ndarray) -> np.ndarray:
        """E[y c x], (k,)."""
        return self.examples.coordinates.T @ (self.examples.share * values)

    def _second(self, values: np.ndarray) -> np.ndarray:
        """E[c cᵀ x], (k, k), of x ≥ 0."""
        scaled = self.examples.coordinates * np.sqrt(self.examples.share * values)[:, None]
        return scaled.T @ scaled

    def _fixed(self, values: np.ndarray) -> np.ndarray:
        """Σ_k E[1_k c x] E[1_k c x]ᵀ/E[1_k] over sources k, (k, k): what fixed numbers of them take off a variance."""
        examples = self.examples
        counts = np.bincount(examples.source, examples.share)
        columns = (examples.share * values)[:, None] * examples.coordinates
        parts = np.stack([np.bincount(examples.source, column, counts.size) for column in columns.T])
        return (parts / counts) @ parts.T

    def _by_group(self, values: np.ndarray) -> np.ndarray:
        """E[1_g x], (groups,)."""
        return np.bincount(self.examples.group, self.examples.share * values, self.bulk.groups)
