"""What a reader of the literature would write for random data: damped state evolution with scipy's quad.

The iteration of Aubin et al. 2020 (arXiv:2006.06560) and Loureiro et al. 2021 (arXiv:2102.08127), from their
equations, with a teacher y = sign(u) and isotropic inputs; the proximal point is found anew at every
evaluation, as their public code (GCMProject) does. This is not that code, which is on no package registry: it is
our own writing of its iteration.
"""

import math
from collections.abc import Callable

from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, ndtr

Proximal = Callable[[float, float], float]


def logistic(omega: float, scale: float) -> float:
    return float(brentq(lambda p: p - scale * expit(-p) - omega, omega, omega + scale))  # pyright: ignore[reportArgumentType]


def square(omega: float, scale: float) -> float:
    return (omega + scale) / (1 + scale)


def fixed_point(
    proximal: Proximal, *, alpha: float, ridge: float, damping: float = 0.5, tolerance: float = 1e-8
) -> tuple[float, int]:
    """Test error and iterations: m, q, V from their conjugates and back until none changes by the tolerance."""
    m, q, scale, change = 0.1, 1.0, 1.0, math.inf
    for iteration in range(1, 2000):
        new = _updated(proximal, alpha, ridge, m, q, scale)
        change = max(abs(a - b) for a, b in zip(new, (m, q, scale), strict=True))
        m, q, scale = ((1 - damping) * a + damping * b for a, b in zip(new, (m, q, scale), strict=True))
        if change < tolerance:
            return math.acos(m / math.sqrt(q)) / math.pi, iteration
    raise ArithmeticError(f"state evolution did not settle; last change {change}")


def _updated(proximal: Proximal, alpha: float, ridge: float, m: float, q: float, scale: float) -> tuple:
    size, spread = math.sqrt(q), math.sqrt(1 - m * m / q)

    def force(xi: float) -> float:
        return (proximal(size * xi, scale) - size * xi) / scale

    def chance(xi: float) -> float:
        return float(ndtr(m / size * xi / spread))

    def density(x: float) -> float:
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def mean(function: Callable[[float], float]) -> float:
        # both labels give the same, so that y = +1 is doubled
        return 2 * quad(lambda xi: density(xi) * function(xi), -10, 10, epsabs=1e-10, epsrel=1e-10)[0]

    pull = alpha * mean(lambda xi: density(m / size * xi / spread) / spread * force(xi))
    square_ = alpha * mean(lambda xi: chance(xi) * force(xi) ** 2)
    # Stein: E Z ∂f/∂ω = E (ξ Z − ∂Z/∂ξ) f/√q
    slope = mean(lambda xi: (xi * chance(xi) - m / (size * spread) * density(m / size * xi / spread)) * force(xi))
    stiffness = ridge - alpha * slope / size
    return pull / stiffness, (pull**2 + square_) / stiffness**2, 1 / stiffness
