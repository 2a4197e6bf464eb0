"""The three equations of the max-margin student, and their derivatives, as one-dimensional integrals.

    M(p, k) = E_kept Q(k − y p·s),   s = the kept example's components in the teacher–probe plane

is the mean squared shortfall from margin k, over the noise that the rest of the student (of unit
norm) adds. With x = k − p t the shortfall at the student's in-plane field t, and v across it, the
largest margin that is affordable solves

    ln αM = 0,    ⟨Q'(x) (p x − t)⟩ = 0,    ⟨Q'(x) v⟩ = 0,

which are αM = 1 and the two components of k p ∂M/∂k + (1 + p²) ∂M/∂p = 0.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._max_margin.order_parameters import OrderParameters, replaced
from replica_theory._numerics.gaussian import normal_density, squared_ramp
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 12.0
_GRID = np.array([-12.0, -9.0, -6.5, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.5, 9.0, 12.0])


@dataclass(frozen=True)
class Stationarity:
    """The equations at some students.

    Attributes:
        residual: (students, 3), each relative to the size of its terms.
        jacobian: (students, 3, 4), by ln α, slack, ln scale and angle: the steps of `OrderParameters.stepped`.
        unit: (students,), the slack that doubles M or so: the unit in which it is stepped.
        sizes: (students, 3), by which the averages in the equations are divided.
    """

    residual: np.ndarray
    jacobian: np.ndarray
    unit: np.ndarray
    sizes: np.ndarray

    def __getitem__(self, index) -> "Stationarity":
        return Stationarity(*(part[index] for part in vars(self).values()))

    def with_replaced(self, mask: np.ndarray, others: "Stationarity") -> "Stationarity":
        """The same, with others where the mask says so."""
        return others if mask.all() else Stationarity(*replaced(vars(self), mask, vars(others)))


def stationarity(law: KeptDistribution, student: OrderParameters) -> Stationarity:
    """The equations and their derivatives at these students.

    A step changes x by the slack and then scales k and p together, so that near-by fields keep
    their shortfall even where p is huge; derivatives by the scale are averages of x itself.
    """
    student = student.resolving(law.finest)
    nodes = _fields(law, student)
    t, p = nodes.points, nodes.spread(student.length)
    x = nodes.spread(student.k) - p * t
    lever, terms = (p * x - t).astype(float, copy=False), (p * np.abs(x) + np.abs(t)).astype(float, copy=False)
    x = x.astype(float, copy=False)
    q0, q1, q2 = squared_ramp(x)
    weight = nodes.weights * (2 / law.keep_fraction) * normal_density(t.astype(float, copy=False))
    mass, across, across2 = weight * law.across_moments(nodes, student.angle)
    sums = np.add.reduceat(_products(q0, q1, q2, mass, across, across2, x, lever, terms), nodes.starts, axis=1)
    columns = np.concatenate([sums, [student.alpha, student.k, student.length]], dtype=float)
    # numbers are much faster than arrays of one
    residual, jacobian, unit, sizes = _assembled(*(columns if len(nodes.starts) > 1 else columns[:, 0]))
    return Stationarity(
        *(
            np.array(part).reshape(*shape, -1).T
            for part, shape in zip((residual, jacobian, unit, sizes), ((3,), (4, 3), (), (3,)), strict=True)
        )
    )


def _assembled(
    m, m1, m1_x, m1_lever, lever_size, m1_v, v_size, m2_lever, m2_lever_x, m2_lever_v, m2_v, m2_x_v, m2_vv, alpha, k, p
) -> tuple:
    """Residual, Jacobian (its columns), unit and sizes from the averages of one student, or of many."""
    unit, across_size, zero = 2 * m / m1, (m1 * v_size) ** 0.5, 0.0 * m
    residual = np.log(alpha * m), m1_lever / lever_size, -m1_v / across_size
    columns = (
        (zero + 1.0, zero, zero),
        (unit * m1 / m, unit * (m2_lever + p * m1) / lever_size, -unit * m2_v / across_size),
        (m1_x / m, (m2_lever_x + 2 * p * m1_x) / lever_size, -m2_x_v / across_size),
        (-p * m1_v / m, -p * m2_lever_v / lever_size, p * (m2_vv + k * m1 / (1 + p * p)) / across_size),
    )
    return residual, columns, unit, (m, lever_size, across_size)


def _products(q0, q1, q2, mass, across, across2, x, lever, terms) -> np.ndarray:
    """The thirteen integrands."""
    out = np.empty((13, x.size))
    np.multiply(q0, mass, out=out[0])
    np.multiply(q1, mass, out=out[1])
    np.multiply(out[1], x, out=out[2])
    np.multiply(out[1], lever, out=out[3])
    np.multiply(out[1], terms, out=out[4])
    np.multiply(q1, across, out=out[5])
    np.multiply(q1, across2, out=out[6])
    np.multiply(q2, mass, out=out[7])
    out[7] *= lever
    np.multiply(out[7], x, out=out[8])
    np.multiply(q2, across, out=out[10])
    np.multiply(out[10], lever, out=out[9])
    np.multiply(out[10], x, out=out[11])
    np.multiply(q2, across2, out=out[12])
    return out


def mean_example(law: KeptDistribution) -> np.ndarray:
    """The mean kept example y s: along the teacher, and across it towards the probe."""
    nodes = _fields(law, OrderParameters.of(1.0, 1.0, 1.0, 0.0))
    t = nodes.points.astype(float)
    mass, across, _ = law.across_moments(nodes, np.zeros(1))
    density = 2 / law.keep_fraction * normal_density(t)
    return nodes.integrals([density * t * mass, density * across])[:, 0]


def _fields(law: KeptDistribution, student: OrderParameters) -> Nodes:
    """Quadrature in t, with panels where shortfall begins and where the label and the rule's edges switch."""
    angle, p = student.angle, student.length
    edges, turn = law.edges, law.probe_angle - angle
    centres, widths = np.zeros((2, p.size, 2 + edges.size), p.dtype)
    centres[:, 0], widths[:, 0], widths[:, 1] = student.k / p, 1 / p, np.abs(np.tan(angle))
    if edges.size:
        centres[:, 2:], widths[:, 2:] = edges / np.cos(turn)[:, None], np.abs(np.tan(turn))[:, None]
    lower, upper = (np.minimum(np.maximum(end, -_REACH), _REACH) for end in law.span(angle))
    upper = np.minimum(upper, (student.k + _REACH) / p)
    upper = np.where(upper > lower, upper, _REACH)
    return composite_rule(
        breakpoints(lower, upper, grid=_GRID, features=(centres, widths), kinks=law.kinks(angle)), order=12
    )
