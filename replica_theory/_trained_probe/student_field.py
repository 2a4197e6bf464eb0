"""Averages over kept examples at a student's cavity field.

Given an earlier learners' node (see `KeptFields`), the student's field before an example's own pull is

    ω = A s + r·f + c·G + b g,        g ~ N(0, 1)

so that A s + b g is Gaussian there: with μ, σ the mean and spread of s, and ξ, ν independent standard normals,

    ω = A μ + r·f + c·G + S ξ,                 S² = A²σ² + b²
    s = μ + (A σ²/S) ξ + (σ b/S) ν,            g = (b/S) ξ − (A σ/S) ν

The label's factor has closed moments in ν; what is left is a sum over ξ, in panels between the corners of the
proximal operator and around the boundary s = 0 where the student sees it sharply.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._trained_probe.kept_fields import KeptFields, label_moments
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory.losses.base import Loss

_REACH = 8.5  # |ξ| beyond which φ(ξ) < 1e-16
_GRID = np.array([-8.5, -5.0, -2.5, 0.0, 2.5, 5.0, 8.5])  # panel ends in ξ
_STEPS = np.array([-7.0, -4.5, -2.0, 0.0, 2.0, 4.5, 7.0])  # panel ends around s = 0, in widths of the label's step
_SMOOTH = 1.5  # width in ξ of the label's step from which the grid resolves it
_COARSE = 2.0  # width of a panel, in standard deviations, that resolves any smooth function of a Gaussian
_NOTHING = 1e-18  # weight of a node times φ(ξ) that is left out


@dataclass(frozen=True)
class StudentField:
    """Kept examples by node and ξ, and averages over the pool of functions of ω.

    The features are φ = (s, f_1.., G_1.., g), K = 2 + 2J of them.

    Attributes:
        omega: ω, (cells,).
        trained: f_w = prox_{Vℓ}(ω), (cells,).
        slope: ∂f_w/∂ω, (cells,).
        scale: V.
        loss_weight: By which the loss is multiplied, (cells,) or a number.
        starts: First cell of each node, (n,).
        parts: (6, cells), weight · (n₀, ξ n₀, ξ² n₀, n₁, ξ n₁, n₂) with n_k = E[ν^k · label's factor].
        at: (K, n), φ at ξ = ν = 0.
        by_xi: (K, n), ∂φ/∂ξ.
        by_nu: (K, n), ∂φ/∂ν.
        central_force: G_w at ξ = 0, (n,).
        kept: Scale E[k φ_i²] of (s, f_1.., G_1..), (K − 1,).
    """

    omega: np.ndarray
    trained: np.ndarray
    slope: np.ndarray
    scale: float
    loss_weight: np.ndarray | float
    starts: np.ndarray
    parts: np.ndarray
    at: np.ndarray
    by_xi: np.ndarray
    by_nu: np.ndarray
    central_force: np.ndarray
    kept: np.ndarray

    @cached_property
    def force(self) -> np.ndarray:
        """G_w = (f_w − ω)/V, (cells,)."""
        return (self.trained - self.omega) / self.scale

    @cached_property
    def stiffness(self) -> np.ndarray:
        """D = −∂G_w/∂ω = ℓ''/(1 + V ℓ''), (cells,)."""
        return (1 - self.slope) / self.scale

    def mean(self, values: np.ndarray) -> float:
        """E[k · values]."""
        return float(self.parts[0] @ values)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[k · values · φ], (K,)."""
        constant, xi, nu = self._by_node(values, (0, 1, 3))
        return self.at @ constant + self.by_xi @ xi + self.by_nu @ nu

    def force_along_g(self) -> float:
        """E[k g G_w] = E[k g (G_w − G_w(ξ = 0))], as E[g] = 0 at each node: it does not cancel where S is small."""
        deviation = self.force - np.repeat(self.central_force, np.diff(np.append(self.starts, self.omega.size)))
        xi, nu = self._by_node(deviation, (1, 3))
        return float(self.by_xi[-1] @ xi + self.by_nu[-1] @ nu)

    def second(self, values: np.ndarray) -> np.ndarray:
        """E[k · values · φ φᵀ], (K, K)."""
        constant, xi, xixi, nu, xinu, nunu = self._by_node(values, range(6))
        half = (0.5 * constant * self.at + xi * self.by_xi + nu * self.by_nu) @ self.at.T
        half += (0.5 * xixi * self.by_xi + xinu * self.by_nu) @ self.by_xi.T
        half += 0.5 * (nunu * self.by_nu) @ self.by_nu.T
        return half + half.T

    def _by_node(self, values: np.ndarray, parts: Iterable[int]) -> list[np.ndarray]:
        """Σ part · values over the cells of each node, (n,) for each part."""
        return [np.add.reduceat(self.parts[part] * values, self.starts) for part in parts]


def student_field(
    fields: KeptFields,
    student: OrderParameters,
    loss: Loss,
    *,
    label_noise: float,
    order: int,
    with_errors: bool = False,
) -> StudentField:
    """Cells of a student of this loss, in panels of ``order`` nodes in ξ; one ends at f_w = 0 if ``with_errors``."""
    A, b, sigma = student.along[0], student.outside, fields.spread
    S = np.hypot(A * sigma, b)
    centre = A * fields.mean + student.along[1:] @ fields.margins + student.reaction @ fields.forces
    scale = student.scale * fields.loss_weight
    breaks = _breakpoints(loss, scale, float(S.mean()), with_errors)
    nodes = composite_rule(_panel_ends(fields, student, (breaks - centre[:, None]) / S[:, None], S), order)
    xi, row = nodes.points, nodes.row
    argument = (A * sigma / b)[row] * xi  # s > 0 where ν > −argument
    argument += (fields.mean * S / (sigma * b))[row]
    moments = label_moments(argument, label_noise) * (nodes.weights * normal_density(xi) * fields.weight[row])
    loss_weight = fields.loss_weight[row] if isinstance(fields.loss_weight, np.ndarray) else fields.loss_weight
    omega = centre[row] + S[row] * xi
    trained, slope = loss.proximal_and_slope(omega, student.scale * loss_weight)
    at, by_xi, by_nu = _features(fields, student, S)
    return StudentField(
        omega=omega,
        trained=trained,
        slope=slope,
        scale=student.scale,
        loss_weight=loss_weight,
        starts=nodes.starts,
        parts=_parts(xi, moments),
        at=at,
        by_xi=by_xi,
        by_nu=by_nu,
        central_force=(loss.proximal(centre, scale) - centre) / student.scale,
        kept=fields.squares(label_noise),
    )


def _features(fields: KeptFields, student: OrderParameters, S: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """φ = (s, f, G, g) at ξ = ν = 0, ∂φ/∂ξ and ∂φ/∂ν, (K, n) each."""
    A, b, sigma, J = student.along[0], student.outside, fields.spread, len(fields.margins)
    at, by_xi, by_nu = np.zeros((3, 2 + 2 * J, sigma.size))
    at[0], by_xi[0], by_nu[0] = fields.mean, A * sigma**2 / S, sigma * b / S
    at[1 : 1 + J], at[1 + J : -1] = fields.margins, fields.forces
    by_xi[-1], by_nu[-1] = b / S, -A * sigma / S
    return at, by_xi, by_nu


def _parts(xi: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(n₀, ξ n₀, ξ² n₀, n₁, ξ n₁, n₂) from the moments n₀, n₁ and n₂."""
    parts = np.empty((6, xi.size))
    parts[0], parts[3], parts[5] = moments
    np.multiply(parts[0], xi, out=parts[1])
    np.multiply(parts[1], xi, out=parts[2])
    np.multiply(parts[3], xi, out=parts[4])
    return parts


def _breakpoints(loss: Loss, scale: np.ndarray | float, unit: float, with_errors: bool) -> np.ndarray:
    """ω between which prox_{Vℓ} is smooth, and that at which it vanishes if it is asked for."""
    breaks = sharp_breakpoints(loss, scale, unit)
    if not with_errors:
        return breaks
    at_zero = loss.breakpoints.slopes[loss.breakpoints.fields == 0]
    return np.concatenate([breaks, np.asarray(scale)[..., None] * at_zero], axis=-1)


def sharp_breakpoints(loss: Loss, scale: np.ndarray | float, unit: float) -> np.ndarray:
    """ω between which prox_{Vℓ} is smooth; of a smooth loss only those with a neighbour within 2 ``unit``."""
    breaks = loss.breakpoints.of_proximal(scale)
    if loss.breakpoints.corners:
        return breaks
    close = breaks[..., 1:] - breaks[..., :-1] < _COARSE * unit
    close = close.reshape(-1, close.shape[-1]).any(0)
    return breaks[..., np.append(close, False) | np.append(False, close)]


def _panel_ends(fields: KeptFields, student: OrderParameters, kinks: np.ndarray, S: np.ndarray) -> np.ndarray:
    """Panel ends in ξ of each node: kinks, and steps around s = 0, at ξ = −μ S/(A σ²) and of width b/(A σ)."""
    A, sigma = abs(student.along[0]), fields.spread
    features = None
    with np.errstate(divide="ignore"):
        width = student.outside / (A * sigma)
        if width.min() < _SMOOTH:
            centre = -fields.mean * S / (student.along[0] * sigma**2)
            features = centre[:, None], np.where(width < _SMOOTH, width, np.nan)[:, None]
    reach = np.minimum(np.sqrt(2 * np.log(np.maximum(fields.weight / _NOTHING, 2.0))), _REACH)
    return breakpoints(-reach, reach, grid=_GRID, features=features, kinks=kinks, steps=_STEPS)
