"""The three equations of the max-margin student, and their derivatives, as one-dimensional integrals.

A student of in-plane length p, angle ψ and margin k (`OrderParameters`) sees a kept example of label +1 at the field t
along its in-plane part and v across it. With the noise of unit variance that the rest of the student adds, the mean
squared shortfall from its margin is

    M(p, ψ, k) = E_kept Q(x),   x = k − p t,   Q(x) = E (x + g)₊²

Maximising κ² = k²/(1 + p²) subject to α M = 1 gives, with ⟨·⟩ = E_kept and the radial weight r = p x − t,

    (S1)  α M = 1
    (S2)  k p ∂M/∂k + (1 + p²) ∂M/∂p = ⟨Q'(x) r⟩ = 0
    (S3)  ∂M/∂ψ = 0,  that is  ⟨Q'(x) v⟩ = 0

In components (A, B) of p along two axes of the plane, (S2) and (S3) are k A ∂M/∂k + (1 + p²) ∂M/∂A = 0 and the same
for B. M is convex, so there is one solution.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from replica_theory._max_margin.field_moments import RARE, corners, cuts_seen, field_range, transverse_moments
from replica_theory._max_margin.order_parameters import OrderParameters, PerStudent
from replica_theory._max_margin.probe_moments import by_probe_field, probe_integrands, probe_nodes
from replica_theory._numerics.elementary import functions_of, numbers
from replica_theory._numerics.gaussian import normal_density, squared_ramp
from replica_theory._numerics.quadrature import GaussianPanels, Nodes, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_RARE_PANELS = GaussianPanels(
    grid=np.array([-12.0, -9.0, -6.5, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.5, 9.0, 12.0]), order=12
)
_PANELS = replace(_RARE_PANELS, order=10, widest=0.5)
_CHUNK = 32  # students per piece of a rule that are evaluated at once, so that their nodes stay in the cache


@dataclass(frozen=True)
class SaddlePointEquations(PerStudent):
    """(S1)–(S3) at some students, not necessarily solutions.

    Attributes:
        residual: ln α M, ⟨Q' r⟩ and −⟨Q' v⟩, the latter two relative to the size of their terms, (students, 3).
        jacobian: Derivatives of the residual by ln α, δk/k_unit, ln scale and ψ, the steps of
            `OrderParameters.stepped`, (students, 3, 4). A term of (S2) that vanishes with (S3) is left out.
        k_unit: 2M/M_k, the scale in which k is stepped, (students,).
        term_sizes: M, ⟨Q' (p|x| + |t|)⟩ and √(⟨Q'⟩⟨Q' v²⟩), by which the averages are divided, (students, 3).
    """

    residual: np.ndarray
    jacobian: np.ndarray
    k_unit: np.ndarray
    term_sizes: np.ndarray

    @property
    def largest_residual(self) -> np.ndarray:
        """Largest |residual| of the three equations, (students,)."""
        return np.abs(self.residual).max(-1)


class ShortfallAverages(NamedTuple):
    """Averages ⟨·⟩ over kept examples: of Q(x) and its derivatives times x, r = p x − t and the transverse field v.

    Each is a number for one student, or an array (students,).
    """

    q: np.ndarray  # ⟨Q⟩ = M
    dq: np.ndarray  # ⟨Q'⟩ = ∂M/∂k
    dq_x: np.ndarray  # ⟨Q' x⟩
    dq_r: np.ndarray  # ⟨Q' r⟩, which (S2) sets to 0
    dq_size: np.ndarray  # ⟨Q' (p|x| + |t|)⟩, size of the terms of ⟨Q' r⟩
    dq_v: np.ndarray  # ⟨Q' v⟩, which (S3) sets to 0
    dq_vv: np.ndarray  # ⟨Q' v²⟩
    ddq_r: np.ndarray  # ⟨Q'' r⟩
    ddq_xr: np.ndarray  # ⟨Q'' x r⟩
    ddq_vr: np.ndarray  # ⟨Q'' v r⟩
    ddq_v: np.ndarray  # ⟨Q'' v⟩
    ddq_xv: np.ndarray  # ⟨Q'' x v⟩
    ddq_vv: np.ndarray  # ⟨Q'' v²⟩


def saddle_point_equations(kept: KeptDistribution, students: OrderParameters) -> SaddlePointEquations:
    """(S1)–(S3) and their derivatives at these students; not finite where a student is far from any solution."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = max(1, _CHUNK // len(kept.pieces))
        if students.k.size <= size:
            return _equations(kept, students)
        chunks = [_equations(kept, students[i : i + size]) for i in range(0, students.k.size, size)]
    return SaddlePointEquations(*map(np.concatenate, zip(*(vars(c).values() for c in chunks), strict=True)))


def mean_example(kept: KeptDistribution) -> np.ndarray:
    """E_kept y s, (2,): the mean kept example along the teacher, and across it towards the probe."""
    with np.errstate(divide="ignore", over="ignore"):
        nodes = _field_nodes(kept, OrderParameters.of(1.0, 1.0, 1.0, 0.0))
        mass, first, _ = transverse_moments(kept, nodes, np.zeros(1))
    t = nodes.points.astype(float)
    density = 2 / kept.keep_fraction * normal_density(t)
    return nodes.integrals([density * t * mass, density * first])[:, 0]


