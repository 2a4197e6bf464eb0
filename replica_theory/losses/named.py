"""The named losses with their derivatives and proximal operators: the one place of their formulas.

``value``, ``derivative`` and ``second_derivative`` use the functions that array libraries share, so that they take
arrays of NumPy and of JAX alike, under ``jit`` too; ``proximal`` is for NumPy.
"""

import math
from abc import abstractmethod
from functools import cached_property
from types import ModuleType
from typing import ClassVar

import numpy as np
from scipy.special import expit

from replica_theory.losses.base import Loss, LossName, Proximal
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.losses.ridgeless import HardMargin, Interpolation

_HALLEY_STEPS = 60  # steps of Halley's method at most; three serve as a rule
_LAST_STEP = 1e-5  # step in p at which it ends: the error after a step e is of the order of e³
_LEAST_OMEGA = 1e-300  # value of Wright's ω where it underflows
# Ends in u of panels on which ln(1 + e^{−u}) is resolved: up to ln V, which a ridge of 1e-100 takes to 230
_POSITIVE_FIELDS = np.sort(np.append(np.arange(1.7, 260.0, 1.7), 40.0))
_LOGISTIC_FIELDS = np.concatenate([-_POSITIVE_FIELDS[::-1], [0.0], _POSITIVE_FIELDS])
_NEAR_FIELD = 4.0  # largest |u| − ln(1 + V) at which panels must be as narrow as these
_FAR_FIELDS = (8.5, 15.3, 25.5, 40.0)  # ends in |u| of the wider panels farther out


class NamedLoss(Loss):
    """A named convex loss with derivatives.

    Attributes:
        name: As in ``empirical_risk(loss=...)``.
        smoothness: Largest ℓ''; infinite where ℓ' jumps.
    """

    name: ClassVar[LossName]
    smoothness: ClassVar[float]

    @abstractmethod
    def derivative(self, field: np.ndarray) -> np.ndarray:
        """ℓ'(u); where it jumps, its limit from below."""

    @abstractmethod
    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        """ℓ''(u); where it jumps, its limit from below; 0 where ℓ' jumps."""

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """p = prox_{Vℓ}(ω) and ∂p/∂ω = 1/(1 + V ℓ''(p))."""
        field = self.proximal(omega, scale)
        return field, 1 / (1 + scale * self.second_derivative(field))


class Square(NamedLoss):
    """½ (1 − u)²."""

    name, smoothness = "square", 1.0
    breakpoints = Breakpoints(fields=np.array([0.0]), slopes=np.array([-1.0]))
    ridgeless_limit = Interpolation()

    def value(self, field: np.ndarray) -> np.ndarray:
        return 0.5 * (1 - field) ** 2

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return field - 1.0

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return _library(field).ones_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return (omega + np.asarray(scale)) / (1 + np.asarray(scale))


class SquaredHinge(NamedLoss):
    """½ (1 − u)₊², the square loss on examples short of margin 1."""

    name, smoothness = "squared_hinge", 1.0
    breakpoints = Breakpoints(fields=np.array([0.0, 1.0]), slopes=np.array([-1.0, 0.0]))
    ridgeless_limit = HardMargin()

    def value(self, field: np.ndarray) -> np.ndarray:
        return 0.5 * _library(field).maximum(1 - field, 0.0) ** 2

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return _library(field).minimum(field - 1.0, 0.0)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return _library(field).where(field <= 1, 1.0, 0.0)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.where(np.asarray(omega) < 1, (omega + np.asarray(scale)) / (1 + np.asarray(scale)), omega)


class Hinge(NamedLoss):
    """(1 − u)₊, the loss of the soft-margin support vector machine."""

    name, smoothness = "hinge", math.inf
    breakpoints = Breakpoints(fields=np.array([0.0, 1.0, 1.0]), slopes=np.array([-1.0, -1.0, 0.0]))
    ridgeless_limit = HardMargin()

    def value(self, field: np.ndarray) -> np.ndarray:
        return _library(field).maximum(1 - field, 0.0)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return _library(field).where(field <= 1, -1.0, 0.0)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return _library(field).zeros_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.minimum(omega + np.asarray(scale), 1.0))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        omega = np.asarray(omega)
        return self.proximal(omega, scale), np.where((omega < 1 - np.asarray(scale)) | (omega > 1), 1.0, 0.0)


class LogisticBreakpoints(Breakpoints):
    """Scales of the logistic loss: prox is the logarithm of ω up to |p| ≈ ln V, where panels must be dense."""

    @cached_property
    def _distances(self) -> np.ndarray:
        """|u_k|; zero where panels end at every V."""
        return np.where(np.isin(np.abs(self.fields).round(1), _FAR_FIELDS), 0.0, np.abs(self.fields))

    def of_proximal(self, scale: np.ndarray | float) -> np.ndarray:
        needed = self._distances < np.log1p(np.max(scale)) + _NEAR_FIELD
        return self.fields[needed] + np.asarray(scale)[..., None] * self.slopes[needed]


class Logistic(NamedLoss):
    """ln(1 + e^{−u}), in functions of e^{−|u|} that do not overflow."""

    name, smoothness = "logistic", 0.25
    breakpoints = LogisticBreakpoints(fields=_LOGISTIC_FIELDS, slopes=-expit(-_LOGISTIC_FIELDS), corners=False)
    attains_infimum = False

    def value(self, field: np.ndarray) -> np.ndarray:
        xp = _library(field)
        return xp.maximum(-field, 0.0) + xp.log1p(xp.exp(-abs(field)))

    def derivative(self, field: np.ndarray) -> np.ndarray:
        """−1/(1 + eᵘ)."""
        xp = _library(field)
        small = xp.exp(-abs(field))
        return -xp.where(field > 0, small, 1.0) / (1 + small)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        """e^{−u}/(1 + e^{−u})²."""
        small = _library(field).exp(-abs(field))
        return small / (1 + small) ** 2

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
        for _ in range(_HALLEY_STEPS):
            likely = np.exp(-field)
            pull = scale * likely / (1 + likely)  # −V ℓ'(p)
            bend = pull / (1 + likely)  # V ℓ''(p)
            slope = 1 + bend
            step = (field - pull - centre) / slope
            step /= 1 + step * bend * (1 - likely) / (2 * slope * (1 + likely))
            field = np.maximum(field - step, 0.0)
            if np.max(np.abs(step), initial=0.0) <= _LAST_STEP:
                break
        return np.where(mirrored, -field, field)


def wright_omega(x: np.ndarray) -> np.ndarray:
    """The root of w + ln w = x to 1e-4, relative where it is small and absolute where it is large.

    One step of Newton's method from the start of Iacono & Boyd 2017 (Adv. Comput. Math. 43), in functions that
    processors evaluate many at once.
    """
    soft = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    start = np.maximum(soft * (1 - np.log1p(soft) / (2 + soft)), _LEAST_OMEGA)
    return start * (1 + x - np.log(start)) / (1 + start)


def _library(field: np.ndarray | float) -> ModuleType:
    """The array library of the field; NumPy for plain numbers."""
    return np if isinstance(field, float | int) else field.__array_namespace__()


LOSSES: dict[LossName, NamedLoss] = {loss.name: loss for loss in (Square(), Logistic(), Hinge(), SquaredHinge())}


def check_loss(loss: object) -> Loss | Proximal:
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
