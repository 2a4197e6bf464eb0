"""The distribution of kept examples: their keep probability as a function of the signed probe margin.

Flipping an example's input and label together changes nothing that a student sees, so every rule q(z, y), with z the
probe's field and y the label, acts through one function of the signed margin m = y z:

    q(m) = ½ [q(m, +1) + q(−m, −1)]
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from replica_theory._numerics.gaussian import FAR, normal_density
from replica_theory._numerics.quadrature import GaussianPanels
from replica_theory.errors import check_number, check_probe_angle
from replica_theory.selection.label_chance import LabelChance
from replica_theory.selection.label_noise import Noise, check_label_noise, label_of
from replica_theory.selection.resolution import resolving_ends

Probability = Callable[[np.ndarray], np.ndarray]

_PANELS = GaussianPanels(grid=np.linspace(-12.0, 12.0, 49), order=16)
_ROUNDING = 1e-9  # excess of a probability or a fraction over its range that rounding excuses
_OVERLAP = 1e-3  # overlap of neighbouring pieces, per width of the narrower, that rounding of thresholds excuses
_JUST_ABOVE_ZERO = 1e-300
_SAMPLES = np.linspace(-10.5, 10.5, 22)  # margins at which a smooth q is checked to be in [0, 1]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Keep probability q(m) on one interval of the signed margin, lower < m < upper.

    Args:
        lower: m at which the piece begins, in [−∞, upper), in standard deviations of the probe's field.
        upper: m at which it ends, in (lower, ∞].
        probability: q in [0, 1]: a number, or a vectorised function of m that is smooth on the interval.

    Raises:
        ValueError: The interval is empty, or q leaves [0, 1] or does not return one value per margin.

    Example:
        >>> import numpy as np
        >>> from replica_theory import Piece
        >>> Piece(lower=0.0, upper=1.0)
        Piece(lower=0.0, upper=1.0, probability=1.0)
        >>> Piece(lower=0.0, upper=np.inf, probability=lambda m: np.exp(-m)).probability(np.array([0.0, 1.0])).round(5)
        array([1.     , 0.36788])
    """

    lower: float
    upper: float
    probability: float | Probability = 1.0

    def __post_init__(self):
        if not check_number(self.lower, "lower") < check_number(self.upper, "upper"):
            raise ValueError(f"`lower` and `upper` must satisfy lower < upper; got {self.lower}, {self.upper}")
        if callable(self.probability):
            _check_range(self.probability, np.clip(_SAMPLES, self.lower, self.upper))
        elif not 0.0 <= check_number(self.probability, "probability") <= 1.0:
            raise ValueError(f"`probability` must be in [0, 1], or a function of the margin; got {self.probability}")

    @cached_property
    def cuts(self) -> tuple[float, ...]:
        """Margins in the interval between which q is a polynomial, as far as averages over normal fields can tell."""
        return resolving_ends(self.probability, (self.lower, self.upper)) if callable(self.probability) else ()

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """q at these margins, continued beyond the piece's ends."""
        if callable(self.probability):
            return self.probability(margin)
        return np.full_like(margin, self.probability)

    def transformed(
        self, *, lower: float | None = None, upper: float | None = None, factor: float = 1.0, offset: float = 0.0
    ) -> "Piece":
        """The piece of factor · q(m) + offset, between other ends if they are given."""
        q = self.probability
        if not callable(q):
            probability = factor * q + offset
        elif factor:
            probability = lambda m: factor * q(m) + offset  # noqa: E731
        else:
            probability = offset
        return Piece(
            lower=self.lower if lower is None else lower,
            upper=self.upper if upper is None else upper,
            probability=probability,
        )


