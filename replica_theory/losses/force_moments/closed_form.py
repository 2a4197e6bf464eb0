"""Moments of forces that are linear between breakpoints: square loss and both hinges."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory.losses.force_moments.base import ForceMoments


def square(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = 1 - mean, 1 / (1 + scale)
    return ForceMoments(short * stiffness, (short**2 + deviation**2) * stiffness**2, stiffness)


class _Excess(NamedTuple):
    """E (g)₊, E (g)₊² and P(g > 0) of g ~ N(mean, c²)."""

    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray


def _excess(mean: np.ndarray, deviation: np.ndarray) -> _Excess:
    t = mean / deviation
    chance, density = ndtr(t), np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)
    first = deviation * (t * chance + density)
    return _Excess(np.maximum(first, 0.0), deviation**2 * ((1 + t * t) * chance + t * density), chance)


def squared_hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = _excess(1 - mean, deviation), 1 / (1 + scale)
    return ForceMoments(short.first * stiffness, short.second * stiffness**2, short.chance * stiffness)


def hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    """f = clip((1 − ω)/S, 0, 1)."""
    first, second, chance = _excess(np.stack([1 - mean, 1 - mean - scale]), deviation)  # of margins 1 and 1 − S
    return ForceMoments(
        (first[0] - first[1]) / scale,
        (second[0] - second[1] - 2 * scale * first[1]) / scale**2,
        (chance[0] - chance[1]) / scale,
    )
