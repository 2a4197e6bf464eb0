"""Wrong labels: at one rate, or with a chance that depends on the teacher's field."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy.special import expit, ndtr

from replica_theory.errors import check_number
from replica_theory.selection.jumps import jumps_and_corners
from replica_theory.selection.label_chance import Flips, LabelChance, LabelFunction, SmearedSteps

_LARGEST_SCALE = 1e6  # beyond which labels are coins
_MIXED = 14  # normal distributions that stand for a logistic one, to 1e-10
_LEAST_K, _MOST_K, _K_NODES = 0.1, 5.0, 400  # range and nodes of the Kolmogorov distribution
_SAMPLES = np.linspace(0.0, 10.0, 2001)  # |u| at which a chance is checked
_REACH = 8.5  # largest |u| whose jump counts


class LabelNoise(ABC):
    """The chance e(|u|) that a label is wrong, given the teacher's field u = T·x."""

    @abstractmethod
    def flip_chance(self, distance: np.ndarray) -> np.ndarray:
        """e(|u|), in [0, 1]."""

    @property
    @abstractmethod
    def label(self) -> LabelChance:
        """The chance of the label +1 by u."""


@dataclass(frozen=True)
class FlipNoise(LabelNoise):
    """Every label is flipped with the same chance; ``label_noise=0.1`` is short for ``FlipNoise(0.1)``.

    Args:
        rate: η in [0, 1/2].

    Raises:
        ValueError: The rate is out of range.

    Example:
        >>> from replica_theory import FlipNoise, KeepRandom, empirical_risk
        >>> noisy = empirical_risk(2.0, loss="square", ridge=0.1, selection=KeepRandom(), label_noise=FlipNoise(0.1))
        >>> round(noisy.generalization_error, 4)
        0.2682
    """

    rate: float

    def __post_init__(self):
        if not 0.0 <= check_number(self.rate, "rate") <= 0.5:
            raise ValueError(f"`rate` must be in [0, 1/2]; got {self.rate} (beyond 1/2, flip every label)")

    def flip_chance(self, distance: np.ndarray) -> np.ndarray:
        return np.full_like(distance, self.rate, dtype=float)

    @property
    def label(self) -> Flips:
        return Flips(float(self.rate))


@dataclass(frozen=True)
class ProbitNoise(LabelNoise):
    """Labels of a teacher whose field is noisy, sign(u + scale ξ), ξ ~ N(0, 1): e(u) = Φ(−|u|/scale).

    Args:
        scale: In (0, 1e6], of the standard deviation of u.

    Raises:
        ValueError: The scale is out of range.

    Example:
        >>> import numpy as np
        >>> from replica_theory import ProbitNoise
        >>> ProbitNoise(0.5).flip_chance(np.array([0.0, 0.5])).round(4)
        array([0.5   , 0.1587])
    """

    scale: float

    def __post_init__(self):
        _check_scale(self.scale)

    def flip_chance(self, distance: np.ndarray) -> np.ndarray:
        return ndtr(-np.abs(distance) / self.scale)

    @property
    def label(self) -> SmearedSteps:
        return SmearedSteps(0.0, (1.0,), (0.0,), (float(self.scale),))


@dataclass(frozen=True)
class LogisticNoise(LabelNoise):
    """Labels of a logistic model, P(y = 1) = 1/(1 + exp(−u/scale)): e(u) = 1/(1 + exp(|u|/scale)).

    Args:
        scale: In (0, 1e6], of the standard deviation of u.

    Raises:
        ValueError: The scale is out of range.

    Example:
        >>> import numpy as np
        >>> from replica_theory import LogisticNoise
        >>> LogisticNoise(0.5).flip_chance(np.array([0.0, 0.5])).round(4)
        array([0.5   , 0.2689])
    """

    scale: float

    def __post_init__(self):
        _check_scale(self.scale)

    def flip_chance(self, distance: np.ndarray) -> np.ndarray:
        return expit(-np.abs(distance) / self.scale)

    @property
    def label(self) -> SmearedSteps:
        """A logistic variable is a normal one of random width, 2k scale, with k of Kolmogorov's distribution."""
        widths, shares = _kolmogorov_mixture()
        return SmearedSteps(0.0, shares, (0.0,) * _MIXED, tuple(2 * self.scale * width for width in widths))


