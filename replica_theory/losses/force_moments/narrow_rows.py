"""Moments of logistic forces whose fields spread little, by Gauss–Hermite quadrature."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.losses.force_moments.base import row_blocks
from replica_theory.losses.named import Logistic

NARROW = 0.3  # c below which few Gauss–Hermite nodes serve
_SLACK = 1.25  # factor by which c may grow before the rows are grouped anew
_LAST_STEP = 1e-5  # step in p at which Halley's method ends: an error e becomes e³
_LARGEST_STEP = 1.0  # step in p beyond which the field is solved for afresh
_NEAR_STEPS = 3  # steps from a guess before the field is solved for afresh


@dataclass(eq=False)
class NarrowRows:
    """Rows of small c, by a Gauss–Hermite rule; fields p of the last call are the next call's first guess.

    Attributes:
        loss: The logistic loss.
        order: Nodes.
    """

    loss: Logistic
    order: int

    def __post_init__(self) -> None:
        self._fields: list[np.ndarray] = []

    @cached_property
    def _rule(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights of a standard Gaussian, (order,)."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(self.order)
        return nodes, weights / weights.sum()

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether c is still small."""
        return bool(deviation.max(initial=0.0) < _SLACK * NARROW)

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """``ForceMoments``, (5, rows)."""
        parts = list(row_blocks(len(mean), self.order))
        last: list[np.ndarray | None] = [*self._fields] if self._fields else [None] * len(parts)
        moments, self._fields = np.empty((5, len(mean))), []
        for block, guess in zip(parts, last, strict=True):
            fields = self._proximal(mean[block] + self._rule[0][:, None] * deviation[block], scale[block], guess)
            moments[:, block] = self._of_fields(fields, scale[block])
            self._fields.append(fields)
        return moments

    def _of_fields(self, fields: np.ndarray, scale: np.ndarray) -> np.ndarray:
        likely = np.exp(-np.abs(fields))
        away = 1 / (1 + likely)
        force = np.where(fields > 0, likely, 1.0) * away
        curvature = likely * away * away  # ℓ'', whose slope is −ℓ'' (1 − 2 f)
        stiffness = 1 / (1 + scale * curvature)
        slope = curvature * stiffness
        bend = slope * stiffness**2 * (2 * force - 1)  # ∂u/∂ω
        return np.stack([self._rule[1] @ of for of in (force, force**2, slope, -2 * force * slope, bend)])

    def _proximal(self, omega: np.ndarray, scale: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
        """Root of p − S/(1 + eᵖ) = ω by Halley's method from a guess, or afresh where that is far away."""
        fields, steps = (omega, 0) if guess is None else (guess, _NEAR_STEPS)
        for _ in range(steps):
            likely = np.exp(np.minimum(fields, 700.0))
            pull = scale / (1 + likely)
            bend = pull * likely / (1 + likely)
            slope = 1 + bend
            step = (fields - pull - omega) / slope
            step /= 1 + step * bend * (likely - 1) / (2 * slope * (1 + likely))
            largest = np.abs(step).max(initial=0.0)
            if not largest < _LARGEST_STEP:
                break
            fields = fields - step
            if largest < _LAST_STEP:
                return fields
        return self.loss.proximal(omega, np.broadcast_to(scale, omega.shape))
