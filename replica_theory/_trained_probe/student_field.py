"""Averages over kept examples at a student's cavity field.

Given an earlier learners' node (see `KeptFields`), the student's field before an example's own pull is

    ω = A s + r·f + c·G + b g,        g ~ N(0, 1)

so that A s + b g is Gaussian there: with μ, σ the mean and spread of s, and ξ, ν independent standard normals,

    ω = A μ + r·f + c·G + S ξ,                 S² = A²σ² + b²
    s = μ + (A σ²/S) ξ + (σ b/S) ν,            g = (b/S) ξ − (A σ/S) ν

The label's factor has closed moments in ν; what is left is a sum over ξ, in panels between the corners of the
proximal operator and around the boundary s = 0 where the student sees it sharply.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._trained_probe.kept_fields import KeptFields, label_moments
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory.losses.base import Loss

_REACH = 8.5  # |ξ| beyond which φ(ξ) < 1e-16
_GRID = np.array([-8.5, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.5])  # panel ends in ξ
_STEPS = np.array([-7.0, -4.5, -2.0, 0.0, 2.0, 4.5, 7.0])  # panel ends around s = 0, in widths of the label's step
_SMOOTH = 1.5  # width in ξ of the label's step from which the grid resolves it
COARSE = 2.0  # width of a panel, in standard deviations, that resolves any smooth function of a Gaussian
_NOTHING = 1e-18  # weight of a node times φ(ξ) that is left out


@dataclass(frozen=True)
class StudentField:
    """Kept examples by node and ξ, and averages over the pool of functions of ω.

    The features are φ = (s, f_1.., G_1.., g), K = 2 + 2J of them.

    Attributes:
        omega: ω, (cells,).
        loss_weight: By which the loss is multiplied, (cells,).
        starts: First cell of each node, (n,).
        parts: (6, cells), weight · (n₀, ξ n₀, ξ² n₀, n₁, ξ n₁, n₂) with n_k = E[ν^k · label's factor].
        at: (K, n), φ at ξ = ν = 0.
        by_xi: (K, n), ∂φ/∂ξ.
        by_nu: (K, n), ∂φ/∂ν.
        kept: E[k φ_i²] of (s, f_1.., G_1..), (K − 1,).
    """

    omega: np.ndarray
    loss_weight: np.ndarray
    starts: np.ndarray
    parts: np.ndarray
    at: np.ndarray
    by_xi: np.ndarray
    by_nu: np.ndarray
    kept: np.ndarray

    def mean(self, values: np.ndarray) -> float:
        """E[k · values]."""
        return float(self.parts[0] @ values)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[k · values · φ], (K,)."""
        constant, xi, nu = self._by_node(values, (0, 1, 3))
        return self.at @ constant + self.by_xi @ xi + self.by_nu @ nu

    def second(self, values: np.ndarray) -> np.ndarray:
        """E[k · values · φ φᵀ], (K, K)."""
        constant, xi, xixi, nu, xinu, nunu = self._by_node(values, range(6))
        half = (0.5 * constant * self.at + xi * self.by_xi + nu * self.by_nu) @ self.at.T
        half += (0.5 * xixi * self.by_xi + xinu * self.by_nu) @ self.by_xi.T
        half += 0.5 * (nunu * self.by_nu) @ self.by_nu.T
        return half + half.T

    def _by_node(self, values: np.ndarray, parts) -> list[np.ndarray]:
        return [np.add.reduceat(self.parts[part] * values, self.starts) for part in parts]


def student_field(
    fields: KeptFields,
    student: OrderParameters,
    loss: Loss,
    *,
    label_noise: float,
    order: int,
    coarse: float = COARSE,
) -> StudentField:
    """Cells of a student of this loss, in panels of ``order`` nodes in ξ; see `sharp_breakpoints` for ``coarse``."""
    A, b, sigma = student.along[0], student.outside, fields.spread
    S = np.hypot(A * sigma, b)
    centre = A * fields.mean + student.along[1:] @ fields.margins + student.reaction @ fields.forces
    marks = sharp_breakpoints(loss, student.scale * fields.loss_weight, float(np.median(S)), coarse)
    ends = _panel_ends(fields, student, (marks - centre[:, None]) / S[:, None], S)
    nodes = composite_rule(ends, order)
    xi, row = nodes.points, nodes.row
    argument = (fields.mean * S / (sigma * b))[row] + (A * sigma / b)[row] * xi
    n0, n1, n2 = label_moments(argument, label_noise) * (nodes.weights * normal_density(xi) * fields.weight[row])
    x0 = xi * n0
    K, J, n = 2 + 2 * len(fields.margins), len(fields.margins), sigma.size
    at, by_xi, by_nu = np.zeros((3, K, n))
    at[0], by_xi[0], by_nu[0] = fields.mean, A * sigma**2 / S, sigma * b / S
    at[1 : 1 + J], at[1 + J : -1] = fields.margins, fields.forces
    by_xi[-1], by_nu[-1] = b / S, -A * sigma / S
    return StudentField(
        omega=centre[row] + S[row] * xi,
        loss_weight=fields.loss_weight[row],
        starts=nodes.starts,
        parts=np.stack([n0, x0, xi * x0, n1, xi * n1, n2]),
        at=at,
        by_xi=by_xi,
        by_nu=by_nu,
        kept=fields.squares(label_noise),
    )


def sharp_breakpoints(loss: Loss, scale: np.ndarray | float, unit: float, coarse: float = COARSE) -> np.ndarray:
    """ω between which prox_{Vℓ} is smooth; of a smooth loss only those with a neighbour nearer than coarse · unit."""
    marks = loss.marks(scale)
    if not loss.is_smooth:
        return marks
    gaps = np.diff(marks, axis=-1, prepend=-np.inf, append=np.inf)
    near = np.minimum(gaps[..., 1:], gaps[..., :-1]) < coarse * unit
    return marks[..., near.reshape(-1, near.shape[-1]).any(0)]


def _panel_ends(fields: KeptFields, student: OrderParameters, kinks: np.ndarray, S: np.ndarray) -> np.ndarray:
    A, sigma = abs(student.along[0]), fields.spread
    features = None
    with np.errstate(divide="ignore"):
        width = student.outside / (A * sigma)
        if width.min() < _SMOOTH:
            centre = -fields.mean * S / (student.along[0] * sigma**2)
            features = centre[:, None], np.where(width < _SMOOTH, width, np.nan)[:, None]
    reach = np.minimum(np.sqrt(2 * np.log(np.maximum(fields.weight / _NOTHING, 2.0))), _REACH)
    return breakpoints(-reach, reach, grid=_GRID, features=features, kinks=kinks, steps=_STEPS)
