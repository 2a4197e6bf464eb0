"""Prune, train the next probe on what is left, and prune again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from replica_theory._trained_probe.rounds import Chain, RoundOutcome
from replica_theory.errors import SaddlePointError, check_alpha, check_ridge
from replica_theory.selection import GradientProbe, Selection, TrainedProbe, check_selection
from replica_theory.selection.label_noise import check_flip_rate

RoundLoss = Literal["max_margin", "square", "logistic", "hinge", "squared_hinge"]

ERROR_TOLERANCE = 1e-4  # largest standard error of ε
ERROR_TOLERANCE_OF_STEPS = 5e-4  # the same with probes of gradient steps, each of which is one Gaussian dimension
_AIM = 5e-5  # standard error of ε at which no more points are taken
_AIM_OF_STEPS = 2e-4
_SCRAMBLES = 4  # independent scrambles of the Sobol sequence
_LOG2_POINTS = (10, 12, 14)  # binary logarithms of the number of points, in turn
_LOG2_POINTS_OF_STEPS = (11, 13, 14, 15)


@dataclass(frozen=True, kw_only=True)
class PruningRound:
    """One round: its probe, and the student trained on what is left after it.

    Attributes:
        alpha_total: α of the pool, examples per dimension.
        alpha_prune: α of what is left.
        probe: The round's probe, which was trained on what the round before has left.
        selection: The rule by which the probe pruned.
        loss: Of the student.
        ridge: λ of the student.
        label_noise: η, chance that a label of the pool was flipped.
        rerank_pool: Whether the whole pool was ranked again.
        probe_angle: θ that the probe's training reaches, radians.
        generalization_error: ε = angle(student, teacher)/π, test error on clean, unpruned data.
        overlap: R = cos of the angle to the teacher.
        probe_overlap: ρ = cos of the angle to the round's probe.
        norm: ‖w‖; of a max-margin student 1/κ.
        standard_error: Numerical uncertainty of ε, from independent scrambles of the points.

    Example:
        >>> from replica_theory import KeepHardest, TrainedProbe, pruning_rounds
        >>> first, second = pruning_rounds(4.0, rounds=[(TrainedProbe("square", 0.1), KeepHardest(0.7))] * 2)
        >>> f"{first.generalization_error:.3f}, {second.generalization_error:.3f}", f"{second.alpha_prune:.2f}"
        ('0.114, 0.115', '1.96')
    """

    alpha_total: float
    alpha_prune: float
    probe: TrainedProbe | GradientProbe
    selection: Selection
    loss: RoundLoss
    ridge: float
    label_noise: float
    rerank_pool: bool
    probe_angle: float
    generalization_error: float
    overlap: float
    probe_overlap: float
    norm: float
    standard_error: float


def pruning_rounds(
    alpha_total: float,
    *,
    rounds: Sequence[tuple[TrainedProbe | GradientProbe, Selection]],
    loss: RoundLoss = "max_margin",
    ridge: float = 0.0,
    label_noise: float = 0.0,
    rerank_pool: bool = False,
) -> tuple[PruningRound, ...]:
    """Students on pools that are pruned again and again, each time by a probe trained on what is left.

    In the limit N → ∞ at fixed P/N. Every learner j before the student leaves one margin f_j and one force G_j on
    each example, and one linear constraint Σ_i G_ji a_i = N λ_j p_j on the data; the student's field is

        ω = A s + Σ_j r_j f_j + Σ_j c_j G_j + b g

    with the saddle point (S1)–(S5) of ``_trained_probe/saddle_point.py``. Its averages have one Gaussian dimension a
    round; they are summed over points of a Sobol sequence drawn from what is kept.

    Args:
        alpha_total: α of the pool, examples per dimension, > 0.
        rounds: (probe, rule) of each round, the probe a `TrainedProbe` or a `GradientProbe`. A rule keeps its fraction
            of what is left, or of the pool with ``rerank_pool``; a probe's ``share`` is that of what is left.
        loss: Of the student: "max_margin", "square", "logistic", "hinge" or "squared_hinge".
        ridge: λ of the student, in [0, ∞]; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2].
        rerank_pool: Whether every probe ranks the whole pool, what earlier rounds have dropped included.

    Returns:
        One solution a round. Errors are accurate to about 5e-5, or 2e-4 with a `GradientProbe`, as each states.

    Raises:
        ValueError: A parameter is out of range, or there is no such probe or student.
        SaddlePointError: The points do not determine an error to 1e-4, or 5e-4 with a `GradientProbe`; carries its
            standard error.

    Example:
        >>> from replica_theory import KeepHardest, TrainedProbe, pruning_rounds
        >>> rounds = [(TrainedProbe("square", 0.1), KeepHardest(0.5))]
        >>> (once,) = pruning_rounds(4.0, rounds=rounds, loss="square", ridge=0.1)
        >>> f"{once.generalization_error:.3f}", once.standard_error < 1e-4
        ('0.108', True)
    """
    alpha = check_alpha(alpha_total, "alpha_total")
    if alpha.ndim:
        raise ValueError(f"`alpha_total` must be a single number; got shape {alpha.shape}")
    _check_rounds(rounds)
    _check_student(loss, ridge)
    chain = Chain(
        alpha=float(alpha),
        label_noise=check_flip_rate(label_noise),
        rounds=tuple(rounds),
        loss=None if loss == "max_margin" else loss,
        ridge=float(ridge),
        whole_pool=bool(rerank_pool),
    )
    return tuple(
        _solution(outcomes, chain, loss, probe, selection)
        for outcomes, (probe, selection) in zip(_outcomes(chain), rounds, strict=True)
    )


def _outcomes(chain: Chain) -> list[tuple[RoundOutcome, ...]]:
    """Outcomes of several scrambles, one tuple a round, by as many points as their standard errors ask for."""
    steps = any(isinstance(probe, GradientProbe) for probe, _ in chain.rounds)
    aim, tolerance = (_AIM_OF_STEPS, ERROR_TOLERANCE_OF_STEPS) if steps else (_AIM, ERROR_TOLERANCE)
    by_round: list[tuple[RoundOutcome, ...]] = []
    for log2_points in _LOG2_POINTS_OF_STEPS if steps else _LOG2_POINTS:
        by_round = _scrambled(chain, log2_points, [outcomes[0] for outcomes in by_round])
        if _worst(by_round) <= aim:
            break
    if not _worst(by_round) <= tolerance:
        raise SaddlePointError("the error of a round is not known well enough", residual=_worst(by_round))
    return by_round


def _scrambled(chain: Chain, log2_points: int, starts: Sequence[RoundOutcome]) -> list[tuple[RoundOutcome, ...]]:
    """The same by a number of points; all but the first start from its solutions."""
    first = chain.outcomes(log2_points, 0, starts)
    others = [chain.outcomes(log2_points, seed, first) for seed in range(1, _SCRAMBLES)]
    return list(zip(first, *others, strict=True))


def _worst(by_round: Sequence[Sequence[RoundOutcome]]) -> float:
    return max(_standard_error(outcomes) for outcomes in by_round)


def _standard_error(outcomes: Sequence[RoundOutcome]) -> float:
    """Of the mean ε over scrambles."""
    return float(np.std([outcome.angle for outcome in outcomes], ddof=1)) / (math.pi * math.sqrt(len(outcomes)))


def _solution(
    outcomes: Sequence[RoundOutcome],
    chain: Chain,
    loss: RoundLoss,
    probe: TrainedProbe | GradientProbe,
    selection: Selection,
) -> PruningRound:
    """Means over scrambles."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(outcome, name) for outcome in outcomes]))

    return PruningRound(
        alpha_total=chain.alpha,
        alpha_prune=chain.alpha * mean("keep_fraction"),
        probe=probe,
        selection=selection,
        loss=loss,
        ridge=chain.ridge,
        label_noise=chain.label_noise,
        rerank_pool=chain.whole_pool,
        probe_angle=mean("probe_angle"),
        generalization_error=mean("angle") / math.pi,
        overlap=math.cos(mean("angle")),
        probe_overlap=mean("probe_overlap"),
        norm=mean("norm"),
        standard_error=_standard_error(outcomes),
    )


def _check_rounds(rounds: Sequence[tuple[TrainedProbe | GradientProbe, Selection]]) -> None:
    if not isinstance(rounds, Sequence):
        raise ValueError(f"`rounds` must be a sequence of (probe, rule) pairs; got {rounds!r}")
    if not len(rounds):
        raise ValueError("`rounds` must hold a (probe, rule) pair or more; got none")
    for pair in rounds:
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], (TrainedProbe, GradientProbe))):
            raise ValueError(f"`rounds` must be pairs of a TrainedProbe or GradientProbe and a rule; got {pair!r}")
        if isinstance(pair[0], GradientProbe) and pair[0].batches != 1:
            raise ValueError(f"`batches` of a GradientProbe must be 1 in theory: steps see everything; got {pair[0]}")
        check_selection(pair[1])


def _check_student(loss: str, ridge: float) -> None:
    if loss not in get_args(RoundLoss):
        names = ", ".join(f'"{name}"' for name in get_args(RoundLoss))
        raise ValueError(f"`loss` must be {names}; got {loss!r}")
    check_ridge(ridge)
    if loss == "max_margin" and ridge != 0:
        raise ValueError(f"`ridge` must be 0 for a max-margin student; got {ridge}")
