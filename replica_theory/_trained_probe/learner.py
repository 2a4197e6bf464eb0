"""What training has made of a learner, as a rule that ranks by its margins sees it.

z is the cavity field of an example over the learner's norm. Where the learner was trained on the example, the margin
is f = prox_{Vℓ}(‖p‖ z) and the force G = (f − ‖p‖ z)/V; on any other, f = ‖p‖ z and G = 0.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory._trained_probe.constraints import slope_of
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory.losses.base import Loss
from replica_theory.losses.named import Hinge, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin

MarginFunction = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Learner(ABC):
    """A trained learner, and the distribution of z over the examples that are ranked.

    Attributes:
        loss: ℓ.
        alpha: α of the pool, examples per dimension.
        share: ψ, share of the ranked examples that it was trained on.
        ridge: λ.
        label_noise: η.
        student: Its order parameters.
    """

    loss: Loss
    alpha: float
    share: float
    ridge: float
    label_noise: float
    student: OrderParameters

    @property
    def scale(self) -> float:
        """V."""
        return self.student.scale

    @property
    @abstractmethod
    def norm(self) -> float:
        """‖p‖."""

    @property
    @abstractmethod
    def force_size(self) -> float:
        """√(E G²) over the pool, those outside the training set included."""

    @abstractmethod
    def below(self, z: float, *, trained: bool) -> float:
        """P(z' < z) over ranked examples that it was trained on, or over the others."""

    @abstractmethod
    def above(self, z: float, *, trained: bool) -> float:
        """P(z' > z), without cancellation."""

    @abstractmethod
    def mean(self, lower: float, upper: float, keep: MarginFunction, *, trained: bool) -> float:
        """E of a function of f over examples of this kind, zero outside lower < z < upper."""

    @property
    def ties(self) -> tuple[float, float] | None:
        """z between which all training examples have margin 1; none if the loss has no corner."""
        if isinstance(self.loss, Hinge):
            return (1 - self.scale) / self.norm, 1 / self.norm
        return (-math.inf, 1 / self.norm) if isinstance(self.loss, HardMargin) else None

    @property
    def pulls_below(self) -> float:
        """z below which its force is not 0."""
        return 1 / self.norm if isinstance(self.loss, (Hinge, SquaredHinge, HardMargin)) else math.inf

    def margin(self, z: np.ndarray, *, trained: bool) -> np.ndarray:
        """f at z."""
        return self.loss.proximal(self.norm * z, self.scale) if trained else self.norm * z

    def force(self, z: np.ndarray, margin: np.ndarray) -> np.ndarray:
        """G over its size √(E G²)."""
        return (margin - self.norm * z) / (self.scale * self.force_size)

    def cavity(self, margin: float) -> float:
        """z of the training examples of this margin, away from ties: ‖p‖ z = f + V ℓ'(f)."""
        if not math.isfinite(margin):
            return margin
        return (margin + self.scale * slope_of(self.loss, margin)) / self.norm
