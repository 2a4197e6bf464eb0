"""The best rule for a given pool and a given fraction to keep.

The influence of an example on the error is a function of its margin alone, so the best rule keeps
the margins where the influence is lowest: a union of intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from replica_theory._max_margin.selection_descent import SelectionDescent
from replica_theory.errors import check_alpha, check_keep_fraction, check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepWindows


@dataclass(frozen=True, kw_only=True)
class OptimalSelection:
    """The best rule at fixed (α_total, f, θ).

    Attributes:
        alpha_total: Pool size, examples per dimension.
        keep_fraction: f.
        probe_angle: θ, radians.
        label_aware: Whether the rule may use labels.
        selection: The best rule, a union of windows of the margin.
        generalization_error: ε with it.
        residual: Largest relative residual of the paper's equations there.
    """

    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool
    selection: KeepWindows
    generalization_error: float
    residual: float
    _influence: Callable[[np.ndarray], np.ndarray] = field(repr=False)

    def influence(self, margin: np.ndarray) -> np.ndarray:
        """Influence of keeping an example at this margin: δ ln ε = (1/f) E[δq · influence].

        Args:
            margin: y z when the rule is label-aware, else |z|.

        Returns:
            The influence, shaped like ``margin``: kept margins have less of it than the others.
        """
        margin = np.asarray(margin, dtype=float)
        return self._influence(margin.ravel()).reshape(margin.shape)


def optimal_selection(
    alpha_total: float, *, keep_fraction: float, probe_angle: float = 0.0, label_aware: bool = True
) -> OptimalSelection:
    """The rule that gives the least test error at fixed pool, fraction and probe.

    Minimises ε over all q(m) in [0, 1] with E q = f, m = y z (or |z| where labels may not be used),
    by its first variation: at the optimum the kept margins are those of lowest influence. The descent
    starts from the best single windows, so that none of them, nor the hardest or the easiest, is better.

    Args:
        alpha_total: Pool size, examples per dimension, > 0.
        keep_fraction: f in (0, 1].
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_aware: Whether the rule may use labels; at θ = 0 it makes no difference.

    Returns:
        The rule, its error and its influence function.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        First variation of Sorscher et al. 2022, arXiv:2206.14486, App. A.2.
    """
    (alpha,) = np.atleast_1d(check_alpha(alpha_total, "alpha_total")).tolist()
    fraction, angle = check_keep_fraction(keep_fraction), check_probe_angle(probe_angle)
    descent = SelectionDescent(alpha, fraction, angle, label_aware)
    best = descent.best()
    solution = max_margin(fraction * alpha, selection=best.rule, probe_angle=angle)
    return OptimalSelection(
        alpha_total=alpha,
        keep_fraction=fraction,
        probe_angle=angle,
        label_aware=label_aware,
        selection=best.rule,
        generalization_error=solution.generalization_error,
        residual=solution.residual,
        _influence=descent.influence(best),
    )
