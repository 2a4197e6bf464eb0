"""What a trained student sees of kept examples: its field ω, together with the example's coordinates.

Coordinates of a kept example, labelled so that y = +1: g = (z, v, h), with z the probe's field, v the
field across it in the plane of probe and teacher, and h ~ N(0, 1) from the rest of the inputs. A student
x = (a₁, a₂, b) sees the field ω = x·g. The examples that give it are summed up in cells by their mass and the
first and second moments of g.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory.selection.kept_distribution import KeptDistribution, Piece

REACH = 11.0


@dataclass(frozen=True)
class FieldNodes:
    """Kept examples of label +1 by the student's field; all averages over them are sums over cells.

    Attributes:
        field: ω, (cells,).
        loss_weight: By which the loss is multiplied in the cell, (cells,).
        parts: (parts, cells), what the moments of g are composed of; the first is the share of the kept examples.
        first_of: (3, n ≤ parts), E[g] as a combination of the first n parts.
        second_of: (3, 3, parts), E[ggᵀ] as a combination of all.
    """

    field: np.ndarray
    loss_weight: np.ndarray | float
    parts: np.ndarray
    first_of: np.ndarray
    second_of: np.ndarray

    def mean(self, values: np.ndarray) -> float:
        """E of what has these values in the cells."""
        return float(self.parts[0] @ values)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[values · g], (3,)."""
        return self.first_of @ (self.parts[: self.first_of.shape[1]] @ values)

    def second(self, values: np.ndarray) -> np.ndarray:
        """E[values · ggᵀ], (3, 3)."""
        return self.second_of @ (self.parts @ values)


def moment_maps(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``first_of`` and ``second_of`` of the parts m, x, y, z, xx, xy, xz, yy, yz, zz: g = x X + y Y + z Z, axes (3, 3).

    The axes X, Y, Z are rows; nothing of E[ggᵀ] is left to m, x, y and z.
    """
    first, second = np.zeros((3, 4)), np.zeros((3, 3, 10))
    first[:, 1:] = axes.T
    one, other = axes[_PAIRS[0]].T, axes[_PAIRS[1]].T
    second[..., 4:] = _COUNTED * (one[:, None] * other + other[:, None] * one)
    return first, second


_PAIRS = np.triu_indices(3)
_COUNTED = np.where(_PAIRS[0] == _PAIRS[1], 0.5, 1.0)


@dataclass(frozen=True)
class LabelChance:
    """Chance that an example of teacher field u has label +1: base + slope · 1(u > 0)."""

    base: float
    slope: float


def labelled_pieces(law: KeptDistribution) -> tuple[tuple[Piece, ...], LabelChance]:
    """The rule's pieces and the label's chance; at θ = 0 the label depends on z and joins the pieces."""
    wrong = law.label_noise
    if law.probe_angle > 0:
        return law.pieces, LabelChance(wrong, 1 - 2 * wrong)
    halves = [p.transformed(lower=max(p.lower, 0.0), factor=1 - wrong) for p in law.pieces if p.upper > 0]
    halves += [p.transformed(upper=min(p.upper, 0.0), factor=wrong) for p in law.pieces if wrong and p.lower < 0]
    return tuple(halves), LabelChance(1.0, 0.0)
