"""A verifier's filter, which accepts right labels more often than wrong ones.

References:
    Feng et al. 2024, arXiv:2406.07515; Dohmatob et al. 2025, arXiv:2511.03492.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from replica_theory.kept_law import KeptLaw, Piece, mean_keep_probability
from replica_theory.selection.base import Selection, check_selection


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
            ``keep_fraction`` is asked for without an angle (use ``kept_law(angle, noise).keep_fraction``).

    References:
        Feng et al. 2024, arXiv:2406.07515; ``Verified(rule, 1, 0)`` is the label-aware curation of Dohmatob
        et al. 2025, arXiv:2511.03492.
    """

    selection: Selection
    accept_right: float
    accept_wrong: float

    def __post_init__(self):
        check_selection(self.selection)
        for name in ("accept_right", "accept_wrong"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"`{name}` must be in [0, 1]; got {getattr(self, name)}")
        if not self.accept_right + self.accept_wrong > 0:
            raise ValueError("`accept_right` and `accept_wrong` must not both be 0; got 0.0, 0.0")

    @property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        if self.accept_right != self.accept_wrong:
            raise ValueError(
                "`keep_fraction` of a verifier depends on its angle and on label noise; "
                "use kept_law(probe_angle, label_noise).keep_fraction"
            )
        return self.accept_right * self.selection.keep_fraction

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError(
            "Verified needs probe fields and labels, not margins alone; call choose(probe_field, label, ...)"
        )

    def choose(self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        ruled = round(self.selection.keep_fraction * probe_field.size)
        rows = self.selection.choose(probe_field, label, count=ruled, rng=rng)
        chance = np.where(probe_field[rows] * label[rows] > 0, self.accept_right, self.accept_wrong)
        return rows[rng.random(rows.size) < chance][:count]

    def kept_law(self, probe_angle: float, label_noise: float = 0.0) -> KeptLaw:
        law = self.selection.kept_law(probe_angle, label_noise)
        ends = np.unique([-math.inf, *law.edges, 0.0, math.inf])
        pieces = tuple(piece for pair in itertools.pairwise(ends) if (piece := self._piece(law, *pair)))
        mean = mean_keep_probability(
            lambda m: law(m) * np.where(m > 0, self.accept_right, self.accept_wrong),
            edges=tuple(law.edges),
            probe_angle=law.probe_angle,
            label_noise=label_noise,
        )
        return KeptLaw(pieces, mean, law.probe_angle, label_noise)

    def _piece(self, law: KeptLaw, lower: float, upper: float) -> Piece | None:
        """The rule's piece between two neighbouring ends, accepted by the sign of its margins."""
        chance = self.accept_right if lower >= 0 else self.accept_wrong
        rule = next((piece.probability for piece in law.pieces if piece.lower <= lower and upper <= piece.upper), 0.0)
        if callable(rule):
            return Piece(lower=lower, upper=upper, probability=lambda m: chance * rule(m)) if chance else None
        return Piece(lower=lower, upper=upper, probability=chance * rule) if chance * rule else None
