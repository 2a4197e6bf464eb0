"""L-BFGS for convex losses of a few thousand parameters, in a few array operations a step.

With s_i and y_i the last m steps of the parameters and of the gradient, γ = sᵀy/yᵀy of the newest, R the upper
triangle of SᵀY and D its diagonal, the direction is −H g with (Byrd, Nocedal & Schnabel 1994, equation 3.1)::

    q = R⁻¹ Sᵀg
    u = R⁻ᵀ [(D + γ YᵀY) q − γ Yᵀg]
    H g = γ g + S u − γ Y q

A step along it is halved until the loss falls by 10⁻⁴ of what its slope promises.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtrtrs  # pyright: ignore[reportAttributeAccessIssue]

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Parameters (p,) → loss and gradient (p,)."""

MEMORY = 15  # m, steps remembered
DECREASE = 1e-4  # share of the promised decrease with which a step is accepted
SINGLE = 1e-6  # relative error of a loss in single precision
DOUBLE = 1e-12
HALVINGS = 12  # of a step, at most
LEAST_CURVATURE = 1e-10  # sᵀy over the lengths of s and y, below which it is lost in rounding


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Where the minimisation ended.

    Attributes:
        parameters: (p,).
        loss: There.
        gradient: There, (p,).
        n_evaluations: Times that loss and gradient were computed.
    """

    parameters: np.ndarray
    loss: float
    gradient: np.ndarray
    n_evaluations: int


class _Memory:
    """The last steps, and the products of the equations above."""

    def __init__(self, n_parameters: int) -> None:
        self.store = np.empty((2, 2 * MEMORY, n_parameters))  # the newest steps stand last in a window that moves on
        self.first = self.last = 0
        self.mixed = self.squared = np.empty((0, 0))

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        """Enters a step and the change of the gradient along it, unless the curvature is lost in rounding."""
        if not step @ change > LEAST_CURVATURE * np.sqrt((step @ step) * (change @ change)):
            return
        if self.last == 2 * MEMORY:
            self.store[:, :MEMORY] = self.store[:, MEMORY:]
            self.first, self.last = self.first - MEMORY, MEMORY
        if self.last - self.first == MEMORY:
            self.first += 1
            self.mixed, self.squared = self.mixed[1:, 1:], self.squared[1:, 1:]
        self.store[0, self.last], self.store[1, self.last] = step, change
        self.last += 1
        steps, changes = self.store[:, self.first : self.last]
        squared = changes @ change
        self.mixed = _bordered(self.mixed, changes @ step, steps @ change)
        self.squared = _bordered(self.squared, squared, squared)

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """−H g; without a memory −g."""
        if self.last == self.first:
            return -gradient
        steps, changes = self.store[:, self.first : self.last]
        diagonal = self.mixed.diagonal()
        scale = diagonal[-1] / self.squared[-1, -1]
        along, _ = dtrtrs(self.mixed, steps @ gradient)  # R alone is read of SᵀY
        curved = diagonal * along + scale * (self.squared @ along - changes @ gradient)
        back, _ = dtrtrs(self.mixed, curved, trans=1)
        return -(scale * gradient + back @ steps - scale * (along @ changes))


def _bordered(products: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """A matrix of products with the last row and column added; their last entries are the same."""
    wider = np.empty((row.size, row.size))
    wider[:-1, :-1], wider[-1], wider[:, -1] = products, row, column
    return wider


def minimise(
    loss: Loss,
    start: np.ndarray,
    *,
    is_done: Callable[[np.ndarray, np.ndarray], bool],
    iterations: int,
    rounding: float = SINGLE,
    first_length: float = 1.0,
) -> Minimum:
    """Goes down from ``start`` until it is done, the loss no longer falls, or the iterations are used up.

    Args:
        loss: Convex.
        start: (p,).
        is_done: Whether parameters with this gradient are near enough to the minimum, or not worth more steps.
        iterations: At most.
        rounding: Relative error of the loss.
        first_length: Of the first step, at most.
    """
    value, gradient = loss(start)
    place, evaluations, memory = start, 1, _Memory(start.size)
    for iteration in range(iterations):
        if is_done(place, gradient):
            break
        direction, size = memory.direction(gradient), 1.0
        if iteration == 0:
            direction = direction * min(1.0, first_length / max(float(np.linalg.norm(gradient)), 1e-300))
        slope = float(direction @ gradient)
        for _ in range(HALVINGS):
            new_place = place + size * direction
            new_value, new_gradient = loss(new_place)
            evaluations += 1
            if new_value <= value + DECREASE * size * slope + rounding * abs(value):
                break
            size /= 2
        else:
            break
        memory.add(new_place - place, new_gradient - gradient)
        place, value, gradient = new_place, new_value, new_gradient
    return Minimum(parameters=place, loss=value, gradient=gradient, n_evaluations=evaluations)
