"""What the equations see of examples: their place in the plane, radius, group and share; and how a law gives them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.gaussian import normal_density
from replica_theory._real_data.structured.bulk import Bulk
from replica_theory.selection.kept_distribution import Piece, keep_probability
from replica_theory.selection.margins import MarginDistribution


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples, or nodes of a quadrature over their law.

    Attributes:
        coordinates: y c, label times coordinates in the plane, (n, k); with an intercept the last is y.
        margin: y z, z the probe's field in units of its root mean square, (n,).
        square_radius: r², (n,).
        group: Number of the bulk's covariance, (n,).
        share: Shares of the law, adding up to 1, (n,).
        weight: v, weight of the loss, (n,).
        source: Number of the source, from each of which a fixed number is drawn, (n,).
    """

    coordinates: np.ndarray
    margin: np.ndarray
    square_radius: np.ndarray
    group: np.ndarray
    share: np.ndarray
    weight: np.ndarray
    source: np.ndarray

    @property
    def zero(self) -> np.ndarray:
        """Examples all of whose inputs are 0, and which no student tells apart, (n,)."""
        return (self.square_radius == 0) & ~self.coordinates.any(axis=1)

    def kept(self, probability: np.ndarray) -> "Examples":
        """Those that are kept with these chances, (n,)."""
        share = self.share * probability
        used = share > _NEGLIGIBLE * share.max()
        names = ("coordinates", "margin", "square_radius", "group", "weight", "source")
        parts = {name: getattr(self, name)[used] for name in names}
        return replace(self, **parts, share=share[used] / share[used].sum())

    def quadratic(self, matrix: np.ndarray) -> np.ndarray:
        """cᵀ T c, (n,)."""
        return np.einsum("ij,ij->i", self.coordinates @ matrix, self.coordinates)


def together(parts: Sequence[Examples], shares: Sequence[float]) -> Examples:
    """Examples of several sources as one set, in these shares."""
    if len(parts) == 1:
        return parts[0]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    share = np.concatenate([share * part.share for part, share in zip(parts, shares, strict=True)])
    source = np.repeat(np.arange(len(parts)), [part.share.size for part in parts])
    return Examples(**columns, share=share, source=source)


_COLUMNS = ("coordinates", "margin", "square_radius", "group", "weight")


_NEGLIGIBLE = 1e-14  # share, relative to the largest, below which an example is left out


@dataclass(frozen=True, eq=False)
class Student:
    """Fields of students: a in the plane with covariance Γ, and b_g outside.

    Attributes:
        plane: a, (k,).
        covariance: Γ, (k, k).
        deviation: b_g, (groups,).
        variance_spread: Relative variance of b_g² between training sets, (groups,); 0 as N → ∞.
    """

    plane: np.ndarray
    covariance: np.ndarray
    deviation: np.ndarray
    variance_spread: np.ndarray

    def chance_below(
        self, mean: np.ndarray, variance: np.ndarray, *, outside: float, group: int, free: np.ndarray
    ) -> np.ndarray:
        """Chance that a field is negative, of this mean and variance.

        The variance is that of a student's field over examples, in the mean over students. It differs between them by
        a variance s, so that fields are mixtures of normal ones; with u = −mean/deviation the chance is, to order s::

            Φ(u) − (s/8) φ(u) (u³ − 3u)/variance²

        Args:
            mean, variance: Of the field.
            outside: r² b_g², the variance that is from outside the plane, of group g.
            free: Covariance of the students along axes of the plane on which examples are standard normal: the part of
                the variance that is its trace.
        """
        u = -mean / np.sqrt(variance)
        spread = self.variance_spread[group] * outside**2 + 2 * np.sum(free * free) * np.any(self.variance_spread)
        return ndtr(u) - spread / (8 * variance**2) * normal_density(u) * (u * u - 3) * u


class Law(ABC):
    """A law of inputs and labels, with the probe that ranks them.

    Attributes:
        intercept: Whether the last coordinate is a student's intercept, which has no penalty.
        normalisation: N.
    """

    intercept: bool
    normalisation: float

    @property
    @abstractmethod
    def symmetric(self) -> bool:
        """Whether (x, y) and (−x, −y) are alike."""

    @abstractmethod
    def margins(self) -> MarginDistribution:
        """Law of the signed margins y z over the pool."""

    @abstractmethod
    def examples(self, edges: np.ndarray, level: int) -> Examples:
        """The pool, or the nodes of a quadrature over it that end at these margins; finer with ``level``."""

    def keep_probability(self, pieces: Sequence[Piece], pool: Examples) -> np.ndarray:
        """Of each of the pool's examples, by a rule's q(m) of `margins` in pieces, (n,)."""
        return keep_probability(pieces, pool.margin)

    @abstractmethod
    def bulk(self, *, finite: bool) -> Bulk:
        """Covariances outside the plane; ``finite``: traces leave out the plane's share of the spectrum."""

    @abstractmethod
    def error(self, student: Student, *, clean: bool) -> float:
        """Mean error on unpruned examples; ``clean``: against the teacher's sign where a teacher labels."""
