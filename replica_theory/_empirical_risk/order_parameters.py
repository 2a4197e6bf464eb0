"""Order parameters of a student that minimises regularised risk."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OrderParameters:
    """A student x = (a₁, a₂, b) and the scale V, at some α and λ.

    Attributes:
        alpha: α, kept examples per dimension.
        ridge: λ.
        components: (a₁, a₂, b), of w along the probe, across it towards the teacher, and outside their plane, (3,); of
            several sources one on each axis that they know, and b.
        scale: V of the proximal operator, an example's change of field per unit force on it.
    """

    alpha: float
    ridge: float
    components: np.ndarray
    scale: float


def extrapolated(before: OrderParameters, last: OrderParameters, share: float) -> tuple[np.ndarray, float]:
    """Components and V beyond the last of two points by this share of their distance, linear in a, ln b and ln V."""
    a = last.components[:-1] + share * (last.components[:-1] - before.components[:-1])
    b = last.components[-1] * (last.components[-1] / before.components[-1]) ** share
    return np.append(a, b), last.scale * (last.scale / before.scale) ** share
