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
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.field_moments import RARE, corners, cuts_seen, field_range, transverse_moments
from replica_theory._max_margin.order_parameters import OrderParameters, PerStudent
from replica_theory._max_margin.probe_moments import by_probe_field, probe_integrands, probe_nodes
from replica_theory._numerics.elementary import functions_of, largest, logarithm, ratio
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, Nodes, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_RARE_PANELS = GaussianPanels(
    grid=np.array([-12.0, -9.0, -6.5, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.5, 9.0, 12.0]), order=12
)
_PANELS = replace(_RARE_PANELS, order=10, widest=0.5)
_CHUNK = 32  # students per piece of a rule that are evaluated at once, so that their nodes stay in the cache


@dataclass(frozen=True)
class SaddlePointEquations(PerStudent):
    """(S1)–(S3) at some students, not necessarily solutions; each value an array (students,), or a number of one.

    Attributes:
        residual: ln α M, ⟨Q' r⟩ and −⟨Q' v⟩, the latter two relative to the size of their terms, (3,).
        jacobian: Derivatives of the residual by δk/k_unit, ln scale and ψ, the steps of `OrderParameters.stepped`,
            (3, 3); by ln α they are (1, 0, 0). A term of (S2) that vanishes with (S3) is left out.
        k_unit: 2M/M_k, the scale in which k is stepped.
        term_sizes: M, p √(⟨Q'⟩⟨Q' x²⟩) + √(⟨Q'⟩⟨Q' t²⟩) and √(⟨Q'⟩⟨Q' v²⟩), by which the averages are divided, (3,).
    """

    residual: tuple[Any, Any, Any]
    jacobian: tuple[tuple[Any, Any, Any], tuple[Any, Any, Any], tuple[Any, Any, Any]]
    k_unit: Any
    term_sizes: tuple[Any, Any, Any]

    @property
    def largest_residual(self) -> Any:
        """Largest |residual| of the three equations; NaN if one is."""
        return largest(*map(abs, self.residual))


class ShortfallAverages(NamedTuple):
    """Averages ⟨·⟩ over kept examples of Q'(x) and Q''(x) times x, t and v.

    Each is a number for one student, or an array (students,). As Q = ½ (x Q' + Q''), these suffice.
    """

    dq: Any  # ⟨Q'⟩
    dq_x: Any  # ⟨Q' x⟩
    dq_t: Any  # ⟨Q' t⟩
    dq_xx: Any  # ⟨Q' x²⟩
    dq_tt: Any  # ⟨Q' t²⟩
    dq_v: Any  # ⟨Q' v⟩, which (S3) sets to 0
    dq_vv: Any  # ⟨Q' v²⟩
    ddq: Any  # ⟨Q''⟩
    ddq_x: Any  # ⟨Q'' x⟩
    ddq_t: Any  # ⟨Q'' t⟩
    ddq_xx: Any  # ⟨Q'' x²⟩
    ddq_xt: Any  # ⟨Q'' x t⟩
    ddq_v: Any  # ⟨Q'' v⟩
    ddq_xv: Any  # ⟨Q'' x v⟩
    ddq_tv: Any  # ⟨Q'' t v⟩
    ddq_vv: Any  # ⟨Q'' v²⟩


# Where each average is among the products of (Q', Q'x, Q't, Q'x², Q't², Q'', Q''x, Q''t, Q''x², Q''xt) and (1, v, v²).
_FACTORS = [0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 9, 5, 6, 7, 5], [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 1, 1, 1, 2]
_NAMED = np.ravel_multi_index(_FACTORS, (10, 3))


