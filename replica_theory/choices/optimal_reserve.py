"""How much of a pool to keep at random beside a rule."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.one_variable import minimiser
from replica_theory.choices.student import RidgeLike, StudentErrors, StudentLoss, StudentSetting
from replica_theory.errors import check_one_alpha
from replica_theory.selection import Calibrated, Selection, TrainedProbe, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_SHARES = np.linspace(0.0, 1.0, 11)  # of the pool kept at random, at which ε is sampled
_TOLERANCE = 1e-6  # of the best share; ε is flat there, and good to 1e-12
_SAME_ERROR = 1e-12  # relative excess over the least error up to which an end of the range is preferred


@dataclass(frozen=True, kw_only=True)
class OptimalReserve:
    """The best random reserve of a rule.

    Attributes:
        alpha_total: Pool size, examples per dimension.
        rule: The rule.
        probe_angle: θ, radians; of a trained probe the one that training reaches.
        probe: The probe, if it was trained on the pool.
        loss: Of the student, as it was given.
        label_noise: η.
        random_share: Best share of the pool that is kept at random, with the rule's fraction as the chance, in [0, 1].
        selection: The rule with that reserve.
        ridge: λ there, as given or the best.
        generalization_error: ε there.
        error_of_rule: ε without a reserve.
        error_at_random: ε with nothing else.
        residual: Largest relative residual of the student's equations there.

    Example:
        >>> from replica_theory import KeepHardest, optimal_reserve
        >>> best = optimal_reserve(2.0, selection=KeepHardest(0.3), probe_angle=0.2)
        >>> f"{best.random_share:.2f}, {best.error_of_rule:.5f} → {best.generalization_error:.5f}"
        '1.00, 0.42865 → 0.31387'
    """

    alpha_total: float
    rule: Selection
    probe_angle: float
    probe: TrainedProbe | None
    loss: StudentLoss
    label_noise: Noise
    random_share: float
    selection: Calibrated
    ridge: float
    generalization_error: float
    error_of_rule: float
    error_at_random: float
    residual: float


def optimal_reserve(
    alpha_total: float,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> OptimalReserve:
    """The share of a pool that is best kept at random while a rule decides on the rest (`Calibrated`).

    ε is sampled at 11 shares and minimised around the best of them. A random reserve mends a rule that is not the best
    one: the first variation of ε is linear in the chance to keep, so that the best rule of all (`optimal_selection`)
    has no reserve.

    Args:
        alpha_total: Pool size, examples per dimension, > 0.
        selection: The rule.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        loss: Of the student: "max_margin", or as in `empirical_risk`.
        ridge: λ of the student in [0, ∞], or "optimal", the best at each share; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`; 0 for "max_margin".
        probe: A probe that is trained on the pool, instead of ``probe_angle``.

    Returns:
        The share, the rule with it, and the errors with it, without it, and at random.

    Raises:
        ValueError: A parameter is out of range, or there is no such student.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        Ayed & Hayou 2023, arXiv:2302.06960.

    Example:
        >>> from replica_theory import KeepHardest, optimal_reserve
        >>> best = optimal_reserve(12.0, selection=KeepHardest(0.3), probe_angle=0.5)
        >>> f"{best.random_share:.3f} at random: {best.generalization_error:.4f} instead of {best.error_of_rule:.4f}"
        '0.418 at random: 0.1088 instead of 0.1485'
    """
    alpha = check_one_alpha(alpha_total, "alpha_total")
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise, probe_angle=probe_angle, probe=probe)
    check_selection(selection)
    alphas = np.array([alpha * _fraction(selection, student)])

    def at(share: float) -> StudentErrors:
        return student.at(alphas, Calibrated(selection, share))

    def log_error(share: float) -> float:
        return math.log(at(share).generalization_error[0])

    log_errors = [log_error(share) for share in _SHARES.tolist()]
    lowest = int(np.argmin(log_errors))
    lower, upper = _SHARES[max(lowest - 1, 0)], _SHARES[min(lowest + 1, _SHARES.size - 1)]
    best = minimiser(log_error, lower, upper, xtol=_TOLERANCE)
    for share, end in ((0.0, log_errors[0]), (1.0, log_errors[-1])):
        if end <= log_error(best) + _SAME_ERROR:
            best = share
    solution = at(best)
    return OptimalReserve(
        alpha_total=alpha,
        rule=selection,
        probe_angle=float(solution.probe_angle[0]),
        probe=probe,
        loss=loss,
        label_noise=check_label_noise(label_noise),
        random_share=best,
        selection=Calibrated(selection, best),
        ridge=float(solution.ridge[0]),
        generalization_error=float(solution.generalization_error[0]),
        error_of_rule=math.exp(log_errors[0]),
        error_at_random=math.exp(log_errors[-1]),
        residual=float(solution.residual[0]),
    )


def _fraction(selection: Selection, student: StudentSetting) -> float:
    """f; of a trained probe that of a rule that ranks, whatever the margins."""
    if student.probe is not None:
        return selection.keep_fraction
    return selection.kept_distribution(student.probe_angle, student.label_noise).keep_fraction
