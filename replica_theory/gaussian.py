"""The few Gaussian functions from which every saddle point is built."""

import numpy as np
from scipy.special import ndtr

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


def interval_moments(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx over [lower, upper], (3, ...); zero where the interval is empty."""
    lower = np.clip(lower, -FAR, FAR)
    upper = np.maximum(lower, np.clip(upper, -FAR, FAR))
    # Φ(b) − Φ(a) is taken in the tail where both are small, so that nothing cancels there
    mirror = lower + upper > 0
    mass = ndtr(np.where(mirror, -lower, upper)) - ndtr(np.where(mirror, -upper, lower))
    at_lower, at_upper = normal_density(lower), normal_density(upper)
    return np.stack([mass, at_lower - at_upper, mass + lower * at_lower - upper * at_upper])
