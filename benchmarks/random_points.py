"""Random points of max_margin's domain: every rule, every angle, logarithmically uniform sizes."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    Selection,
)

_FAMILIES = {"KeepHardest": 8, "KeepEasiest": 6, "KeepBetween": 4, "Calibrated": 4, "KeepRandom": 1, "logistic": 1}


@dataclass(frozen=True)
class Point:
    """A student of the theory."""

    alpha_prune: float
    selection: Selection
    degrees: float

    @property
    def family(self) -> str:
        """The rule's name, and whether it sees labels."""
        aware = getattr(self.selection, "label_aware", False)
        return type(self.selection).__name__ + (", label-aware" if aware else "")

    @property
    def probe_angle(self) -> float:
        return math.radians(self.degrees)


@dataclass(frozen=True)
class Logistic:
    """Keep probability 1/(1 + exp((|z| − place)/width))."""

    place: float
    width: float

    def __call__(self, probe_field: np.ndarray, label: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp((np.abs(probe_field) - self.place) / self.width))


def random_points(count: int, seed: int) -> list[Point]:
    """α from 0.05 to 1e5, f from 1e-6 to 1, θ from 0 to 90°."""
    rng = np.random.default_rng(seed)
    return [Point(float(10 ** rng.uniform(math.log10(0.05), 5)), _rule(rng), _degrees(rng)) for _ in range(count)]


def _degrees(rng: np.random.Generator) -> float:
    """Perfect probes, useless ones, and angles uniform in size or in magnitude down to 1e-6°."""
    candidates = [0.0, 90.0, rng.uniform(0, 90), 10 ** rng.uniform(-6, math.log10(90))]
    return float(rng.choice(candidates, p=[0.15, 0.05, 0.45, 0.35]))


def _rule(rng: np.random.Generator) -> Selection:
    family = rng.choice([name for name, share in _FAMILIES.items() for _ in range(share)])
    fraction, aware = float(10 ** rng.uniform(-6, 0)), bool(rng.integers(2))
    ranked = KeepHardest if family == "KeepHardest" or rng.random() < 0.5 else KeepEasiest
    if family == "KeepBetween":
        return _window(rng, fraction, aware)
    if family == "Calibrated":
        return Calibrated(ranked(fraction, aware), float(rng.random()))
    if family == "KeepRandom":
        return KeepRandom(fraction)
    if family == "logistic":
        chance = Logistic(float(rng.uniform(-1, 2)), float(10 ** rng.uniform(-0.7, 1)))
        return KeepWithProbability(chance, edges=(0.0,))
    return (KeepHardest if family == "KeepHardest" else KeepEasiest)(fraction, aware)


def _window(rng: np.random.Generator, fraction: float, aware: bool) -> KeepBetween:
    """Anywhere, or near the hardest."""
    lower = rng.uniform(0, 1 - fraction) if rng.random() < 0.5 else min(1 - fraction, 10 ** rng.uniform(-5, 0))
    return KeepBetween(float(lower), min(1.0, float(lower) + fraction), aware)
