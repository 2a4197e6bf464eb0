"""One sweep of the leave-one-out equations of softmax students on random subsets of given rows.

Fields of a row left out are N(m, C) in R^C, its leverage V is C × C; with f, u averaged over the field, φ the chance
of the row to be in the training set, Λ the penalty (λN, 0 for an intercept), G = I + φ ũ V::

    (M1)  ũ = u (I − φ V u)⁻¹,   A = I ⊗ Λ + Σ φ ũ ⊗ g gᵀ            (M2)  a ← a − A⁻¹ (Λ a − Σ φ E f gᵀ)
    (M3)  τ = (I ⊗ g)ᵀ A⁻¹ (I ⊗ g),   V = τ (I − φ ũ τ)⁻¹              (M4)  m = a g − φ V E f
    (M5)  ν = φ G [E f fᵀ − φ E f E fᵀ − φ u C u] Gᵀ
    (M6)  Γ = A⁻¹ [Σ ν ⊗ g gᵀ − κ κᵀ/Σ φ(1 − φ)] A⁻¹,   κ = Σ φ (1 − φ) G E f ⊗ g
    (M7)  C = Gᵀ [(I ⊗ g)ᵀ Γ₋ (I ⊗ g)] G

Γ₋ is Γ of the other rows: the row's own terms are left out of both sums and of κ. A row that is the only one of its
class makes up most of κ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._real_data.multiclass.products import PairProducts
from replica_theory._real_data.multiclass.softmax import SoftmaxForces, SoftmaxMoments, gaussian_points, symmetric

_ROUNDING = 1e-12  # of a variance of numbers of rows


@dataclass(frozen=True, eq=False)
class MulticlassCavity:
    """Unknowns of the equations.

    Attributes:
        students: a = E W, (C, D).
        mean: m, (n, C).
        covariance: C, (n, C, C).
        leverage: V, (n, C, C).
    """

    students: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    leverage: np.ndarray

    def vector(self, units: Sequence[float]) -> np.ndarray:
        """(a, m, C, V) in one vector, each in a unit of its own."""
        return np.concatenate([block.ravel() / unit for block, unit in zip(self._blocks, units, strict=True)])

    def of_vector(self, vector: np.ndarray, units: Sequence[float]) -> "MulticlassCavity":
        """The inverse of ``vector``, for as many rows and classes."""
        ends = np.cumsum([block.size for block in self._blocks])[:-1]
        students, mean, covariance, leverage = (
            part * unit for part, unit in zip(np.split(vector, ends), units, strict=True)
        )
        matrices = (self._whole(packed) for packed in (covariance, leverage))
        return MulticlassCavity(students.reshape(self.students.shape), mean.reshape(self.mean.shape), *matrices)

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, ...]:
        c, e = self._pairs
        return self.students, self.mean, self.covariance[:, c, e], self.leverage[:, c, e]

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(len(self.students))

    def _whole(self, packed: np.ndarray) -> np.ndarray:
        """Symmetric matrices, (n, C, C), from their upper triangles."""
        (c, e), matrices = self._pairs, np.empty_like(self.leverage)
        matrices[:, c, e] = matrices[:, e, c] = packed.reshape(len(matrices), -1)
        return matrices


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the equations give from unknowns.

    Attributes:
        cavity: The next unknowns.
        resolvent: A⁻¹, (C D, C D).
        covariance: Γ, (C D, C D).
        effective_parameters: P_eff = Σ φ tr ũ τ.
    """

    cavity: MulticlassCavity
    resolvent: np.ndarray
    covariance: np.ndarray
    effective_parameters: float


