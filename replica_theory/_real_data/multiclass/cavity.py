"""One sweep of the leave-one-out equations of softmax students on random subsets of given rows.

Fields of a row left out are N(m, C) in R^C, its leverage V is C × C; with f, u averaged over the field, φ the chance
of the row to be in the training set, Λ the penalty (λN, 0 for an intercept), G = I + φ ũ V::

    (M1)  ũ = u (I − φ V u)⁻¹,   A = I ⊗ Λ + Σ φ ũ ⊗ g gᵀ            (M2)  a ← a − A⁻¹ (Λ a − Σ φ E f gᵀ)
    (M3)  τ = (I ⊗ g)ᵀ A⁻¹ (I ⊗ g),   V = τ (I − φ ũ τ)⁻¹              (M4)  m = a g − φ V E f
    (M5)  ν = φ G [E f fᵀ − φ E f E fᵀ − φ u C u] Gᵀ
    (M6)  Γ = A⁻¹ [Σ ν ⊗ g gᵀ − κ κᵀ/Σ φ(1 − φ)] A⁻¹,   κ = Σ φ (1 − φ) G E f ⊗ g
    (M7)  C = Gᵀ [(I ⊗ g)ᵀ Γ (I ⊗ g) − τ ν τ] G
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._real_data.multiclass.products import PairProducts
from replica_theory._real_data.multiclass.softmax import SoftmaxForces, symmetric


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
        covariance = self._covariance(resolvent, spread, (gain @ force[..., None])[..., 0])
        drawn = self.products.quadratic(covariance)
        if self.finite:
            drawn = drawn - own @ spread @ own
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

    def _covariance(self, resolvent: np.ndarray, spread: np.ndarray, pushed: np.ndarray) -> np.ndarray:
        """Γ, with the fluctuation that a fixed number of rows takes away."""
        noise = self.products.gram(spread)
        drawn = self.count * (1 - self.count) if self.finite else self.count
        if (variance := drawn.sum()) > 0:
            more = ((drawn[:, None] * pushed).T @ self.products.rows).ravel()
            noise -= np.outer(more, more) / variance
        return resolvent @ noise @ resolvent