@dataclass(frozen=True, kw_only=True)
class KeptDistribution:
    """What a selection rule keeps of an infinite pool: q(m) in pieces, and its mean f.

    Every engine of the theory reads a rule through this object alone: the density of the kept margins is

        p(m) = 2 φ(m) [η + (1 − 2η) Φ(m cot θ)] q(m) / f

    Args:
        pieces: q(m), piece by piece, ascending and disjoint; q = 0 elsewhere.
        keep_fraction: f = E q at this angle and noise, in (0, 1]; `mean_keep_probability` evaluates it.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label of the pool is flipped before the rule sees it, in [0, 1/2], or a
            `LabelNoise`, by which L stands for η + (1 − 2η) 1(u > 0).

    Raises:
        ValueError: An argument is out of range, or the pieces are not ascending and disjoint.

    Example:
        The hardest examples, |z| < g, of a perfect probe (`Selection` shows a whole rule)::

            hardest = Piece(lower=-g, upper=g)
            KeptDistribution(pieces=(hardest,), keep_fraction=math.erf(g / math.sqrt(2)), probe_angle=0.0)

    Example:
        >>> import math
        >>> from replica_theory import KeptDistribution, Piece
        >>> near = Piece(lower=-1.0, upper=1.0)
        >>> kept = KeptDistribution(pieces=(near,), keep_fraction=math.erf(1 / math.sqrt(2)), probe_angle=0.2)
        >>> f"{kept.keep_fraction:.5f}", len(kept.pieces)
        ('0.68269', 1)
    """

    pieces: tuple[Piece, ...]
    keep_fraction: float
    probe_angle: float
    label_noise: Noise = 0.0

    def __post_init__(self):
        if not 0.0 < check_number(self.keep_fraction, "keep_fraction") <= 1.0 + _ROUNDING:
            raise ValueError(f"`keep_fraction` must be in (0, 1]; got {self.keep_fraction}")
        check_probe_angle(self.probe_angle)
        object.__setattr__(self, "label_noise", check_label_noise(self.label_noise))
        if not (isinstance(self.pieces, tuple) and self.pieces and all(isinstance(p, Piece) for p in self.pieces)):
            raise ValueError(f"`pieces` must be a tuple of one Piece or more; got {self.pieces!r}")
        for piece, following in pairwise(self.pieces):
            narrower = min(piece.upper - piece.lower, following.upper - following.lower, 1.0)
            if not piece.upper - following.lower <= _OVERLAP * narrower:
                raise ValueError(f"`pieces` must be ascending and disjoint; got {piece}, {following}")

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """q(m) at these margins; 0 outside the pieces and at their ends."""
        return keep_probability(self.pieces, margin)

    @cached_property
    def label(self) -> LabelChance:
        """The chance of the label +1 by the teacher's field."""
        return label_of(self.label_noise)

    @cached_property
    def edges(self) -> np.ndarray:
        """Finite margins where q may jump, ascending."""
        return edges_of(self.pieces)

    @cached_property
    def cuts(self) -> np.ndarray:
        """Margins that resolve a smooth q between the edges, ascending."""
        cuts = {cut for piece in self.pieces for cut in piece.cuts}
        return np.array(sorted(cuts), dtype=float)

    @cached_property
    def panel_ends(self) -> np.ndarray:
        """The edges and the cuts, ascending."""
        return np.union1d(self.edges, self.cuts) if self.cuts.size else self.edges

    def covering(self, *edges: float) -> list[Piece]:
        """q(m) on the whole line, its stretches of q = 0 included, cut at its own edges and at these."""
        return covering(self.pieces, *edges)

    @cached_property
    def piece_bounds(self) -> np.ndarray:
        """Lower and upper margin of each piece, (2, pieces)."""
        return np.array([[piece.lower for piece in self.pieces], [piece.upper for piece in self.pieces]])

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest margin that is kept."""
        return self.pieces[0].lower, self.pieces[-1].upper

    @cached_property
    def finite_bounds(self) -> np.ndarray:
        """`piece_bounds` with ±40 for ±∞ and 1e-300 for 0, so that 0/0 does not arise at θ = 0, (2, pieces, 1)."""
        bounds = np.minimum(np.maximum(self.piece_bounds, -FAR), FAR)
        bounds[bounds == 0] = _JUST_ABOVE_ZERO
        return bounds[..., None]

    @cached_property
    def is_constant(self) -> bool:
        """Whether q is constant on every piece: averages over the probe's field are then in closed form."""
        return not any(callable(piece.probability) for piece in self.pieces)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """q on each piece, (pieces,), where it is constant on all."""
        return np.array([piece.probability for piece in self.pieces], dtype=float)

    @cached_property
    def narrowest_scale(self) -> float:
        """Narrowest length scale of the kept examples: min(piece width, f, θ)."""
        return min(self.narrowest_piece, self.keep_fraction, self.probe_angle or math.inf)

    @cached_property
    def narrowest_piece(self) -> float:
        """Width of the narrowest piece."""
        return min(piece.upper - piece.lower for piece in self.pieces)


