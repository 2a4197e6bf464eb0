"""Rounds of self-training: each round's student labels the next pool, which an oracle curates."""

import math

from replica_theory.choices.curation import CuratedSolution, curated_risk
from replica_theory.losses.base import LossLike
from replica_theory.selection import Selection
from replica_theory.selection.label_noise import Noise

_MOST_ROUNDS = 10_000


def self_training(
    alpha_total: float,
    *,
    rounds: int,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    mutual_angle: float | None = None,
    label_noise: Noise = 0.0,
) -> tuple[CuratedSolution[float], ...]:
    """Students that are trained one after another, each on fresh inputs with the labels of the one before it.

    The first pool's labels are a generator's. Of each pool an oracle, always the same, keeps what the rule says; a
    student is trained on that, labels the next pool, and so on. In the limit N → ∞ a student meets the next pool as a
    direction: its angles to the truth and to the oracle are all that the next round needs, so that each is a
    `curated_risk`.

    Args:
        alpha_total: Size of every pool before selection, examples per dimension, > 0.
        rounds: Number of students, ≥ 1.
        loss: As in `empirical_risk`.
        ridge: λ in [0, ∞].
        selection: Which examples are kept, as a function of the oracle's field and the label: `KeepRandom()` trains on
            all, ``Verified(KeepRandom(), 1.0, 0.0)`` on those whose label the oracle shares.
        generator_angle: Between the first generator and the truth, radians, in [0, π/2].
        oracle_angle: Between oracle and truth, radians, in [0, π/2].
        mutual_angle: Between the first generator and the oracle; by default that of two whose errors are independent.
        label_noise: Chance that a label is flipped after it was given, in [0, 1/2], or a `LabelNoise`.

    Returns:
        One solution a round, the first student's first.

    Raises:
        ValueError: A parameter is out of range, or a student is farther than 90 degrees from the truth or the oracle.
        SaddlePointError: No solution to the requested residual.

    References:
        Feng et al. 2024, arXiv:2406.07515, for the question; Dohmatob et al. 2025, arXiv:2511.03492, for one round.

    Example:
        >>> import math
        >>> from replica_theory import KeepRandom, Verified, self_training
        >>> angles = {"generator_angle": math.radians(20), "oracle_angle": math.radians(15)}
        >>> for rule in (KeepRandom(), Verified(KeepRandom(), 1.0, 0.0)):
        ...     students = self_training(20.0, rounds=4, loss="square", ridge=0.3, selection=rule, **angles)
        ...     print(*(f"{student.generalization_error:.4f}" for student in students))
        0.1233 0.1343 0.1443 0.1537
        0.0884 0.0914 0.0965 0.0998
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or not 1 <= rounds <= _MOST_ROUNDS:
        raise ValueError(f"`rounds` must be a whole number in [1, {_MOST_ROUNDS}]; got {rounds!r}")
    students: list[CuratedSolution[float]] = []
    for _ in range(rounds):
        student = curated_risk(
            float(alpha_total),
            loss=loss,
            ridge=ridge,
            selection=selection,
            generator_angle=generator_angle,
            oracle_angle=oracle_angle,
            mutual_angle=mutual_angle,
            label_noise=label_noise,
        )
        students.append(student)
        generator_angle = math.pi * student.generalization_error
        mutual_angle = math.acos(min(max(student.student.probe_overlap, -1.0), 1.0))
    return tuple(students)
