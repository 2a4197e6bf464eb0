"""Moments of forces that are linear between breakpoints: square loss and both hinges."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory.losses.force_moments.base import ForceMoments


def square(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    stiffness = 1 / (1 + scale)
    force = (1 - mean) * stiffness
    square = force**2 + (deviation * stiffness) ** 2
    return ForceMoments(force, square, stiffness, -2 * force * stiffness, np.zeros_like(mean))


class _Excess(NamedTuple):
    """E (g)₊, E (g)₊², P(g > 0) and the density at g = 0, of g ~ N(mean, c²)."""

    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray
    density: np.ndarray


def _excess(mean: np.ndarray, deviation: np.ndarray) -> _Excess:
    t, variance = mean / deviation, deviation**2
    chance, density = ndtr(t), np.exp(-0.5 * t * t) / (np.sqrt(2 * np.pi) * deviation)
    first = np.maximum(mean * chance + variance * density, 0.0)
    return _Excess(first, mean * first + variance * chance, chance, density)


def squared_hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = _excess(1 - mean, deviation), 1 / (1 + scale)
    force, square = short.first * stiffness, short.second * stiffness**2
    return ForceMoments(force, square, short.chance * stiffness, -2 * force * stiffness, -short.density * stiffness)


def hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    """f = clip((1 − ω)/S, 0, 1)."""
    margins = np.stack([1 - mean, 1 - mean - scale])  # short of 1, and of 1 − S
    first, second, chance, density = _excess(margins, deviation)
    force = (first[0] - first[1]) / scale
    return ForceMoments(
        force,
        (second[0] - second[1] - 2 * scale * first[1]) / scale**2,
        (chance[0] - chance[1]) / scale,
        2 * (chance[1] - force) / scale,
        (density[1] - density[0]) / scale,
    )
