"""What is measured of a student, as a function of its components (a₁, a₂, r, η), (..., 4).

a₁ is along the probe, a₂ across it towards the teacher and r the length outside their plane, where the student's
direction is random: r η is its component along any one axis there, η of mean 0 and variance 1/N.
"""

import math
from collections.abc import Callable

import numpy as np

Observable = Callable[[np.ndarray], np.ndarray]


def error_against(target: np.ndarray) -> Observable:
    """ε = angle to a target/π; the target is a unit vector (3,): along the probe, across it, outside the plane."""
    c1, c2, outside = target

    def error(components: np.ndarray) -> np.ndarray:
        a1, a2, r, eta = np.moveaxis(components, -1, 0)
        along = c1 * a1 + c2 * a2 + outside * eta * r
        # the part across: within the plane of the target's projection, and outside it
        beside = np.stack([c1 * a2 - c2 * a1, outside * a1 - c1 * eta * r, outside * a2 - c2 * eta * r])
        rest = r * np.sqrt(1 - eta**2)
        return np.arctan2(np.sqrt((beside**2).sum(0) + rest**2), along) / math.pi

    return error


def angle_to_probe(components: np.ndarray) -> np.ndarray:
    """Angle between student and probe/π."""
    return error_against(np.array([1.0, 0.0, 0.0]))(components)


def margin(components: np.ndarray) -> np.ndarray:
    """κ = 1/‖w‖ of a max-margin student, w of margin 1."""
    return 1 / np.linalg.norm(components[..., :3], axis=-1)
