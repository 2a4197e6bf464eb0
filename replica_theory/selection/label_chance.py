"""The chance that an example has the label +1, L(u), by the teacher's field u, and its averages over normal fields.

An example of a pool counts multiplied by its label, as x y: its teacher's field u = y T·x then has the density
2 φ(u) L(u), with L(u) + L(−u) = 1. Clean labels have L(u) = 1(u > 0).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, owens_t

from replica_theory._numerics.gaussian import FAR, normal_density, orthant
from replica_theory._numerics.quadrature import composite_rule, gauss_legendre

Step = tuple[float, float]  # centre in u, and width

_REACH = 8.5  # standard deviations of u that count
_GRID = np.array([-8.5, -5.5, -3.0, -1.0, 1.0, 3.0, 5.5, 8.5])  # panel ends, in standard deviations
_ORDER = 16  # Gauss–Legendre nodes a panel
_AROUND = (0.0, 1.0, 2.5, 4.5, 6.5, 8.5)  # ends around a student's boundary, in the widths over which it is seen
_LEAST_SLOPE = 1e-12  # of the teacher's field in the student's, or the reverse
_BLOCK = 4096  # averages taken at once


class LabelChance(ABC):
    """L(u)."""

    @property
    @abstractmethod
    def steps(self) -> tuple[Step, ...]:
        """Where L rises or falls more sharply than a standard normal, and over which width; 0 for a jump."""

    @abstractmethod
    def __call__(self, field: np.ndarray) -> np.ndarray:
        """L(u)."""

    @abstractmethod
    def moments(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        """E[(1, ζ, ζ²) L(mean + deviation ζ)] over ζ ~ N(0, 1), (3, ...)."""

    @abstractmethod
    def skew(self, margin: np.ndarray, cosine: float, sine: float) -> np.ndarray:
        """Φ(m) minus the share of examples whose field on a probe at this angle to the teacher, y z, is below m."""

    @abstractmethod
    def error(self, angle: np.ndarray) -> np.ndarray:
        """P(y w·x < 0) of students at these angles to the teacher: the error on labels drawn like these."""

    def mean(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        """E[L(mean + deviation ζ)]."""
        return self.moments(mean, deviation)[0]

    @property
    def flip(self) -> "Flips | None":
        """L itself, if every label is flipped at one rate."""
        return None

    @property
    def as_steps(self) -> tuple[float, list[tuple[float, float, float]]]:
        """Base, and (rise, centre, width) of smeared steps of which L is the sum.

        Raises:
            ValueError: It is none.
        """
        raise ValueError(
            "`label_noise` must be a number, LogisticNoise, ProbitNoise or constant between edges here; got a function"
        )


@dataclass(frozen=True)
class Flips(LabelChance):
    """L = η + (1 − 2η) 1(u > 0).

    Attributes:
        rate: η.
    """

    rate: float

    @property
    def flip(self) -> "Flips":
        return self

    @property
    def steps(self) -> tuple[Step, ...]:
        return ((0.0, 0.0),)

    @property
    def as_steps(self) -> tuple[float, list[tuple[float, float, float]]]:
        return self.rate, [(self.rise, 0.0, 0.0)]

    @property
    def rise(self) -> float:
        """1 − 2η, the height of the step."""
        return 1 - 2 * self.rate

    def __call__(self, field: np.ndarray) -> np.ndarray:
        return self.rate + self.rise * (0.5 + 0.5 * np.sign(field))

    def moments(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        """With A = mean/deviation: η + (1 − 2η) Φ(A), (1 − 2η) φ(A), and the first minus A times the second."""
        A = np.clip(mean / deviation, -FAR, FAR)
        chance, first = self.rate + self.rise * ndtr(A), self.rise * normal_density(A)
        return np.stack([chance, first, chance - A * first])

    def mean(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):  # 0/0, a field of 0 itself, is as often on either side
            A = np.where(np.asarray(mean) == 0, 0.0, np.asarray(mean) / deviation)
        return self.rate + self.rise * ndtr(A)

    def skew(self, margin: np.ndarray, cosine: float, sine: float) -> np.ndarray:
        """2 (1 − 2η) T(m, cot θ), Owen's T."""
        return 2 * self.rise * owens_t(margin, cosine / sine if sine else math.inf)

    def error(self, angle: np.ndarray) -> np.ndarray:
        """η + (1 − 2η) ε, ε = angle/π."""
        return self.rate + self.rise * np.asarray(angle) / math.pi


