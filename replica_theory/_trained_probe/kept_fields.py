"""Kept examples at quadrature nodes of the earlier learners' cavity fields.

An example is known to a learner by its folded teacher field s = y u and, for every earlier learner j, by the margin
f_j that training gave it and the force G_j = −ℓ_j'(f_j) with which it pulled (0 if j was not trained on it). At a node,
f_j and G_j are numbers and s is N(mean, spread²) times the chance of its sign:

    density of s = N(s; mean, spread²) · 2 [(1 − η) 1(s > 0) + η 1(s < 0)],      η the label noise
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.gaussian import FAR, normal_density
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory.losses.base import Loss


@dataclass(frozen=True, kw_only=True)
class KeptFields:
    """Kept examples by the fields of J earlier learners, in n nodes.

    Attributes:
        weight: (n,), probability in the pool of being at the node and kept, the label's factor left out.
        mean: (n,), mean of s there, before the label's factor.
        spread: (n,), its standard deviation.
        margins: (J, n), f_j/‖p_j‖.
        forces: (J, n), G_j/√(E G_j²).
        loss_weight: By which a student's loss is multiplied, (n,) or a number.
    """

    weight: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    margins: np.ndarray
    forces: np.ndarray
    loss_weight: np.ndarray | float

    def moments(self, label_noise: float) -> np.ndarray:
        """E[k φ φᵀ] over the pool, φ = (1, s, f_1.., G_1..), (2 + 2J, 2 + 2J)."""
        n0, n1, n2 = label_moments(self.mean / self.spread, label_noise) * self.weight
        features = np.concatenate([np.ones((1, n0.size)), np.zeros((1, n0.size)), self.margins, self.forces])
        second = (features * n0) @ features.T
        second[1] = second[:, 1] = features @ (self.mean * n0 + self.spread * n1)
        second[1, 1] = np.sum(self.mean * (self.mean * n0 + 2 * self.spread * n1) + self.spread**2 * n2)
        return second

    def squares(self, label_noise: float) -> np.ndarray:
        """E[k φ_i²] over the pool, φ = (s, f_1.., G_1..), (1 + 2J,); of a force at least E[k], its value at random.

        That is the scale of (S3) where next to nothing is kept on which an earlier learner pulled.
        """
        n0, n1, n2 = label_moments(self.mean / self.spread, label_noise) * self.weight
        s = np.sum(self.mean * (self.mean * n0 + 2 * self.spread * n1) + self.spread**2 * n2)
        return np.concatenate([[s], self.margins**2 @ n0, np.maximum(self.forces**2 @ n0, n0.sum())])


class Pool(Protocol):
    """A pool of which a part is kept."""

    def fields(self, student: OrderParameters, loss: Loss, order: int) -> KeptFields:
        """Its kept examples, in panels of ``order`` nodes as fine as this student of this loss asks for."""
        ...


class UnseenPool:
    """The whole pool, J = 0: no learner has seen it."""

    def fields(self, student: OrderParameters, loss: Loss, order: int) -> KeptFields:
        one, none = np.ones(1), np.empty((0, 1))
        return KeptFields(weight=one, mean=np.zeros(1), spread=one, margins=none, forces=none, loss_weight=1.0)


def label_chance(argument: np.ndarray, label_noise: float) -> np.ndarray:
    """E over ν ~ N(0, 1) of the label's factor where s > 0 means ν > −argument."""
    return 2 * label_noise + 2 * (1 - 2 * label_noise) * ndtr(argument)


def label_moments(argument: np.ndarray, label_noise: float) -> np.ndarray:
    """E over ν ~ N(0, 1) of (1, ν, ν²) times the label's factor where s > 0 means ν > −argument, (3, ...)."""
    argument = np.clip(argument, -FAR, FAR)
    moments = np.empty((3, *argument.shape))
    moments[0] = label_chance(argument, label_noise)
    moments[1] = 2 * (1 - 2 * label_noise) * normal_density(argument)
    moments[2] = moments[0] - argument * moments[1]
    return moments
