"""The few Gaussian functions from which every saddle point is built."""

import math

import numpy as np
from scipy.special import erfcx, ndtr

from replica_theory._numerics.quadrature import gauss_legendre

_ROOT_TWO_PI = math.sqrt(2 * math.pi)
FAR = 40.0  # beyond it φ and 1 − Φ underflow: an infinite bound can be replaced by it exactly


def normal_density(x: np.ndarray) -> np.ndarray:
    """φ(x), density of the standard normal."""
    return np.exp(-0.5 * x * x) / _ROOT_TWO_PI


def squared_ramp(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q(x) = E (x + g)₊² for g ~ N(0, 1), with Q' and Q''.

    Q = (x² + 1) Φ + x φ,  Q' = 2 (x Φ + φ),  Q'' = 2 Φ.
    """
    density, cumulative = normal_density(x), ndtr(x)
    half_slope = x * cumulative + density
    return x * half_slope + cumulative, 2 * half_slope, 2 * cumulative


def interval_mass(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) dx over [lower, upper]; zero where the interval is empty."""
    ends, width = _finite(lower, upper)
    mass = _tail_difference(ends)
    narrow = _is_narrow(ends, width)
    if narrow.size:
        mass.reshape(-1)[narrow] = _narrow_moments(ends[0].reshape(-1)[narrow], width.reshape(-1)[narrow])[0]
    return mass


def interval_moments(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx over [lower, upper], (3, ...); zero where the interval is empty."""
    ends, width = _finite(lower, upper)
    density = normal_density(ends)
    moments = np.empty((3, *width.shape))
    mass, first, second = moments
    mass[...] = _tail_difference(ends)
    np.subtract(density[0], density[1], out=first)
    density *= ends
    np.subtract(density[0], density[1], out=second)
    second += mass
    narrow = _is_narrow(ends, width)
    if narrow.size:
        moments.reshape(3, -1)[:, narrow] = _narrow_moments(ends[0].reshape(-1)[narrow], width.reshape(-1)[narrow])
    return moments


def _finite(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends, (2, ...), and the width, which is taken before the ends are rounded to doubles."""
    lower, upper = (np.minimum(np.maximum(end, -FAR), FAR) for end in (lower, upper))
    upper = np.maximum(lower, upper)
    width = upper - lower
    ends = np.empty((2, *width.shape))
    ends[0], ends[1] = lower, upper
    return ends, width.astype(float, copy=False)


def _tail_difference(ends: np.ndarray) -> np.ndarray:
    """Φ(b) − Φ(a), taken in the tail where both are small, so that nothing cancels there."""
    side = np.copysign(1.0, -(ends[0] + ends[1]))
    below = ndtr(side * ends)
    return side * (below[1] - below[0])


def _is_narrow(ends: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Indices where φ varies by a factor or so: a difference of values at the ends would lose digits there."""
    return np.flatnonzero((width > 0) & (width * (2 + np.abs(ends[0] + ends[1])) < 1.2))


def _narrow_moments(lower: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The same by seven Gauss–Legendre nodes, which is exact to rounding."""
    nodes, weights = gauss_legendre(7)
    x = lower + width * nodes[:, None]
    density = normal_density(x)
    moments = np.empty((3, width.size))
    for power in range(3):
        np.dot(weights, density, out=moments[power])
        if power < 2:
            density *= x
    return width * moments


def inverse_mills(y: np.ndarray) -> np.ndarray:
    """(ln Φ)'(y) = φ(y)/Φ(y)."""
    return math.sqrt(2 / math.pi) / erfcx(y * -math.sqrt(0.5))
