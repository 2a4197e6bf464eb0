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

from replica_theory.gaussian import normal_density, squared_ramp
from replica_theory.kept_law import KeptLaw
from replica_theory.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.student import Student

_REACH = 12.0
_GRID = np.array([-12.0, -9.0, -6.5, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.5, 9.0, 12.0])


@dataclass(frozen=True)
class Stationarity:
    """The equations at some students.

    Attributes:
        residual: (students, 3), each relative to the size of its terms.
        jacobian: (students, 3, 4), by ln α, slack, ln scale and angle: the steps of `Student.stepped`.
        unit: (students,), the slack that doubles M or so: the unit in which it is stepped.
        sizes: (students, 3), by which the averages in the equations are divided.
    """

    residual: np.ndarray
    jacobian: np.ndarray
    unit: np.ndarray
    sizes: np.ndarray


def stationarity(law: KeptLaw, student: Student) -> Stationarity:
    """The equations and their derivatives at these students.

    A step changes x by the slack and then scales k and p together, so that near-by fields keep
    their shortfall even where p is huge; derivatives by the scale are averages of x itself.
    """
    student = student.resolving(law.finest)
    nodes = _fields(law, student)
    t, row = nodes.points, nodes.row
    p = student.length[row]
    x = student.k[row] - p * t
    lever, terms = (p * x - t).astype(float), (p * np.abs(x) + np.abs(t)).astype(float)
    x = x.astype(float)
    q0, q1, q2 = squared_ramp(x)
    weight = 2 / law.keep_fraction * normal_density(t.astype(float))
    mass, across, across2 = weight * law.across_moments(t, student.angle, row)
    q1_mass, q2_across, q2_lever = q1 * mass, q2 * across, q2 * mass * lever
    m, m1, m1_x, m1_lever, lever_size, m1_v, v_size, m2_lever, m2_lever_x, m2_lever_v, m2_v, m2_x_v, m2_vv = (
        nodes.integrals([
            q0 * mass, q1_mass, q1_mass * x, q1_mass * lever, q1_mass * terms, q1 * across, q1 * across2,
            q2_lever, q2_lever * x, q2_across * lever, q2_across, q2_across * x, q2 * across2,
        ])
    )  # fmt: skip
    k, p, zero, one = student.k.astype(float), student.length.astype(float), np.zeros_like(m), np.ones_like(m)
    unit, across_size = 2 * m / m1, np.sqrt(m1 * v_size)
    margin = np.stack([one, unit * m1 / m, m1_x / m, -p * m1_v / m])
    along = np.stack([zero, unit * (m2_lever + p * m1), m2_lever_x + 2 * p * m1_x, -p * m2_lever_v]) / lever_size
    across = np.stack([zero, -unit * m2_v, -m2_x_v, p * (m2_vv + k * m1 / (1 + p * p))]) / across_size
    residual = np.stack([np.log(student.alpha.astype(float) * m), m1_lever / lever_size, -m1_v / across_size])
    jacobian, sizes = np.stack([margin, along, across]).transpose(2, 0, 1), np.stack([m, lever_size, across_size], -1)
    return Stationarity(residual.T, jacobian, unit, sizes)


def mean_example(law: KeptLaw) -> np.ndarray:
    """The mean kept example y s: along the teacher, and across it towards the probe."""
    nodes = _fields(law, Student.of(1.0, 1.0, 1.0, 0.0))
    t = nodes.points.astype(float)
    mass, across, _ = law.across_moments(nodes.points, 0.0, nodes.row)
    density = 2 / law.keep_fraction * normal_density(t)
    return nodes.integrals([density * t * mass, density * across])[:, 0]


def _fields(law: KeptLaw, student: Student) -> Nodes:
    """Quadrature in t, with panels where shortfall begins and where the label and the rule's edges switch."""
    centres, widths = law.features(student.angle)
    begin, softness = (student.k / student.length)[:, None], (1 / student.length)[:, None]
    lower, upper = np.clip(law.span(student.angle), -_REACH, _REACH)
    upper = np.minimum(upper, (student.k + _REACH) / student.length)
    ends = breakpoints(
        lower,
        np.where(upper > lower, upper, _REACH),
        grid=_GRID,
        features=(np.hstack([begin, centres]), np.hstack([softness, widths])),
        kinks=law.kinks(student.angle),
    )
    return composite_rule(ends, order=12)