@dataclass(frozen=True)
class FlipWithProbability(LabelNoise):
    """Labels that are wrong with any chance e(|u|).

    Args:
        probability: e, vectorised, of |u| ≥ 0; values in [0, 1].
        edges: |u| where e jumps or has a corner, beside those that are found: jumps by 1e-7 or more and changes of
            slope by 1e-4.

    Raises:
        ValueError: The function does not return chances, one for each |u|.

    Example:
        Labels that are wrong where the teacher is sure::

            FlipWithProbability(lambda distance: np.where(distance < 0.1, 0.05, 0.3))

    Example:
        >>> import numpy as np
        >>> from replica_theory import FlipWithProbability, KeepRandom, empirical_risk
        >>> noise = FlipWithProbability(lambda distance: np.where(distance < 0.1, 0.05, 0.3))
        >>> student = empirical_risk(5.0, loss="square", ridge=1.0, selection=KeepRandom(), label_noise=noise)
        >>> f"{student.generalization_error:.5f}"
        '0.30441'
    """

    probability: Callable[[np.ndarray], np.ndarray]
    edges: tuple[float, ...] = ()

    def __post_init__(self):
        if not callable(self.probability):
            raise ValueError(f"`probability` must be a function of |u|; got {self.probability!r}")
        if not all(check_number(edge, "edges") > 0 for edge in self.edges):
            raise ValueError(f"`edges` must be positive; got {self.edges}")
        self.flip_chance(_SAMPLES)

    def flip_chance(self, distance: np.ndarray) -> np.ndarray:
        distance = np.abs(np.asarray(distance, dtype=float))
        value = np.asarray(self.probability(distance), dtype=float)
        if value.shape != distance.shape or not np.all((value >= 0) & (value <= 1)):
            raise ValueError(
                "`probability` must return values in [0, 1], one for each |u|; "
                f"got shape {value.shape} of {distance.shape}, range [{value.min()}, {value.max()}]"
            )
        return value

    @property
    def label(self) -> LabelChance:
        return self._label

    @cached_property
    def _label(self) -> LabelChance:
        """Of a function that is constant between its edges, in closed form."""
        found = [edge for edge in jumps_and_corners(self.flip_chance) if 0 < edge < _REACH]
        edges = tuple(sorted({*map(float, self.edges), *found}))
        middles = (np.array([0.0, *edges]) + np.array([*edges, _REACH])) / 2
        levels = self.flip_chance(middles)
        inner = np.searchsorted(edges, _SAMPLES)
        away = np.min([np.abs(_SAMPLES - edge) for edge in (*edges, 0.0)], axis=0) > 1e-9
        if not np.array_equal(self.flip_chance(_SAMPLES)[away], levels[inner][away]):
            return LabelFunction(self.flip_chance, edges)
        falls = -np.diff(levels)
        rises = (*falls[::-1], 1 - 2 * levels[0], *falls)
        centres = (*(-edge for edge in reversed(edges)), 0.0, *edges)
        return SmearedSteps(float(levels[-1]), tuple(map(float, rises)), centres, (0.0,) * len(centres))


Noise = float | LabelNoise


def check_label_noise(label_noise: Noise) -> Noise:
    """Returns the chance of a wrong label, a number where it is the same for all; or raises a `ValueError`."""
    if isinstance(label_noise, FlipNoise):
        return float(label_noise.rate)
    if isinstance(label_noise, LabelNoise):
        return label_noise
    return check_flip_rate(label_noise)


def check_flip_rate(label_noise: Noise) -> float:
    """Returns the chance that a label is flipped, or raises unless it is one number in [0, 1/2]."""
    if isinstance(label_noise, FlipNoise):
        return float(label_noise.rate)
    if isinstance(label_noise, LabelNoise):
        raise ValueError(
            f"`label_noise` must be one chance for all labels here, a number in [0, 1/2]; got {label_noise}"
        )
    if not 0.0 <= check_number(label_noise, "label_noise") <= 0.5:
        raise ValueError(f"`label_noise` must be in [0, 1/2]; got {label_noise} (beyond 1/2, flip every label)")
    return float(label_noise)


def label_of(label_noise: Noise) -> LabelChance:
    """The chance of the label +1 by the teacher's field, of noise that was checked."""
    return label_noise.label if isinstance(label_noise, LabelNoise) else Flips(label_noise)


def _check_scale(scale: float) -> None:
    if not 0.0 < check_number(scale, "scale") <= _LARGEST_SCALE:
        raise ValueError(f"`scale` must be in (0, {_LARGEST_SCALE:g}]; got {scale} (without noise, leave it out)")


@cache
def _kolmogorov_mixture() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """k and shares of normal distributions of widths 2k whose mixture is the logistic one (Andrews & Mallows 1974).

    Gaussian quadrature in ln k with Kolmogorov's density, from its recurrence (Golub & Welsch 1969).
    """
    points, weights = np.polynomial.legendre.leggauss(_K_NODES)
    half = math.log(_MOST_K / _LEAST_K) / 2
    log_k = math.log(math.sqrt(_MOST_K * _LEAST_K)) + half * points
    mass = half * weights * np.exp(log_k) * _kolmogorov_density(np.exp(log_k))
    diagonal, beside = np.zeros(_MIXED), np.zeros(_MIXED)
    before, here = np.zeros_like(log_k), np.full_like(log_k, 1 / math.sqrt(mass.sum()))
    for order in range(_MIXED):
        diagonal[order] = mass @ (log_k * here**2)
        following = (log_k - diagonal[order]) * here - (beside[order - 1] * before if order else 0.0)
        beside[order] = math.sqrt(mass @ following**2)
        before, here = here, following / beside[order]
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return tuple(np.exp(nodes).tolist()), tuple((vectors[0] ** 2).tolist())


def _kolmogorov_density(k: np.ndarray) -> np.ndarray:
    """8k Σ (−1)^{n+1} n² exp(−2n²k²), at small k by the other form of the theta function."""
    n, odd = np.arange(1, 40)[:, None], np.arange(1, 40, 2)[:, None]
    large = 8 * k * np.sum((-1.0) ** (n + 1) * n**2 * np.exp(-2 * n**2 * k**2), axis=0)
    c = odd**2 * math.pi**2 / 8
    small = math.sqrt(2 * math.pi) * np.sum(np.exp(-c / k**2) * (2 * c / k**4 - 1 / k**2), axis=0)
    return np.where(k < 0.8, small, large)
