"""The Gaussian functions from which every saddle point is built."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr, owens_t

from replica_theory._numerics.quadrature import gauss_legendre

_ROOT_TWO_PI = math.sqrt(2 * math.pi)
FAR = 40.0  # standard deviations at which φ and 1 − Φ underflow: ±FAR stands for ±∞ exactly
_NEARLY_ZERO = 1e-300  # stands for 0 in Owen's T
_NARROW = 1.2  # (b − a)(2 + |a + b|) below which φ varies on [a, b] by a factor of a few: its moments are summed
_NARROW_ORDER = 7  # Gauss–Legendre nodes that are exact to rounding there


def normal_density(x: np.ndarray) -> NDArray[Any]:
    """φ(x), density of the standard normal."""
    return np.exp(-0.5 * x * x) / _ROOT_TWO_PI


def squared_ramp(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q(x) = E (x + g)₊² for g ~ N(0, 1), with Q' and Q''.

    Q = (x² + 1) Φ + x φ,  Q' = 2 (x Φ + φ),  Q'' = 2 Φ.
    """
    density, cumulative = normal_density(x), ndtr(x)
    half_slope = x * cumulative + density
    return x * half_slope + cumulative, 2 * half_slope, 2 * cumulative


def inverse_mills(y: np.ndarray) -> np.ndarray:
    """(ln Φ)'(y) = φ(y)/Φ(y)."""
    return math.sqrt(2 / math.pi) / erfcx(y * -math.sqrt(0.5))


def orthant(h: np.ndarray, k: np.ndarray, correlation: np.ndarray | float) -> np.ndarray:
    """P(X < h, Y < k) of standard normals with this correlation, by Owen's T."""
    rest = np.sqrt((1 - correlation) * (1 + correlation))
    h, k = np.where(h == 0, _NEARLY_ZERO, h), np.where(k == 0, _NEARLY_ZERO, k)
    with np.errstate(divide="ignore"):  # lines on which one field is the other
        tails = owens_t(h, (k / h - correlation) / rest) + owens_t(k, (h / k - correlation) / rest)
    return 0.5 * (ndtr(h) + ndtr(k)) - tails - np.where(np.sign(h) != np.sign(k), 0.5, 0.0)


def interval_mass(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) dx over [lower, upper]; zero where the interval is empty."""
    ends, width = _finite(lower, upper)
    mass = _cumulative_difference(ends)
    _replace_narrow(mass[None], ends, width)
    return mass


def interval_moments(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx over [lower, upper], (3, ...); zero where the interval is empty."""
    ends, width = _finite(lower, upper)
    moments = _moment_differences(ends)
    _replace_narrow(moments, ends, width)
    return moments


def segment_mass(segments: np.ndarray) -> np.ndarray:
    """∫ φ(x) dx over segments whose ends, (2, ...), are overwritten; see `segment_moments`."""
    ends = _clipped(segments)
    mass = _cumulative_difference(ends)
    if segments.dtype != float:
        _replace_narrow(mass[None], ends, (segments[1] - segments[0]).astype(float))
    return mass


def segment_moments(segments: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx over segments whose ends, (2, ...), are rounded themselves; they are overwritten.

    The width of a narrow segment is then no better known than a difference of values at its ends, unless the ends are
    in extended precision.
    """
    ends = _clipped(segments)
    moments = _moment_differences(ends)
    if segments.dtype != float:
        _replace_narrow(moments, ends, (segments[1] - segments[0]).astype(float))
    return moments


def _clipped(segments: np.ndarray) -> np.ndarray:
    """Bounds the segments by ±FAR, empty ones to no width, and returns their ends as doubles."""
    np.maximum(segments, -FAR, out=segments)
    np.minimum(segments, FAR, out=segments)
    np.maximum(segments[0], segments[1], out=segments[1])
    return segments.astype(float, copy=False)


def _moment_differences(ends: np.ndarray) -> np.ndarray:
    """∫ φ(x) (1, x, x²) dx, (3, ...), as differences of values at finite ends, (2, ...)."""
    density = normal_density(ends)
    moments = np.empty((3, *ends.shape[1:]))
    mass, first, second = moments[0, ...], moments[1, ...], moments[2, ...]
    mass[...] = _cumulative_difference(ends)
    np.subtract(density[0], density[1], out=first)
    density *= ends
    np.subtract(density[0], density[1], out=second)
    second += mass
    return moments


def _replace_narrow(moments: np.ndarray, ends: np.ndarray, width: np.ndarray) -> None:
    """Takes the moments of narrow intervals, of the powers 0, 1, ... that are there, from their widths."""
    narrow = _narrow(ends, width)
    if narrow.size:
        lower, width = ends[0].reshape(-1)[narrow], width.reshape(-1)[narrow]
        moments.reshape(len(moments), -1)[:, narrow] = _narrow_moments(lower, width, len(moments))


def _finite(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends, (2, ...), with ±FAR for ±∞, and the width, which is taken before the ends are rounded to doubles."""
    lower, upper = (np.minimum(np.maximum(end, -FAR), FAR) for end in (lower, upper))
    upper = np.maximum(lower, upper)
    width = upper - lower
    ends = np.empty((2, *width.shape))
    ends[0], ends[1] = lower, upper
    return ends, width.astype(float, copy=False)


def _cumulative_difference(ends: np.ndarray) -> np.ndarray:
    """Φ(b) − Φ(a), taken in the tail where both are small, so that nothing cancels there."""
    side = np.copysign(1.0, -(ends[0] + ends[1]))
    below = ndtr(side * ends)
    return side * (below[1] - below[0])


def _narrow(ends: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Flat indices of narrow intervals, where a difference of values at the ends would lose digits."""
    return np.flatnonzero((width > 0) & (width * (2 + np.abs(ends[0] + ends[1])) < _NARROW))


def _narrow_moments(lower: np.ndarray, width: np.ndarray, powers: int) -> np.ndarray:
    """∫ φ(x) (1, x, ...) dx over [lower, lower + width], (powers, intervals), by Gauss–Legendre nodes."""
    nodes, weights = gauss_legendre(_NARROW_ORDER)
    x = lower + width * nodes[:, None]
    density = normal_density(x)
    moments = np.empty((powers, width.size))
    for power in range(powers):
        np.dot(weights, density, out=moments[power])
        if power < powers - 1:
            density *= x
    return width * moments
