"""Where a loss or its slope is not smooth, which quadrature must know."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Breakpoints:
    """Fields u_k and slopes ℓ'(u_k) of a loss between which it is smooth; where ℓ' jumps, u_k stands twice.

    Attributes:
        fields: u_k, (breakpoints,); u = 0, where training errors begin, is among those of a loss.
        slopes: ℓ'(u_k), (breakpoints,).
        corners: Whether ℓ' or ℓ'' jumps there; else they are the scales of a smooth function.
    """

    fields: np.ndarray
    slopes: np.ndarray
    corners: bool = True

    def of_proximal(self, scale: np.ndarray | float) -> np.ndarray:
        """ω_k = u_k + V ℓ'(u_k), (..., breakpoints), between which prox_{Vℓ} is smooth, for V of shape (...)."""
        return self.fields + np.asarray(scale)[..., None] * self.slopes
