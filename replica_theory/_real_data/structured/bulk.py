"""The student's response outside the plane: what the resolvent R = (λ + Σ_g V̂_g C_g)⁻¹ says of fields.

Inputs are x = Q c + e, with c in the plane and e ~ N(0, r² C_g) of an example's group g.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Response:
    """What the resolvent gives at one curvature V̂.

    Attributes:
        stiffness: S = (Qᵀ R Q)⁻¹, force on the plane's coordinates per unit of them, (k, k).
        leverage: V_g = tr(C_g R)/N, (groups,).
        spread: T_gh = tr(C_g R C_h R)/N, variance of a field of g per unit of squared force from h, (groups, groups).
        drift: Qᵀ R C_g R Q, (groups, k, k): squared field outside the plane that a force in the plane brings about.
        twist: (C_g R Q)ᵀ R (C_h R Q), (groups, groups, k, k): what the plane takes off the spread.
        plane_norm: Qᵀ R² Q, (k, k): squared norm of the student that it brings about.
        norm: tr(C_g R²)/N, (groups,): squared norm per unit of squared force from g.
        norm_twist: (R Q)ᵀ R (C_g R Q), (groups, k, k): what the plane takes off that.
    """

    stiffness: np.ndarray
    leverage: np.ndarray
    spread: np.ndarray
    drift: np.ndarray
    twist: np.ndarray
    plane_norm: np.ndarray
    norm: np.ndarray
    norm_twist: np.ndarray


class Bulk(ABC):
    """Covariances of what is outside the plane, one a group of examples."""

    groups: int

    @abstractmethod
    def response(self, curvature: np.ndarray, ridge: float) -> Response:
        """The response at V̂, (groups,), and λ > 0."""

    @abstractmethod
    def concentration(self, curvature: np.ndarray, ridge: float, square: np.ndarray) -> np.ndarray:
        """tr(Σ_g²)/tr(Σ_g)², (groups,), Σ_g = √C_g R (Σ_h q̂_h C_h) R √C_g at squared forces q̂, (groups,)."""

    @property
    @abstractmethod
    def variances(self) -> np.ndarray:
        """tr(C_g)/N, (groups,)."""


@dataclass(frozen=True, eq=False)
class CommonBulk(Bulk):
    """One covariance for all examples, in the basis where it is diagonal.

    Attributes:
        eigenvalues: Of C, (d,).
        plane: Q in that basis, (d, k).
        spectrum: Eigenvalues that the traces count, (any,): those of C, or of the whole inputs' covariance, from which
            they do not differ as N → ∞.
        normalisation: N.
    """

    eigenvalues: np.ndarray
    plane: np.ndarray
    spectrum: np.ndarray
    normalisation: float
    groups = 1

    def response(self, curvature: np.ndarray, ridge: float) -> Response:
        resolvent = 1 / (ridge + curvature[0] * self.eigenvalues)
        pulled = resolvent[:, None] * self.plane
        counted = 1 / (ridge + curvature[0] * self.spectrum)
        field, N = self.spectrum * counted, self.normalisation
        return Response(
            stiffness=np.linalg.inv(self.plane.T @ pulled),
            leverage=np.array([field.sum() / N]),
            spread=np.array([[field @ field / N]]),
            drift=(pulled.T @ (self.eigenvalues[:, None] * pulled))[None],
            twist=(pulled.T @ ((self.eigenvalues**2 * resolvent)[:, None] * pulled))[None, None],
            plane_norm=pulled.T @ pulled,
            norm=np.array([field @ counted / N]),
            norm_twist=(pulled.T @ ((self.eigenvalues * resolvent)[:, None] * pulled))[None],
        )

    def concentration(self, curvature: np.ndarray, ridge: float, square: np.ndarray) -> np.ndarray:
        squares = (self.spectrum / (ridge + curvature[0] * self.spectrum)) ** 2
        return np.array([squares @ squares / squares.sum() ** 2])

    @property
    def variances(self) -> np.ndarray:
        return np.array([self.spectrum.sum() / self.normalisation])


@dataclass(frozen=True, eq=False)
class GroupedBulk(Bulk):
    """A covariance for each group of examples.

    Attributes:
        covariances: C_g, (groups, d, d).
        plane: Q, (d, k).
        counted: Covariances in the traces, as of `CommonBulk.spectrum`, (groups, d, d).
        normalisation: N.
    """

    covariances: np.ndarray
    plane: np.ndarray
    counted: np.ndarray
    normalisation: float

    @property
    def groups(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return len(self.covariances)

    def response(self, curvature: np.ndarray, ridge: float) -> Response:
        inner = self._resolvent(self.covariances, curvature, ridge)
        pulled = inner @ self.plane
        moved = self.covariances @ pulled  # C_g R Q
        resolvent = self._resolvent(self.counted, curvature, ridge)
        fields, N = self.counted @ resolvent, self.normalisation
        return Response(
            stiffness=np.linalg.inv(self.plane.T @ pulled),
            leverage=np.trace(fields, axis1=1, axis2=2) / N,
            spread=np.einsum("gij,hji->gh", fields, fields, optimize=True) / N,
            drift=pulled.T @ moved,
            twist=np.einsum("gik,hil->ghkl", moved, inner @ moved),
            plane_norm=pulled.T @ pulled,
            norm=np.einsum("gij,ji->g", fields, resolvent) / N,
            norm_twist=pulled.T @ inner @ moved,
        )

    def concentration(self, curvature: np.ndarray, ridge: float, square: np.ndarray) -> np.ndarray:
        resolvent = self._resolvent(self.counted, curvature, ridge)
        products = self.counted @ (resolvent @ np.tensordot(square, self.counted, 1) @ resolvent)
        traces = np.trace(products, axis1=1, axis2=2)
        return np.einsum("gij,gji->g", products, products) / traces**2

    @staticmethod
    def _resolvent(covariances: np.ndarray, curvature: np.ndarray, ridge: float) -> np.ndarray:
        return np.linalg.inv(ridge * np.eye(covariances.shape[1]) + np.tensordot(curvature, covariances, 1))

    @property
    def variances(self) -> np.ndarray:
        return np.trace(self.counted, axis1=1, axis2=2) / self.normalisation


def bulk_of(covariances: list[np.ndarray], counted: list[np.ndarray], plane: np.ndarray, normalisation: float) -> Bulk:
    """The bulk of these groups' covariances, (d, d) each."""
    if len(covariances) == 1:
        eigenvalues, basis = np.linalg.eigh(covariances[0])
        spectrum = eigenvalues if counted[0] is covariances[0] else np.linalg.eigvalsh(counted[0])
        return CommonBulk(np.maximum(eigenvalues, 0.0), basis.T @ plane, np.maximum(spectrum, 0.0), normalisation)
    return GroupedBulk(np.stack(covariances), plane, np.stack(counted), normalisation)
