"""The named losses, and the regularised risk that theory and simulation share."""

import math
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from replica_theory.losses.base import Loss, Proximal
from replica_theory.losses.ridgeless import HardMargin, Interpolation

_ITERATIONS = 60
_TINY = 1e-300
_SMALL_STEP = 1e-6  # whose cube is nothing


class Square(Loss):
    """½ (1 − u)²."""

    name, smoothness = "square", 1.0

    def value(self, field: np.ndarray) -> np.ndarray:
        return 0.5 * np.square(1 - np.asarray(field))

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return np.asarray(field) - 1.0

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.ones_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return (omega + np.asarray(scale)) / (1 + np.asarray(scale))

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([0.0]), np.array([-1.0])

    @property
    def ridgeless(self) -> Loss:
        return Interpolation()


class SquaredHinge(Loss):
    """½ (1 − u)₊², the square loss on examples short of margin 1."""

    name, smoothness = "squared_hinge", 1.0

    def value(self, field: np.ndarray) -> np.ndarray:
        return 0.5 * np.square(np.maximum(1 - np.asarray(field), 0.0))

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return np.minimum(np.asarray(field) - 1.0, 0.0)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) <= 1, 1.0, 0.0)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.where(np.asarray(omega) < 1, (omega + np.asarray(scale)) / (1 + np.asarray(scale)), omega)

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([0.0, 1.0]), np.array([-1.0, 0.0])

    @property
    def ridgeless(self) -> Loss:
        return HardMargin()


class Hinge(Loss):
    """(1 − u)₊, the loss of the soft-margin support vector machine."""

    name, smoothness = "hinge", math.inf

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.maximum(1 - np.asarray(field), 0.0)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) <= 1, -1.0, 0.0)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.zeros_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.minimum(omega + np.asarray(scale), 1.0))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        omega = np.asarray(omega)
        return self.proximal(omega, scale), np.where((omega < 1 - np.asarray(scale)) | (omega > 1), 1.0, 0.0)

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([0.0, 1.0, 1.0]), np.array([-1.0, -1.0, 0.0])

    @property
    def ridgeless(self) -> Loss:
        return HardMargin()


class Logistic(Loss):
    """ln(1 + e^{−u})."""

    name, smoothness = "logistic", 0.25
    _fields = np.append(np.arange(0.0, 29.0, 1.7), 40.0)  # prox is the logarithm of ω up to |p| = ln V
    _fields = np.concatenate([-_fields[:0:-1], _fields])
    _sparse = np.isin(np.abs(_fields).round(1), [8.5, 15.3, 25.5, 40.0])  # enough beyond it

    def value(self, field: np.ndarray) -> np.ndarray:
        return -log_expit(field)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return -expit(-np.asarray(field))

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        less_likely = np.exp(-np.abs(field))
        return less_likely / (1 + less_likely) ** 2

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        """The root of p − V/(1 + eᵖ) = ω, by Halley's method, which cannot overshoot at any V.

        The root at ω < −V/2 is minus that at −ω − V, so that p ≥ 0 without loss. There the left side is
        concave, and the start is above the root by ln 2 at most, or below by as little as rounding: it neglects 1
        beside eᵖ, which gives Wright's ω function. An error e becomes e³ or less.
        """
        omega, scale = np.asarray(omega, dtype=float), np.asarray(scale, dtype=float)
        mirrored = omega < -scale / 2
        centre = np.where(mirrored, -omega - scale, omega)
        above = np.minimum(centre + wright_omega(np.log(scale) - centre), centre + scale / 2)
        field = np.maximum(above, 0.0)
        for _ in range(_ITERATIONS):
            likely = np.exp(-field)
            pull = scale * likely / (1 + likely)
            bend = pull / (1 + likely)
            slope = 1 + bend
            step = (field - pull - centre) / slope
            step /= 1 + step * bend * (1 - likely) / (2 * slope * (1 + likely))
            field = np.maximum(field - step, 0.0)
            if np.max(np.abs(step), initial=0.0) <= _SMALL_STEP:
                break
        return np.where(mirrored, -field, field)

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return self._fields, self.derivative(self._fields)

    def marks(self, scale: np.ndarray | float) -> np.ndarray:
        dense = np.log1p(np.max(scale)) + 4.0
        fields = self._fields[(np.abs(self._fields) < dense) | self._sparse]
        return fields + np.asarray(scale)[..., None] * self.derivative(fields)

    @property
    def is_smooth(self) -> bool:
        return True


def wright_omega(x: np.ndarray) -> np.ndarray:
    """The root of w + ln w = x to 1e-4, relative where it is small and absolute where it is large.

    One step of Newton's method from the start of Iacono & Boyd 2017 (Adv. Comput. Math. 43), in functions that
    processors evaluate many at once.
    """
    soft = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    start = np.maximum(soft * (1 - np.log1p(soft) / (2 + soft)), _TINY)
    return start * (1 + x - np.log(start)) / (1 + start)


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (Square(), Logistic(), Hinge(), SquaredHinge())}


def check_loss(loss: Any) -> Loss | Proximal:
    """Returns the loss of this name, or the object itself if it has a proximal operator and a value.

    Raises:
        ValueError: The name is unknown, or the object lacks a method.
    """
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if isinstance(loss, str) or not isinstance(loss, Proximal) or isinstance(loss, type):
        names = ", ".join(f'"{name}"' for name in LOSSES)
        raise ValueError(f"`loss` must be {names}, or an object with methods value and proximal; got {loss!r}")
    return loss
