"""The few Gaussian functions from which every saddle point is built."""

import numpy as np
from scipy.special import ndtr

from replica_theory.quadrature import gauss_legendre

FAR = 40.0  # beyond it φ and 1 − Φ underflow: an infinite bound can be replaced by it exactly


def normal_density(x: np.ndarray) -> np.ndarray:
    """φ(x), density of the standard normal."""
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def squared_ramp(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q(x) = E (x + g)₊² for g ~ N(0, 1), with Q' and Q''.

    Q = (x² + 1) Φ + x φ,  Q' = 2 (x Φ + φ),  Q'' = 2 Φ.
    """
    density, cumulative = normal_density(x), ndtr(x)
    half_slope = x * cumulative + density
    return x * half_slope + cumulative, 2 * half_slope, 2 * cumulative


def interval_mass(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) dx over [lower, upper]; zero where the interval is empty."""
    lower, upper, width = _finite(lower, upper)
    mass = _tail_difference(lower, upper)
    narrow = _is_narrow(lower, upper)
    if narrow.any():
        mass[narrow] = _narrow_moments(lower[narrow], width[narrow])[0]
    return mass


def interval_moments(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx over [lower, upper], (3, ...); zero where the interval is empty."""
    lower, upper, width = _finite(lower, upper)
    mass = _tail_difference(lower, upper)
    at_lower, at_upper = normal_density(lower), normal_density(upper)
    moments = np.stack([mass, at_lower - at_upper, mass + lower * at_lower - upper * at_upper])
    narrow = _is_narrow(lower, upper)
    if narrow.any():
        moments[:, narrow] = _narrow_moments(lower[narrow], width[narrow])
    return moments


def _finite(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ends and the width, which is taken before the ends are rounded to doubles."""
    lower, upper = np.clip(lower, -FAR, FAR), np.clip(upper, -FAR, FAR)
    width = np.maximum(upper - lower, 0.0).astype(float)
    return lower.astype(float), np.maximum(lower, upper).astype(float), width


def _tail_difference(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Φ(b) − Φ(a), taken in the tail where both are small, so that nothing cancels there."""
    mirror = lower + upper > 0
    return ndtr(np.where(mirror, -lower, upper)) - ndtr(np.where(mirror, -upper, lower))


def _is_narrow(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Where φ varies by a factor or so: a difference of values at the ends would lose digits there."""
    width = upper - lower
    return (width > 0) & (width * (2 + np.abs(lower + upper)) < 1.2)


def _narrow_moments(lower: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The same by seven Gauss–Legendre nodes, which is exact to rounding."""
    nodes, weights = gauss_legendre(7)
    x = lower + width * nodes[:, None]
    mass = width * weights[:, None] * normal_density(x)
    return np.stack([mass.sum(0), (mass * x).sum(0), (mass * x * x).sum(0)])