def keep_probability(pieces: Sequence[Piece], margin: np.ndarray) -> np.ndarray:
    """q(m) of disjoint pieces at these margins; 0 outside the pieces and at their ends."""
    kept = np.zeros(np.shape(margin))
    for alike in _of_one_function(pieces):
        inside = np.any([(piece.lower < margin) & (margin < piece.upper) for piece in alike], axis=0)
        kept[inside] = alike[0](margin[inside])
    return kept


def _of_one_function(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces in groups of one q, which is then asked once."""
    groups: dict[object, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(piece.probability, []).append(piece)
    return list(groups.values())


def edges_of(pieces: Sequence[Piece]) -> np.ndarray:
    """Finite ends of pieces, ascending."""
    ends = {float(end) + 0.0 for piece in pieces for end in (piece.lower, piece.upper)}
    return np.array(sorted(end for end in ends if math.isfinite(end)), dtype=float)


def covering(pieces: Sequence[Piece], *edges: float) -> list[Piece]:
    """q(m) on the whole line, its stretches of q = 0 included, cut at the pieces' edges and at these."""
    ends = np.unique([-math.inf, *edges_of(pieces), *edges, math.inf]).tolist()
    return [_piece_between(pieces, lower, upper) for lower, upper in pairwise(ends)]


def _piece_between(pieces: Sequence[Piece], lower: float, upper: float) -> Piece:
    """q(m) on an interval that no edge divides."""
    for piece in pieces:
        if piece.lower <= lower and upper <= piece.upper:
            return piece.transformed(lower=lower, upper=upper)
    return Piece(lower=lower, upper=upper, probability=0.0)


def mean_keep_probability(
    probability: Probability, *, edges: tuple[float, ...], probe_angle: float, label_noise: Noise = 0.0
) -> float:
    """E q = ∫ 2 φ(m) [η + (1 − 2η) Φ(m cot θ)] q(m) dm, the fraction that a rule keeps of an infinite pool.

    Args:
        probability: q(m), vectorised, smooth between the edges.
        edges: Margins where q jumps or has a corner.
        probe_angle: θ, radians, in [0, π/2].
        label_noise: η in [0, 1/2].
    """
    label, cosine, sine = label_of(label_noise), math.cos(probe_angle), math.sin(probe_angle)
    centres, spreads = np.array(label.steps).T
    features = (centres / cosine)[None], (np.hypot(sine, spreads) / cosine)[None]
    kinks = np.array([[0.0, *(centres / cosine), *edges]])
    nodes = _PANELS.nodes(-_PANELS.reach, _PANELS.reach, features=features, kinks=kinks)
    label_chance = label.mean(cosine * nodes.points, sine)
    density = 2 * normal_density(nodes.points) * label_chance
    return float(nodes.weights @ (density * probability(nodes.points)))


def _check_range(probability: Probability, margins: np.ndarray) -> None:
    values = np.asarray(probability(margins), dtype=float)
    if values.shape != margins.shape:
        raise ValueError(f"`probability` must return one value per margin; got shape {values.shape} of {margins.shape}")
    if not np.all((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)):
        raise ValueError(f"`probability` must return values in [0, 1]; got range [{values.min()}, {values.max()}]")
