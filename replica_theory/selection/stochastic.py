"""Rules in which chance has a part.

References:
    Ayed & Hayou 2023, arXiv:2302.06960 (calibration); Kolossov et al. 2023, arXiv:2309.14563.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from replica_theory.errors import check_keep_fraction, check_number
from replica_theory.selection.base import Selection, check_margin, check_selection, pieces_kept_by
from replica_theory.selection.jumps import jumps_and_corners
from replica_theory.selection.kept_distribution import Piece, covering, edges_of, keep_probability
from replica_theory.selection.margins import MarginDistribution

_SAME_EDGE = 1e-5  # distance at which a found edge is one that was given
_SYMMETRIC = 1e-12  # |q(m) − q(−m)| up to which a probability does not depend on the label


@dataclass(frozen=True)
class KeepRandom(Selection):
    """Keeps a fraction f at random; f = 1 is no pruning.

    Args:
        keep_fraction: f in (0, 1].

    Raises:
        ValueError: ``keep_fraction`` is out of range.

    Example:
        >>> from replica_theory import KeepRandom, max_margin
        >>> f"{max_margin(1.0, selection=KeepRandom(0.3)).generalization_error:.5f}"
        '0.26571'
    """

    keep_fraction: float = 1.0

    def __post_init__(self):
        check_keep_fraction(self.keep_fraction)

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.sort(rng.choice(check_margin(margin, count).size, size=count, replace=False))

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        return (Piece(lower=-math.inf, upper=math.inf, probability=self.keep_fraction),), self.keep_fraction


@dataclass(frozen=True)
class KeepWithProbability(Selection):
    """Keeps an example of probe field z and label y with probability q(z, y).

    Args:
        probability: Vectorised q(z, y) in [0, 1].
        edges: Signed margins y z between which q(y z, 1) and q(−y z, −1) are smooth, on a scale of 0.3 or more, beside
            jumps and corners, which are found (edges set more closely resolve more).

    Raises:
        ValueError: q leaves [0, 1] or is not finite; or q depends on the label and
            ``keep_fraction`` is asked for without an angle (use ``kept_distribution(angle).keep_fraction``).

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepWithProbability, max_margin
        >>> soft = KeepWithProbability(lambda z, y: np.exp(-z * z / 2))
        >>> f"{soft.keep_fraction:.5f}, {max_margin(2.0, selection=soft, probe_angle=0.2).generalization_error:.5f}"
        '0.70711, 0.17472'
    """

    probability: Callable[[np.ndarray, np.ndarray], np.ndarray]
    edges: tuple[float, ...] = field(default=())

    def __post_init__(self):
        if not callable(self.probability):
            raise ValueError(f"`probability` must be a function q(z, y); got {self.probability!r}")

    def folded_probability(self, margin: np.ndarray) -> np.ndarray:
        """q(m) = ½ [q(m, +1) + q(−m, −1)], the keep probability at signed margin m."""
        fields, labels = np.concatenate([margin, -margin], axis=None), np.repeat([1.0, -1.0], np.size(margin))
        positive, negative = self._checked_probability(fields, labels).reshape(2, *np.shape(margin))
        return 0.5 * (positive + negative)

    @cached_property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """f = E q, where q does not depend on the label."""
        margin = np.linspace(0.0, 10.0, 1001)
        if np.max(np.abs(self.folded_probability(margin) - self.folded_probability(-margin))) > _SYMMETRIC:
            raise ValueError(
                "`keep_fraction` of a label-dependent `probability` depends on the probe angle; "
                "use kept_distribution(probe_angle).keep_fraction"
            )
        return self.kept_distribution(0.0).keep_fraction

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError(
            "KeepWithProbability needs probe fields and labels, not margins alone; call choose(probe_field, label, ...)"
        )

    def choose(self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        accepted = rng.random(probe_field.size) < self._checked_probability(probe_field, label)
        return np.flatnonzero(accepted)[:count]

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        probability = margins.as_function_of_margin(self.folded_probability)
        edges = margins.of_probe_field(self._edges)
        pieces = tuple(
            Piece(lower=lower, upper=upper, probability=probability)
            for lower, upper in itertools.pairwise((-math.inf, *edges, math.inf))
        )
        cuts = (cut for piece in pieces for cut in piece.cuts)
        return pieces, check_keep_fraction(margins.mean(probability, (*edges, *cuts)), "E q")

    @cached_property
    def _edges(self) -> tuple[float, ...]:
        return tuple(sorted({*self.edges, *self._found_edges}))

    @cached_property
    def _found_edges(self) -> tuple[float, ...]:
        """Margins at which ½ [q(m, +1) + q(−m, −1)] jumps or has a corner, but for those that are given."""
        found, given = jumps_and_corners(self.folded_probability), self.edges
        return tuple(edge for edge in found if all(abs(edge - other) > _SAME_EDGE for other in given))

    def _checked_probability(self, probe_field: np.ndarray, label: np.ndarray) -> np.ndarray:
        value = np.asarray(self.probability(probe_field, label), dtype=float)
        if value.shape != probe_field.shape or (value.size and not (value.min() >= 0 and value.max() <= 1)):
            raise ValueError(
                "`probability` must return values in [0, 1], one per example; "
                f"got shape {value.shape}, range [{value.min()}, {value.max()}]"
            )
        return value


@dataclass(frozen=True)
class Calibrated(Selection):
    """A rule mixed with random keeping: q = (1 − share) q_rule + share f, at the same f.

    A share of the pool, drawn at random, is kept at random with probability f; the rule decides
    on the rest. Every example then has a chance, which removes the bias of pruning.

    Args:
        selection: The rule.
        random_share: Share of the pool that is kept at random, in [0, 1].

    Raises:
        ValueError: ``random_share`` is out of range, or ``selection`` is no rule.

    References:
        Ayed & Hayou 2023, arXiv:2302.06960.

    Example:
        >>> from replica_theory import Calibrated, KeepHardest, max_margin
        >>> mixed = Calibrated(KeepHardest(0.2), random_share=0.5)
        >>> [f"{max_margin(1.0, selection=rule).generalization_error:.5f}" for rule in (KeepHardest(0.2), mixed)]
        ['0.41767', '0.32578']
    """

    selection: Selection
    random_share: float

    def __post_init__(self):
        check_selection(self.selection)
        if not 0.0 <= check_number(self.random_share, "random_share") <= 1.0:
            raise ValueError(f"`random_share` must be in [0, 1]; got {self.random_share}")

    @property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.selection.keep_fraction

    @property
    def label_aware(self) -> bool:
        """Whether the rule ranks by y z."""
        return getattr(self.selection, "label_aware", False)

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        margin = check_margin(margin, count)

        def by_rule(rows: np.ndarray, n: int) -> np.ndarray:
            return self.selection.keep(margin[rows], count=n, rng=rng)

        return self._mixed(margin.size, count, rng, by_rule)

    def choose(self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        def by_rule(rows: np.ndarray, n: int) -> np.ndarray:
            return self.selection.choose(probe_field[rows], label[rows], count=n, rng=rng)

        return self._mixed(probe_field.size, count, rng, by_rule)

    def _mixed(
        self, pool: int, count: int, rng: np.random.Generator, by_rule: Callable[[np.ndarray, int], np.ndarray]
    ) -> np.ndarray:
        """Indices kept at random from a share of the pool, and by the rule, ``by_rule(rows, n)``, from the rest."""
        order = rng.permutation(pool)
        n_random = round(self.random_share * count)
        lottery, ruled = np.split(order, [max(n_random, round(self.random_share * pool))])
        ruled = np.sort(ruled)
        chosen = ruled[by_rule(ruled, count - n_random)]
        if len(chosen) < count - n_random:  # chance gave the rule fewer: the random part shrinks in proportion
            n_random = round(n_random * len(chosen) / (count - n_random))
        return np.sort(np.concatenate([lottery[:n_random], chosen]))

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        pieces, fraction = pieces_kept_by(self.selection, margins)
        share = self.random_share
        mixed = (piece.transformed(factor=1 - share, offset=share * fraction) for piece in covering(pieces))
        return tuple(mixed), fraction


@dataclass(frozen=True)
class Verified(Selection):
    """Applies a rule, then accepts with probability φ what the probe holds for rightly labelled, the rest with ψ.

    A label is right to the probe where y z > 0. With a perfect probe and label noise, these are the true and the
    false labels.

    Args:
        selection: The rule that is applied first.
        accept_right: φ in [0, 1].
        accept_wrong: ψ in [0, 1].

    Raises:
        ValueError: A probability is out of range or both are 0; ``selection`` is no rule; or, with φ ≠ ψ,
            ``keep_fraction`` is asked for without an angle (use ``kept_distribution(angle, noise).keep_fraction``).

    References:
        Feng et al. 2024, arXiv:2406.07515; ``Verified(rule, 1, 0)`` is the label-aware curation of Dohmatob
        et al. 2025, arXiv:2511.03492.

    Example:
        The angle of the probe decides how much is kept:

        >>> from replica_theory import KeepRandom, Verified
        >>> rule = Verified(KeepRandom(1.0), accept_right=1.0, accept_wrong=0.0)
        >>> f"{rule.kept_distribution(0.3).keep_fraction:.5f}, {rule.kept_distribution(0.3, 0.1).keep_fraction:.5f}"
        '0.90451, 0.82361'
    """

    selection: Selection
    accept_right: float
    accept_wrong: float

    def __post_init__(self):
        check_selection(self.selection)
        for name in ("accept_right", "accept_wrong"):
            if not 0.0 <= check_number(getattr(self, name), name) <= 1.0:
                raise ValueError(f"`{name}` must be in [0, 1]; got {getattr(self, name)}")
        if not self.accept_right + self.accept_wrong > 0:
            raise ValueError("`accept_right` and `accept_wrong` must not both be 0; got 0.0, 0.0")

    @property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """f, where φ = ψ."""
        if self.accept_right != self.accept_wrong:
            raise ValueError(
                "`keep_fraction` of a verifier depends on its angle and on label noise; "
                "use kept_distribution(probe_angle, label_noise).keep_fraction"
            )
        return self.accept_right * self.selection.keep_fraction

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError(
            "Verified needs probe fields and labels, not margins alone; call choose(probe_field, label, ...)"
        )

    def choose(self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        n_ruled = round(self.selection.keep_fraction * probe_field.size)
        rows = self.selection.choose(probe_field, label, count=n_ruled, rng=rng)
        accepted = rng.random(rows.size) < self._acceptance(probe_field[rows] * label[rows])
        return rows[accepted][:count]

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        pieces, _ = pieces_kept_by(self.selection, margins)
        accepted = [
            piece.transformed(factor=self.accept_right if piece.lower >= 0 else self.accept_wrong)
            for piece in covering(pieces, 0.0)
        ]
        edges = sorted({0.0, *edges_of(pieces).tolist()})
        fraction = margins.mean(lambda m: keep_probability(pieces, m) * self._acceptance(m), edges)
        if not fraction > 0:
            raise ValueError(
                f"`selection` must keep a part of the pool; got {self}, which accepts none of these labels (a perfect "
                "probe holds none for wrong without `label_noise`)"
            )
        return tuple(piece for piece in accepted if piece.probability != 0.0), fraction

    def _acceptance(self, margin: np.ndarray) -> np.ndarray:
        """φ where m > 0, ψ elsewhere."""
        return np.where(margin > 0, self.accept_right, self.accept_wrong)
