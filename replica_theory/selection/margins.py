"""How the signed margins of a pool are distributed: what a rule that ranks asks before it can say what it keeps."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.special import erfinv, ndtr, ndtri

from replica_theory._numerics.one_variable import root
from replica_theory.errors import check_probe_angle
from replica_theory.selection.kept_distribution import Probability, mean_keep_probability
from replica_theory.selection.label_chance import Flips, LabelChance
from replica_theory.selection.label_noise import Noise, check_label_noise, label_of

_FARTHEST = 38.0  # |m| beyond which the normal distribution underflows


class MarginDistribution(ABC):
    """The distribution of signed margins m over an infinite pool.

    Equal margins of many examples are told apart: m is then a coordinate that grows with the margin and, among
    equals, with the place in which they are ranked.
    """

    @property
    @abstractmethod
    def has_errors(self) -> bool:
        """Whether any margin is negative."""

    @abstractmethod
    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        """m, or |m| unless ``label_aware``, with these shares of the pool below and above it, which add up to 1."""

    @abstractmethod
    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        """E q(m), for q that is smooth between the edges."""

    @abstractmethod
    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        """m of these y z, z the field of the unit-norm probe."""

    @abstractmethod
    def as_function_of_margin(self, probability: Probability) -> Probability:
        """q(m), given q as a function of y z, z the field of the unit-norm probe."""


class IndependentMargins(MarginDistribution):
    """m = y z of a probe that knows nothing of the pool: density 2 φ(m) [η + (1 − 2η) Φ(m cot θ)].

    Args:
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η in [0, 1/2], or a `LabelNoise`.

    Raises:
        ValueError: A parameter is out of range.
    """

    def __init__(self, probe_angle: float, label_noise: Noise) -> None:
        self.probe_angle = check_probe_angle(probe_angle)
        self.label_noise = check_label_noise(label_noise)
        self.label = label_of(self.label_noise)

    @property
    def has_errors(self) -> bool:
        return self.probe_angle > 0 or self.label_noise != 0

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        if label_aware and self.has_errors:
            return _signed_quantile(self.label, self.probe_angle, below, above)
        return math.sqrt(2) * float(erfinv(below)) if below < 0.5 else -float(ndtri(above / 2))

    def skew(self, margin: np.ndarray) -> np.ndarray:
        """Φ(m) minus the share of the pool below m."""
        return _skew(self.label, self.probe_angle, margin)

    def chance_right(self, distance: np.ndarray) -> np.ndarray:
        """P(y z > 0) at this |z|."""
        return self.label.mean(math.cos(self.probe_angle) * distance, math.sin(self.probe_angle))

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        return mean_keep_probability(
            probability, edges=tuple(edges), probe_angle=self.probe_angle, label_noise=self.label_noise
        )

    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        return tuple(edges)

    def as_function_of_margin(self, probability: Probability) -> Probability:
        return probability


def _skew(label: LabelChance, probe_angle: float, margin: np.ndarray) -> np.ndarray:
    """Φ(m) minus the share of the pool below m."""
    return label.skew(margin, math.cos(probe_angle), math.sin(probe_angle))


def _signed_quantile(label: LabelChance, probe_angle: float, below: float, above: float) -> float:
    """Root of the skew-normal distribution function Φ(m) − skew(m)."""
    if isinstance(label, Flips):  # which its numbers determine
        return _remembered_quantile(label, probe_angle, below, above)
    return _found_quantile(label, probe_angle, below, above)


def _found_quantile(label: LabelChance, probe_angle: float, below: float, above: float) -> float:
    def excess(m: float) -> float:
        skew = float(_skew(label, probe_angle, np.array(m)))
        return ndtr(m) - skew - below if below < above else above - ndtr(-m) - skew

    return root(excess, -_FARTHEST, _FARTHEST, xtol=1e-15, rtol=1e-15)


_remembered_quantile = lru_cache(maxsize=1024)(_found_quantile)