@dataclass(frozen=True)
class SmearedSteps(LabelChance):
    """L = base + Σ_j rise_j Φ((u − centre_j)/width_j).

    Attributes:
        base: L(−∞).
        rises: rise_j, of any sign.
        centres: centre_j.
        widths: width_j ≥ 0.
    """

    base: float
    rises: tuple[float, ...]
    centres: tuple[float, ...]
    widths: tuple[float, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Of those of one centre, the narrowest."""
        narrowest: dict[float, float] = {}
        for centre, width in zip(self.centres, self.widths, strict=True):
            narrowest[centre] = min(width, narrowest.get(centre, math.inf))
        return tuple(narrowest.items())

    def __call__(self, field: np.ndarray) -> np.ndarray:
        return self._sum(lambda centre, width: ndtr(_ratio(field - centre, width)), field)

    def moments(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        """Sums over j of rise_j (Φ(A), r φ(A), Φ(A) − r² A φ(A)), A = (mean − centre)/s, r = deviation/s, s² =
        deviation² + width²."""
        moments = np.zeros((3, *np.broadcast(mean, deviation).shape))
        moments[[0, 2]] = self.base
        for rise, centre, width in self._parts:
            total = np.hypot(deviation, width)
            A, share = np.clip(_ratio(mean - centre, total), -FAR, FAR), _ratio(deviation, total)
            chance, first = rise * ndtr(A), rise * share * normal_density(A)
            moments += np.stack([chance, first, chance - share * A * first])
        return moments

    def skew(self, margin: np.ndarray, cosine: float, sine: float) -> np.ndarray:
        """Of centred steps, 2 rise T(m, cos θ/s); of the others by the bivariate normal distribution."""
        margin = np.asarray(margin, dtype=float)
        skew = (1 - 2 * self.base) * ndtr(margin)
        for rise, centre, width in self._parts:
            spread = math.hypot(sine, width)
            if centre == 0:
                slope = cosine / spread if spread else math.inf
                below = ndtr(margin) - 2 * owens_t(margin, slope)
            else:  # P(X < m, cos θ X + s Y > centre) doubled
                total = math.hypot(cosine, spread)
                below = 2 * orthant(margin, np.full_like(margin, -centre / total), -cosine / total)
            skew = skew - rise * below
        return skew

    def error(self, angle: np.ndarray) -> np.ndarray:
        """base + Σ_j rise_j 2 P(t < 0, u + width_j ξ > centre_j), t and u standard normals at this angle."""
        return self._sum(lambda centre, width: _wrong_above(np.cos(angle), centre, width), angle)

    @property
    def as_steps(self) -> tuple[float, list[tuple[float, float, float]]]:
        return self.base, self._parts

    @property
    def _parts(self) -> list[tuple[float, float, float]]:
        return list(zip(self.rises, self.centres, self.widths, strict=True))

    def _sum(self, term: Callable[[float, float], np.ndarray], like: np.ndarray) -> np.ndarray:
        parts = [rise * term(centre, width) for rise, centre, width in self._parts]
        return np.sum([np.full(np.shape(like), self.base), *parts], axis=0)


@dataclass(frozen=True, eq=False)
class LabelFunction(LabelChance):
    """L by a function of |u|: 1 − e(u) at u > 0 and e(−u) below; averages by quadrature.

    Attributes:
        flip_chance: e, vectorised, of |u|.
        edges: |u| where e jumps or has a corner.
    """

    flip_chance: Callable[[np.ndarray], np.ndarray]
    edges: tuple[float, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple((centre, 0.0) for centre in self._ends)

    @property
    def _ends(self) -> tuple[float, ...]:
        return (*(-edge for edge in reversed(self.edges)), 0.0, *self.edges)

    def __call__(self, field: np.ndarray) -> np.ndarray:
        flipped = self.flip_chance(np.abs(field))
        return np.where(field > 0, 1 - flipped, np.where(field < 0, flipped, 0.5))

    def moments(self, mean: np.ndarray, deviation: np.ndarray | float) -> np.ndarray:
        mean, deviation = np.broadcast_arrays(np.asarray(mean, dtype=float), deviation)
        flat, spread, moments = mean.ravel(), deviation.ravel(), np.empty((3, mean.size))
        for start in range(0, flat.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            moments[:, block] = self._moments(flat[block, None], spread[block, None])
        return moments.reshape(3, *mean.shape)

    def skew(self, margin: np.ndarray, cosine: float, sine: float) -> np.ndarray:
        margin = np.asarray(margin, dtype=float)
        upper = np.clip(margin.ravel(), -_REACH, _REACH)
        breaks = [end / cosine + sine / cosine * _GRID for end in self._ends] if cosine > 0.1 * sine else []
        ends = np.unique(np.concatenate([_GRID, np.clip(upper, -_REACH, _REACH), *breaks]))
        ends = ends[(ends >= -_REACH) & (ends <= _REACH)]
        nodes = composite_rule(ends[None], _ORDER)
        density = normal_density(nodes.points) * (1 - 2 * self.mean(cosine * nodes.points, sine))
        below = np.searchsorted(nodes.points, upper)
        total = np.concatenate([[0.0], np.cumsum(nodes.weights * density)])[below]
        return (total).reshape(margin.shape)

    def error(self, angle: np.ndarray) -> np.ndarray:
        """2 ∫_{u > 0} φ(u) [(1 − e) Φ(−u cot θ) + e Φ(u cot θ)]."""
        return np.reshape([self._error(float(one)) for one in np.ravel(angle)], np.shape(angle))

    def _error(self, angle: float) -> float:
        slope = math.cos(angle) / max(math.sin(angle), _LEAST_SLOPE)
        around = np.array(_AROUND) / max(abs(slope), _LEAST_SLOPE)
        nodes = composite_rule(np.unique(np.clip([*_GRID, *around, *self.edges], 0.0, _REACH))[None], _ORDER)
        u, e = nodes.points, self.flip_chance(nodes.points)
        wrong = ndtr(-slope * u)
        return float(2 * ((1 - e) * wrong + e * (1 - wrong)) @ (nodes.weights * normal_density(u)))

    def _moments(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings = (np.array(self._ends) - mean) / deviation
        ends = np.concatenate([np.broadcast_to(_GRID, (len(mean), _GRID.size)), crossings], axis=1)
        ends = np.sort(np.clip(np.nan_to_num(ends, nan=0.0), -_REACH, _REACH), axis=1)
        points, weights = gauss_legendre(_ORDER)
        width = np.diff(ends)[..., None]
        zeta = ends[:, :-1, None] + width * points
        share = width * weights * normal_density(zeta) * self(mean[..., None] + deviation[..., None] * zeta)
        return np.stack([share.sum((1, 2)), (share * zeta).sum((1, 2)), (share * zeta**2).sum((1, 2))])


CLEAN = Flips(0.0)


def _wrong_above(overlap: np.ndarray, centre: float, width: float) -> np.ndarray:
    """2 P(t < 0, u + width ξ > centre) of standard normal t, u of this overlap."""
    total = math.hypot(1.0, width)
    if centre == 0:
        return np.arccos(overlap / total) / math.pi
    return 2 * orthant(np.zeros_like(overlap), np.full_like(overlap, -centre / total), -overlap / total)


def _ratio(numerator: np.ndarray | float, denominator: np.ndarray | float) -> np.ndarray:
    """Their ratio, infinite where the denominator vanishes, 0 where both do."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(numerator / denominator, nan=0.0, posinf=math.inf, neginf=-math.inf)