def _equations(kept: KeptDistribution, students: OrderParameters) -> SaddlePointEquations:
    students = students.in_sufficient_precision(kept.narrowest_scale)
    averages = _averages(kept, students)
    alpha, k, p = (values.astype(float, copy=False) for values in (students.alpha, students.k, students.length))
    return _assembled(ShortfallAverages(*averages.reshape(-1, *k.shape)), alpha, k, p)


def _averages(kept: KeptDistribution, students: OrderParameters) -> np.ndarray:
    """`ShortfallAverages` of students, (13, students), from t over all kept examples and v in closed form.

    Of smooth rules from z and w instead, see `probe_moments`.
    """
    if by_probe_field(kept, students):
        students = students[None] if students.k.ndim == 0 else students
        nodes = probe_nodes(kept, students)
        return np.add.reduceat(probe_integrands(kept, students, nodes), nodes.starts, axis=1)
    nodes = _field_nodes(kept, students)
    t, p = nodes.points, nodes.at_nodes(students.length)
    x = nodes.at_nodes(students.k) - p * t
    r, size = (p * x - t).astype(float, copy=False), (p * np.abs(x) + np.abs(t)).astype(float, copy=False)
    x = x.astype(float, copy=False)
    q, dq, ddq = squared_ramp(x)
    weight = nodes.weights * (2 / kept.keep_fraction) * normal_density(t.astype(float, copy=False))
    one, v, vv = weight * transverse_moments(kept, nodes, students.angle)
    integrands = np.empty((len(ShortfallAverages._fields), x.size))
    of, multiply = ShortfallAverages(*integrands), np.multiply
    multiply(q, one, of.q)
    multiply(dq, one, of.dq)
    multiply(of.dq, x, of.dq_x)
    multiply(of.dq, r, of.dq_r)
    multiply(of.dq, size, of.dq_size)
    multiply(dq, v, of.dq_v)
    multiply(dq, vv, of.dq_vv)
    multiply(ddq * one, r, of.ddq_r)
    multiply(of.ddq_r, x, of.ddq_xr)
    multiply(ddq, v, of.ddq_v)
    multiply(of.ddq_v, r, of.ddq_vr)
    multiply(of.ddq_v, x, of.ddq_xv)
    multiply(ddq, vv, of.ddq_vv)
    return np.add.reduceat(integrands, nodes.starts, axis=1)


def _assembled(a: ShortfallAverages, alpha: np.ndarray, k: np.ndarray, p: np.ndarray) -> SaddlePointEquations:
    """Residual and Jacobian.

    The derivatives by a step of k, of the common scale s of k and p, and of ψ follow from dx = dk, dx = x ds and
    dx = −p v dψ, dt = v dψ, dv = −t dψ. A step in s changes x by x itself, so that examples next to the margin keep
    their shortfall even where p is huge.
    """
    k_unit, v_size, zero = 2 * a.q / a.dq, (a.dq * a.dq_vv) ** 0.5, 0.0 * a.q
    r_size = a.dq_size
    # each in the order (S1), (S2), (S3)
    residual = np.log(alpha * a.q), a.dq_r / r_size, -a.dq_v / v_size
    by_log_alpha = zero + 1.0, zero, zero
    by_k = k_unit * a.dq / a.q, k_unit * (a.ddq_r + p * a.dq) / r_size, -k_unit * a.ddq_v / v_size
    by_scale = a.dq_x / a.q, (a.ddq_xr + 2 * p * a.dq_x) / r_size, -a.ddq_xv / v_size
    # ⟨Q' t⟩ = k p ⟨Q'⟩/(1 + p²) by (S2)
    by_angle = -p * a.dq_v / a.q, -p * a.ddq_vr / r_size, p * (a.ddq_vv + k * a.dq / (1 + p * p)) / v_size
    return SaddlePointEquations(
        residual=np.array(residual).T,
        jacobian=np.array((by_log_alpha, by_k, by_scale, by_angle)).T,
        k_unit=k_unit,
        term_sizes=np.array((a.q, r_size, v_size)).T,
    )


def _field_nodes(kept: KeptDistribution, students: OrderParameters) -> Nodes:
    """Quadrature in t of each student."""
    each = zip(numbers(students.k), numbers(students.length), numbers(students.angle), strict=True)
    panels = _RARE_PANELS if kept.narrowest_scale < RARE else _PANELS
    return panel_nodes([_field_panels(panels, kept, *student) for student in each], panels.order)


def _field_panels(panels: GaussianPanels, kept: KeptDistribution, k: float, p: float, angle: float) -> list[float]:
    """Panels in t, where shortfall begins and where the label and the rule's edges switch."""
    functions, to_probe, reach = functions_of(p), kept.probe_angle - angle, panels.reach
    slope, spread = functions.cos(to_probe), abs(functions.tan(to_probe))
    lower, upper = field_range(kept, angle)
    lower = min(max(lower, -reach), reach)
    upper = min(upper, reach, (k + reach) / p)  # no shortfall where x < −reach
    upper = upper if upper > lower else reach
    shortfall, label = (k / p, 1 / p), (0.0, abs(functions.tan(angle)))
    steps = [shortfall, label, *((edge / slope, spread) for edge in kept.edges.tolist())]
    return panels.panels(lower, upper, steps, corners(kept, angle) + cuts_seen(kept, slope, spread))
