"""What a convex loss ℓ(u) of a labelled field u = y w·x must offer to theory and simulation.

What the theory needs of a loss is its proximal operator

    prox_{Vℓ}(ω) = argmin_u ℓ(u) + (u − ω)²/(2V),

the field that an example attains after training when the rest of the data would give it ω.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

Weight = Callable[[np.ndarray], np.ndarray]


@runtime_checkable
class Proximal(Protocol):
    """What a loss of one's own must offer, both vectorised: ℓ(u), convex, and its proximal operator."""

    def value(self, field: np.ndarray) -> np.ndarray:
        """ℓ(u)."""
        ...

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """argmin_u ℓ(u) + (u − ω)²/(2V), V = ``scale`` > 0, which broadcasts against ω."""
        ...


class Loss(ABC):
    """A named convex loss with derivatives.

    Attributes:
        name: What it is called in `check_loss`.
        smoothness: Largest ℓ''; infinite where ℓ' jumps.
    """

    name: str
    smoothness: float

    @abstractmethod
    def value(self, field: np.ndarray) -> np.ndarray:
        """ℓ(u)."""

    @abstractmethod
    def derivative(self, field: np.ndarray) -> np.ndarray:
        """ℓ'(u); where it jumps, its limit from below."""

    @abstractmethod
    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        """ℓ''(u); where it jumps, its limit from below; 0 where ℓ' jumps."""

    @abstractmethod
    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """argmin_u ℓ(u) + (u − ω)²/(2V), V = ``scale`` > 0, which broadcasts against ω."""

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """The proximal operator and ∂prox/∂ω = 1/(1 + V ℓ''(prox)), in [0, 1]."""
        field = self.proximal(omega, scale)
        return field, 1 / (1 + scale * self.second_derivative(field))

    @property
    @abstractmethod
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        """Fields u and slopes there, among them u = 0: prox is smooth between the ω = u + V slope."""

    def marks(self, scale: np.ndarray | float) -> np.ndarray:
        """ω, (..., marks), between which prox_{Vℓ} is smooth, for V of shape (...)."""
        fields, slopes = self.landmarks
        return fields + np.asarray(scale)[..., None] * slopes

    @property
    def is_smooth(self) -> bool:
        """Whether the landmarks are scales of a smooth function, not corners."""
        return False

    @property
    def ridgeless(self) -> "Loss | None":
        """The constraint that replaces the loss as ridge → 0 where its minimum can be attained; none if it has none."""
        return None
