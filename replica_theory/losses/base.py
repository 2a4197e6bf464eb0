"""What a convex loss ℓ(u) of a labelled field u = y w·x must offer to theory and simulation.

What the theory needs of a loss is its proximal operator

    prox_{Vℓ}(ω) = argmin_u ℓ(u) + (u − ω)²/(2V),

the field that an example attains after training when the rest of the data would give it ω.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np

from replica_theory.losses.breakpoints import Breakpoints

LossName = Literal["square", "logistic", "hinge", "squared_hinge"]
Weight = Callable[[np.ndarray], np.ndarray]


@runtime_checkable
class Proximal(Protocol):
    """What a loss of one's own must offer, both vectorised: ℓ(u), convex, and its proximal operator.

    It may offer ``slope(omega, scale)`` too, ∂prox/∂ω in [0, 1], which is differenced otherwise.

    Example: Huber's hinge, linear below u = 0 and the squared hinge above::

        class HuberHinge:
            def value(self, field):
                return np.where(field < 0, 0.5 - field, 0.5 * np.maximum(1 - field, 0.0) ** 2)

            def proximal(self, omega, scale):
                middle = (omega + scale) / (1 + scale)
                return np.where(omega > 1, omega, np.where(middle > 0, middle, omega + scale))
    """

    def value(self, field: np.ndarray) -> np.ndarray:
        """ℓ(u)."""
        ...

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """argmin_u ℓ(u) + (u − ω)²/(2V), V = ``scale`` > 0, which broadcasts against ω."""
        ...


class Loss(ABC):
    """A convex loss as the saddle point needs it.

    Attributes:
        breakpoints: Where ℓ is not smooth.
        ridgeless_limit: The constraint "ℓ is least" which replaces the loss as λ → 0 where all kept examples can
            meet it; None for a loss that keeps its own form.
        attains_infimum: Whether ℓ is least at a finite u. If not, separable examples have no minimiser at λ = 0.
    """

    breakpoints: Breakpoints
    ridgeless_limit: "Loss | None" = None
    attains_infimum: bool = True

    @abstractmethod
    def value(self, field: np.ndarray) -> np.ndarray:
        """ℓ(u)."""

    @abstractmethod
    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """argmin_u ℓ(u) + (u − ω)²/(2V), V = ``scale`` > 0, which broadcasts against ω."""

    @abstractmethod
    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """prox_{Vℓ}(ω) and its slope ∂prox/∂ω, in [0, 1]."""


LossLike: TypeAlias = LossName | Loss | Proximal


def checked_weights(weight: Weight, margin: np.ndarray) -> np.ndarray:
    """Weights of the loss at these margins, or raises unless they are positive numbers, one per margin."""
    weights = np.asarray(weight(margin), dtype=float)
    if weights.shape != margin.shape or not np.all((weights > 0) & np.isfinite(weights)):
        raise ValueError(
            f"`sample_weight` must return finite weights > 0 of its argument's shape {margin.shape}; got shape "
            f"{weights.shape}, from {weights.min()} to {weights.max()}"
        )
    return weights