def saddle_point_equations(kept: KeptDistribution, students: OrderParameters) -> SaddlePointEquations:
    """(S1)–(S3) and their derivatives at these students.

    They are not finite where a student is far from any solution: callers silence NumPy's warnings.
    """
    size = max(1, _CHUNK // len(kept.pieces))
    if not students.are_many or students.k.size <= size:
        return _equations(kept, students)
    first, *others = (_equations(kept, students[i : i + size]) for i in range(0, students.k.size, size))
    return first.joined(*others)


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
    if students.are_many:
        return _assembled(averages, *(values.astype(float) for values in (students.alpha, students.k, students.length)))
    return _assembled(averages, float(students.alpha), float(students.k), float(students.length))


def _averages(kept: KeptDistribution, students: OrderParameters) -> ShortfallAverages:
    """From t over all kept examples and v in closed form, or of smooth rules from z and w, see `probe_moments`."""
    if by_probe_field(kept, students):
        nodes = probe_nodes(kept, students)
        sums = nodes.sums(probe_integrands(kept, students, nodes))
        return ShortfallAverages(*(sums if students.are_many else sums[:, 0].tolist()))
    nodes = _field_nodes(kept, students)
    x = nodes.at_nodes(students.k) - nodes.at_nodes(students.length) * nodes.points
    x, t = x.astype(float, copy=False), nodes.points.astype(float, copy=False)
    by_shortfall = np.empty((10, t.size))
    dq, dq_x, dq_t, dq_xx, dq_tt, ddq, ddq_x, ddq_t, ddq_xx, ddq_xt = by_shortfall
    np.multiply(x, ndtr(x, out=ddq), out=dq)
    dq += normal_density(x)  # halves of Q' and Q''
    for factor, times, product in (
        (dq, x, dq_x),
        (dq, t, dq_t),
        (dq_x, x, dq_xx),
        (dq_t, t, dq_tt),
        (ddq, x, ddq_x),
        (ddq, t, ddq_t),
        (ddq_x, x, ddq_xx),
        (ddq_x, t, ddq_xt),
    ):
        np.multiply(factor, times, out=product)
    across = nodes.weights * normal_density(t) * transverse_moments(kept, nodes, students.angle)
    named = nodes.products(by_shortfall, across).reshape(-1, len(nodes.starts))[_NAMED] * (4 / kept.keep_fraction)
    return ShortfallAverages(*(named if students.are_many else named[:, 0].tolist()))


def _assembled(a: ShortfallAverages, alpha: Any, k: Any, p: Any) -> SaddlePointEquations:
    """Residual and Jacobian.

    The derivatives by a step of k, of the common scale s of k and p, and of ψ follow from dx = dk, dx = x ds and
    dx = −p v dψ, dt = v dψ, dv = −t dψ. A step in s changes x by x itself, so that examples next to the margin keep
    their shortfall even where p is huge.
    """
    q, dq_r, ddq_r = 0.5 * (a.dq_x + a.ddq), p * a.dq_x - a.dq_t, p * a.ddq_x - a.ddq_t
    ddq_xr, ddq_vr = p * a.ddq_xx - a.ddq_xt, p * a.ddq_xv - a.ddq_tv
    x_size, t_size, v_size = (abs(a.dq * squared) ** 0.5 for squared in (a.dq_xx, a.dq_tt, a.dq_vv))
    r_size = p * x_size + t_size
    per_q, per_r, per_v, k_unit = ratio(1.0, q), ratio(1.0, r_size), ratio(-1.0, v_size), ratio(2 * q, a.dq)
    return SaddlePointEquations(
        # each in the order (S1), (S2), (S3)
        residual=(logarithm(alpha * q), dq_r * per_r, a.dq_v * per_v),
        jacobian=(
            (k_unit * a.dq * per_q, k_unit * (ddq_r + p * a.dq) * per_r, k_unit * a.ddq_v * per_v),
            (a.dq_x * per_q, (ddq_xr + 2 * p * a.dq_x) * per_r, a.ddq_xv * per_v),
            # ⟨Q' t⟩ = k p ⟨Q'⟩/(1 + p²) by (S2)
            (-p * a.dq_v * per_q, -p * ddq_vr * per_r, -p * (a.ddq_vv + k * a.dq / (1 + p * p)) * per_v),
        ),
        k_unit=k_unit,
        term_sizes=(q, r_size, v_size),
    )


def _field_nodes(kept: KeptDistribution, students: OrderParameters) -> Nodes:
    """Quadrature in t of each student."""
    panels = _RARE_PANELS if kept.narrowest_scale < RARE else _PANELS
    return panel_nodes([_field_panels(panels, kept, s.k, s.length, s.angle) for s in students.each], panels.order)


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