@dataclass(frozen=True, eq=False)
class MulticlassEquations:
    """The equations of one training problem.

    Attributes:
        products: Rows that may be in the training set.
        target: e_y, (n, C).
        count: φ, mean number of times that a row is in the training set, (n,).
        finite: Whether rows are drawn without replacement from these.
        penalty: Λ, (D,), 0 for an intercept.
    """

    products: PairProducts
    target: np.ndarray
    count: np.ndarray
    finite: bool
    penalty: np.ndarray

    def moments(self, points: int) -> SoftmaxMoments:
        """Averages over the rows' fields by so many points each."""
        n, classes = self.target.shape
        return SoftmaxMoments(self.target, gaussian_points(points, n, classes))

    def sweep(self, forces: SoftmaxForces, at: MulticlassCavity) -> Sweep:
        """The next unknowns."""
        rows, identity = self.products.rows, np.eye(self.target.shape[1])
        count, chance = self.count[:, None, None], (self.count if self.finite else 0 * self.count)[:, None, None]
        force, square, slope = forces
        stiff = symmetric(slope @ np.linalg.inv(identity - chance * at.leverage @ slope))
        resolvent = self._resolvent(count * stiff)
        pull = (self.count[:, None] * force).T @ rows
        step = resolvent @ (self.penalty * at.students - pull).ravel()
        students = at.students - step.reshape(at.students.shape)
        own = self.products.quadratic(resolvent)
        leverage = symmetric(own @ np.linalg.inv(identity - chance * stiff @ own))
        gain = identity + chance * stiff @ leverage
        free = square - chance * (force[:, :, None] * force[:, None, :] + slope @ at.covariance @ slope)
        spread = symmetric(count * gain @ free @ gain.swapaxes(1, 2))
        pushed = (gain @ force[..., None])[..., 0]
        covariance = self._covariance(resolvent, spread, pushed)
        drawn = self.products.quadratic(covariance)
        if self.finite:
            drawn = drawn - own @ spread @ own + self._own_share(resolvent, own, pushed)
        fields = symmetric(gain.swapaxes(1, 2) @ drawn @ gain)
        miss = at.mean + (chance * leverage @ force[..., None])[..., 0] - rows @ students.T
        mean = at.mean - np.linalg.solve(identity - chance * leverage @ slope, miss[..., None])[..., 0]
        effective = float(np.einsum("i,iab,iba->", self.count, stiff, own, optimize=True))
        return Sweep(MulticlassCavity(students, mean, fields, leverage), resolvent, covariance, effective)

    def _resolvent(self, stiffness: np.ndarray) -> np.ndarray:
        from scipy.linalg import cho_factor, cho_solve

        C, D = self.target.shape[1], len(self.penalty)
        hessian = self.products.gram(stiffness)
        hessian[np.diag_indices_from(hessian)] += np.tile(self.penalty, C)
        if (free := np.flatnonzero(self.penalty == 0)).size:  # an equal shift of all intercepts changes no chance
            at = (free[:, None] + D * np.arange(C)).ravel()
            hessian[np.ix_(at, at)] += self.count.sum() / C
        return symmetric(cho_solve(cho_factor(hessian, lower=True, check_finite=False), np.eye(len(hessian))))

    @property
    def _drawn(self) -> np.ndarray:
        """Variance of how often a row is in the training set, φ (1 − φ), or φ in an infinite population, (n,)."""
        return self.count * (1 - self.count) if self.finite else self.count

    def _all_pushed(self, pushed: np.ndarray) -> np.ndarray:
        """κ, (C D,)."""
        return ((self._drawn[:, None] * pushed).T @ self.products.rows).ravel()

    def _covariance(self, resolvent: np.ndarray, spread: np.ndarray, pushed: np.ndarray) -> np.ndarray:
        """Γ, with the fluctuation that a fixed number of rows takes away."""
        noise = self.products.gram(spread)
        if (variance := self._drawn.sum()) > 0:
            more = self._all_pushed(pushed)
            noise -= np.outer(more, more) / variance
        return resolvent @ noise @ resolvent

    def _own_share(self, resolvent: np.ndarray, own: np.ndarray, pushed: np.ndarray) -> np.ndarray:
        """What a fixed number of rows takes away from a field, less what that of the other rows does, (n, C, C)."""
        drawn = self._drawn
        if not (variance := drawn.sum()) > 0:
            return np.zeros_like(own)
        moved = self.products.rows @ (resolvent @ self._all_pushed(pushed)).reshape(own.shape[1], -1).T
        others = moved - drawn[:, None] * (own @ pushed[..., None])[..., 0]
        left = variance - drawn
        left[left <= _ROUNDING * variance] = np.inf  # one row alone is drawn or not, and no other
        whole, without = (at[:, :, None] * at[:, None, :] for at in (moved, others))
        return whole / variance - without / left[:, None, None]
