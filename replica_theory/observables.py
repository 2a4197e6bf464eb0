"""What can be seen of a student: margins of what it was trained on, its support vectors, its errors by difficulty."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._empirical_risk.ruled_students import RuledStudents
from replica_theory._empirical_risk.trained_margins import TrainedMargins
from replica_theory.choices.student import RidgeLike, StudentLoss, StudentSetting
from replica_theory.errors import check_number, check_one_alpha
from replica_theory.losses.named import LOSSES
from replica_theory.selection import Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise
from replica_theory.selection.margins import IndependentMargins


@dataclass(frozen=True, kw_only=True)
class Observables:
    """A student of pruned data, in what an experiment can count.

    Margins are y J·x of the unit-norm student J, over the kept examples, with their labels as they are (noise
    included). Difficulties are quantiles of |z|, z the probe's field, over clean, unpruned test data.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule.
        probe_angle: θ, radians.
        loss: Of the student, as it was given.
        ridge: λ, as given or the best.
        label_noise: η.
        generalization_error: ε.
        norm: ‖w‖; of a max-margin student 1/κ; 0 at infinite ridge.
        support_share: Share of the kept examples that pull on the student, because their loss has a slope.
        share_at_margin: Share of them that lie at the margin 1/‖w‖ exactly, as hinges leave them.
        residual: Largest relative residual of the student's equations.

    Example:
        >>> from replica_theory import KeepHardest, observables
        >>> seen = observables(2.0, selection=KeepHardest(0.5), probe_angle=0.2)
        >>> f"{seen.support_share:.5f}, {float(seen.share_up_to(2 * seen.generalization_error)):.4f}"
        '0.45520, 0.4879'
    """

    alpha_prune: float
    selection: Selection
    probe_angle: float
    loss: StudentLoss
    ridge: float
    label_noise: Noise
    generalization_error: float
    norm: float
    support_share: float
    share_at_margin: float
    residual: float
    _margins: TrainedMargins = field(repr=False, compare=False)

    @property
    def support_vectors(self) -> float:
        """Examples that pull on the student, per dimension: α times their share."""
        return self.alpha_prune * self.support_share

    def margin_density(self, margin: ArrayLike) -> np.ndarray:
        """Density of the margins of kept examples, shaped like ``margin``, without those at 1/‖w‖ exactly."""
        values = np.asarray(margin, dtype=float)
        norm = self._margins.norm
        densities = [norm * self._margins.density(norm * value) for value in values.ravel().tolist()]
        return np.array(densities).reshape(values.shape)

    def share_up_to(self, margin: ArrayLike) -> np.ndarray:
        """Share of the kept examples of at most this margin, shaped like ``margin``; at 0, the training error.

        Example:
            >>> from replica_theory import KeepHardest, observables
            >>> seen = observables(2.0, selection=KeepHardest(0.5), probe_angle=0.2)
            >>> f"{float(seen.share_up_to(1.0)):.4f}"
            '0.9087'
        """
        values = np.asarray(margin, dtype=float)
        shares = [self._margins.share_up_to(self._margins.norm * value) for value in values.ravel().tolist()]
        return np.array(shares).reshape(values.shape)

    def error_by_difficulty(self, quantiles: Sequence[float] | np.ndarray) -> np.ndarray:
        """Test error in slices of difficulty between ascending quantiles of |z|, 0 = hardest, (quantiles − 1,).

        Raises:
            ValueError: The quantiles do not ascend in [0, 1].

        Example:
            >>> from replica_theory import KeepHardest, observables
            >>> student = observables(2.0, selection=KeepHardest(0.5), probe_angle=0.2)
            >>> hard, easy = student.error_by_difficulty([0, 0.1, 0.9])
            >>> f"{hard:.4f}, {easy:.4f}"
            '0.3540, 0.1441'
        """
        ranks = [check_number(rank, "quantiles") for rank in quantiles]
        if not (len(ranks) >= 2 and ranks[0] >= 0 and ranks[-1] <= 1 and np.all(np.diff(ranks) > 0)):
            raise ValueError(f"`quantiles` must be two or more, ascending in [0, 1]; got {quantiles!r}")
        pool = IndependentMargins(0.0, 0.0)
        ends = [pool.quantile(rank, 1 - rank, label_aware=False) for rank in ranks]
        return np.array([self._margins.mean_test_error(*ends[i : i + 2]) for i in range(len(ends) - 1)])


def observables(
    alpha_prune: float,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
) -> Observables:
    """Margins of the kept examples, share of support vectors, and test error by difficulty, in the limit N → ∞.

    A kept example has the field ω before its own pull and u = prox_{Vℓ}(ω) after it (see `empirical_risk`).

    Args:
        alpha_prune: α, kept examples per dimension, > 0.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        loss: "max_margin", or as in `empirical_risk`.
        ridge: λ in [0, ∞], or "optimal"; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`; 0 for "max_margin".

    Returns:
        The student's observables.

    Raises:
        ValueError: A parameter is out of range, or there is no such student.
        SaddlePointError: No solution to the requested residual.

    Example:
        >>> from replica_theory import KeepHardest, observables
        >>> seen = observables(2.0, selection=KeepHardest(0.4), probe_angle=0.3)
        >>> f"{seen.support_vectors:.4f} support vectors per dimension"
        '0.8913 support vectors per dimension'
        >>> [round(float(error), 3) for error in seen.error_by_difficulty([0, 0.2, 0.5, 1])]
        [0.294, 0.271, 0.115]
    """
    alpha = check_one_alpha(alpha_prune)
    check_selection(selection)
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise, probe_angle=probe_angle)
    verified = student.at(np.array([alpha]), selection)
    best = float(verified.ridge[0])
    hinge = student.is_max_margin or (best == 0 and not student.convex_loss.attains_infimum)
    function = LOSSES["hinge"] if hinge else student.convex_loss
    trained = RuledStudents(function, best, alpha, student.probe_angle, student.label_noise).under(
        selection, None, None
    )
    margins = TrainedMargins(trained.risk, trained.point)
    return Observables(
        alpha_prune=alpha,
        selection=selection,
        probe_angle=float(verified.probe_angle[0]),
        loss=loss,
        ridge=best,
        label_noise=check_label_noise(label_noise),
        generalization_error=float(verified.generalization_error[0]),
        norm=0.0 if math.isinf(best) else margins.norm,
        support_share=margins.support_share(),
        share_at_margin=margins.share_at_margin(),
        residual=float(verified.residual[0]),
        _margins=margins,
    )
