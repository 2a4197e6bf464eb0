"""Up to how many kept examples a student can classify every label, noise included."""

import math
from functools import lru_cache

import numpy as np

from replica_theory.constraints import HardMargin
from replica_theory.errors import SaddlePointError, check_label_noise, check_probe_angle
from replica_theory.kept_averages import KeptAverages
from replica_theory.kept_law import KeptLaw, Piece
from replica_theory.selection import Selection, check_selection
from replica_theory.student_field_summed import summed_cells

RESIDUAL_TOLERANCE = 1e-10
_ITERATIONS = 100


def separability_threshold(*, selection: Selection, probe_angle: float = 0.0, label_noise: float) -> float:
    """α_prune up to which kept labels are linearly separable, noise included: infinite where they have no noise.

    ::

        1/α* = min over a of E_kept (h − y a·s)₊²,   h ~ N(0, 1)

    At smaller α an unregularised logistic student has no minimiser, and hinge students have no loss.

    Args:
        selection: Which examples are kept, as a function of probe field and (noisy) label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label is flipped, in [0, 1/2].

    Returns:
        The threshold, ≥ 2 for rules that do not see the label's noise alone.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The minimum was not found to a residual of 1e-10; carries the residual.

    References:
        Gardner 1988; Candès & Sur 2020, arXiv:1804.09753 (the unpruned case).
    """
    law = check_selection(selection).kept_law(check_probe_angle(probe_angle), check_label_noise(label_noise))
    return threshold_of(law)


@lru_cache(maxsize=1)  # a curve asks at every α
def threshold_of(law: KeptLaw) -> float:
    """The same, of a law."""
    if _is_separable(law):
        return math.inf
    averages, direction = KeptAverages(law), np.zeros(2)
    shortfall, slope, curvature = _shortfall(averages, direction)
    for _ in range(_ITERATIONS):
        step, share = -np.linalg.solve(curvature, slope), 1.0
        if np.max(np.abs(step)) < 1e-11 * (1 + np.max(np.abs(direction))):
            break
        ahead = _shortfall(averages, direction + step)
        while not ahead[0] <= shortfall + 0.1 * share * slope @ step + 1e-15 and share > 1e-6:
            share /= 3
            ahead = _shortfall(averages, direction + share * step)
        direction, (shortfall, slope, curvature) = direction + share * step, ahead
    _check(averages, direction, shortfall)
    return 1 / shortfall


def _is_separable(law: KeptLaw) -> bool:
    """Whether teacher or probe classify all kept labels, or all of them wrongly."""
    if law.label_noise == 0:
        return True
    return not all(any(_holds(piece, side) for piece in law.pieces) for side in (1.0, -1.0))


def _holds(piece: Piece, side: float) -> bool:
    """Whether a piece keeps any margin of this sign."""
    lower, upper = np.clip([piece.lower, piece.upper], -12.0, 12.0)
    margins = np.linspace(lower, upper, 101)[1:-1]
    return bool(np.any(piece(margins[margins * side > 0]) > 0))


def _shortfall(averages: KeptAverages, direction: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """E (−ω)₊² at x = (a, 1), with its gradient and Hessian in a."""
    cells = averages(_AtZero(), np.append(direction, 1.0), 1.0)
    short = np.maximum(-cells.field, 0.0)
    curvature = 2 * cells.second(1.0 * (cells.field < 0))[:2, :2]
    return cells.mean(short**2), -2 * cells.first(short)[:2], curvature


def _check(averages: KeptAverages, direction: np.ndarray, shortfall: float) -> None:
    """The minimum by the other quadrature."""
    cells = summed_cells(averages.law, np.append(direction, 1.0), _AtZero(), 1.0, order=24)
    short = np.maximum(-cells.field, 0.0)
    slope = cells.first(short)[:2] / shortfall
    residual = float(np.max(np.abs([*slope, cells.mean(short**2) / shortfall - 1])))
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError("a second quadrature does not confirm the threshold", residual=residual)


class _AtZero(HardMargin):
    """A loss whose only mark is ω = 0."""

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(1), np.zeros(1)
