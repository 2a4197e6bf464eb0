"""The saddle point of the version space: two equations in a = R/√(1−q) and b = √(q−R²)/√(1−q).

With c² = a² + b², h = ln Φ and y = a u + b t at a kept teacher field u > 0 and noise t ~ N(0, 1), the entropy

    S(a, b) = −½ ln(1 + c²) + ½ b² + α E h(y)

is stationary where

    (V1)  a/(1 + c²) = α E[u h'(y)]
    (V2)  b² = α E[h'(y)²]

(V1) is ∂S/∂a = 0. ∂S/∂b = 0 is b c²/(1 + c²) = −α E[t h'(y)], which is (V2) with (V1), h'' = −h' (y + h') and
E[t h'(y)] = b E h''(y).
"""

import math

import numpy as np

from replica_theory._version_space.averages import KeptTeacherField


def saddle_point_equations(
    teacher_field: KeptTeacherField, log_alpha: float, log_parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ln(right side / left side) of (V1) and (V2), (2,), and its Jacobian in (ln a, ln b), (2, 2).

    Args:
        teacher_field: Kept examples, over which E averages.
        log_alpha: ln α; the derivative of both by it is 1.
        log_parameters: (ln a, ln b).
    """
    a, b = np.exp(log_parameters).tolist()
    average, norm = teacher_field.force(a, b), 1 + a * a + b * b
    with np.errstate(divide="ignore", invalid="ignore"):  # where a far guess makes the averages underflow
        residual = log_alpha + np.log([average.u_force * norm / a, average.squared_force / (b * b)])
        first = np.array(average.u_force_gradient) / average.u_force + np.array([a, b]) * 2 / norm
        second = np.array(average.squared_force_gradient) / average.squared_force
    return residual, np.array([first, second]) * [a, b] - np.diag([1.0, 2.0])


def few_examples_limit(teacher_field: KeptTeacherField, alpha: float) -> np.ndarray:
    """(ln a, ln b) as α → 0, where h'(0) = √(2/π): a = α √(2/π) E u, b² = 2 α/π."""
    return np.log([alpha * math.sqrt(2 / math.pi) * teacher_field.mean, math.sqrt(2 * alpha / math.pi)])


def many_examples_limit(alpha: float) -> np.ndarray:
    """(ln a, ln b), roughly, of random data: q = R, hence a = R/√(1−R) and b = √R, with a/α from 2/π to 0.7207.

    It is that of pruned data as α → ∞ where α counts the examples near u = 0, as many as random data would have there.
    """
    a = alpha * (0.637 + 0.7207 * alpha) / (1 + alpha)
    return np.array([math.log(a), 0.5 * math.log(2 / (1 + math.sqrt(1 + 4 / a**2)))])
