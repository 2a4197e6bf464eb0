"""Nodes in the student's field ω of kept examples, with the moments of the example's coordinates there.

Coordinates of a kept example, its input multiplied by its label so that y = +1: g = (z, v, h), with z the probe's
field, v the field across the probe in the plane of probe and teacher, and h ~ N(0, 1) from the remaining inputs. A
student of components x = (a₁, a₂, b) sees the field ω = x·g.
"""

from dataclasses import dataclass, replace

import numpy as np

from replica_theory.selection.kept_distribution import KeptDistribution, Piece
from replica_theory.selection.label_chance import LabelChance

REACH = 11.0  # largest field, in standard deviations: φ beyond it is below 1e-26


@dataclass(frozen=True)
class FieldNodes:
    """Kept examples by the student's field: E[f(ω)], E[f(ω) g] and E[f(ω) g gᵀ] are sums over nodes.

    Attributes:
        field: ω, (nodes,).
        loss_weight: Sample weight w of the loss at the node, (nodes,).
        moments: Functions m_k of the node times its quadrature weight, (functions, nodes); the first is the share
            of the kept examples, so that E[f] = Σ m₀ f.
        first_map: E[f g] = Σ_k first_map[:, k] Σ m_k f over the first n functions, (3, n).
        second_map: E[f g gᵀ] = Σ_k second_map[:, :, k] Σ m_k f over all functions, (3, 3, functions).
    """

    field: np.ndarray
    loss_weight: np.ndarray | float
    moments: np.ndarray
    first_map: np.ndarray
    second_map: np.ndarray

    def mean(self, values: np.ndarray) -> float:
        """E[f] of a function f(ω) with these values at the nodes."""
        return float(self.moments[0] @ values)

    def first(self, values: np.ndarray) -> np.ndarray:
        """E[f g], (3,)."""
        return self.first_map @ (self.moments[: self.first_map.shape[1]] @ values)

    def second(self, values: np.ndarray) -> np.ndarray:
        """E[f g gᵀ], (3, 3)."""
        return self.second_map @ (self.moments @ values)


def moment_maps(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps of `FieldNodes` where g = ξ₁ A₁ + ξ₂ A₂ + ξ₃ A₃ and the functions are the moments of ξ.

    Args:
        axes: A₁, A₂, A₃ as rows, (3, 3).

    Returns:
        ``first_map``, (3, 4), and ``second_map``, (3, 3, 10), for the functions 1, ξ₁, ξ₂, ξ₃, ξ₁ξ₁, ξ₁ξ₂, ξ₁ξ₃,
        ξ₂ξ₂, ξ₂ξ₃, ξ₃ξ₃.
    """
    first, second = np.zeros((3, 4)), np.zeros((3, 3, 10))
    first[:, 1:] = axes.T
    one, other = axes[_PAIRS[0]].T, axes[_PAIRS[1]].T
    second[..., 4:] = _PAIR_WEIGHTS * (one[:, None] * other + other[:, None] * one)
    return first, second


_PAIRS = np.triu_indices(3)
_PAIR_WEIGHTS = np.where(_PAIRS[0] == _PAIRS[1], 0.5, 1.0)


def labelled_pieces(kept: KeptDistribution) -> tuple[tuple[Piece, ...], LabelChance | None]:
    """Keep probability by probe field z of examples of label +1, and the chance of that label by the teacher's field.

    At θ = 0 the teacher's field is z: the label's chance is multiplied into the pieces, and none is left.
    """
    label = kept.label
    if kept.probe_angle > 0:
        return kept.pieces, label
    if label.flip is None:
        return tuple(_labelled(piece, label) for piece in kept.covering(*(centre for centre, _ in label.steps))), None
    noise = label.flip.rate
    halves = [p.transformed(lower=max(p.lower, 0.0), factor=1 - noise) for p in kept.pieces if p.upper > 0]
    halves += [p.transformed(upper=min(p.upper, 0.0), factor=noise) for p in kept.pieces if noise and p.lower < 0]
    return tuple(halves), None


@dataclass(frozen=True)
class LabelStep:
    """L(u) = base + slope · 1(u > 0)."""

    base: float
    slope: float


def label_step(kept: KeptDistribution) -> LabelStep:
    """The chance of the label +1 beside `labelled_pieces`, of labels that are flipped at one rate."""
    flips = kept.label.flip
    if flips is None:
        raise ValueError(f"labels must be flipped at one rate here; got {kept.label_noise}")
    return LabelStep(flips.rate, flips.rise) if kept.probe_angle > 0 else LabelStep(1.0, 0.0)


def _labelled(piece: Piece, label: LabelChance) -> Piece:
    """q(u) L(u) on a piece."""
    return replace(piece, probability=lambda field: piece(field) * label(field))
