"""The replica prediction beside two classes of real embeddings, with no fitted parameter.

The theory is told what was measured apart from the curve: α, the kept fraction, the angle θ between probe and
converged classifier, the student's ridge, and the share η of labels that the converged classifier misses.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.effect import CONFIRMED, REFUTED, UNDECIDED, Effect, effect
from perceptron_pruning.experiments.two_class import (
    OWN_LABELS,
    TwoClassPoint,
    TwoClassSettings,
)
from replica_theory.empirical_risk import empirical_risk

ALLOWED = 0.1  # relative difference within which the theory counts as holding: finite N takes about 5 % at N = 64


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One point of a curve: measured and predicted.

    Attributes:
        step, rule, alpha_prune: As in `TwoClassPoint`.
        probe_angle: θ, mean over seeds, radians.
        measured: Test error, mean over seeds.
        predicted: By the theory.
        measured_angle: angle(student, teacher)/π, mean over seeds.
        predicted_angle: By the theory; without label noise the same as ``predicted``.
    """

    step: str
    rule: str
    alpha_prune: float
    probe_angle: float
    measured: Effect
    predicted: float
    measured_angle: Effect
    predicted_angle: float

    @property
    def log_ratio(self) -> Effect:
        """ln(measured/predicted)."""
        return _log_ratio(self.measured, self.predicted)

    @property
    def log_ratio_of_angles(self) -> Effect:
        """The same of the angles: what is left of the difference if only training is compared."""
        return _log_ratio(self.measured_angle, self.predicted_angle)


def _log_ratio(measured: Effect, predicted: float) -> Effect:
    relative = measured.standard_error / measured.value
    return Effect(math.log(measured.value / predicted), relative, measured.degrees_of_freedom)


def beside_theory(points: Sequence[TwoClassPoint], label_noise: float, settings: TwoClassSettings) -> list[Beside]:
    """Means over seeds with their predictions, in the order of the points.

    Args:
        points: What was measured.
        label_noise: η of the pair.
        settings: Whose ridge and kept fraction the theory is told.
    """
    groups: dict[tuple, list[TwoClassPoint]] = {}
    for point in points:
        groups.setdefault((point.step, point.rule), []).append(point)
    return [row for group in groups.values() for row in _curve(group, label_noise, settings)]


def _curve(points: Sequence[TwoClassPoint], label_noise: float, settings: TwoClassSettings) -> list[Beside]:
    """One step and rule, all α."""
    step, rule = points[0].step, points[0].rule
    angle = float(np.mean([point.probe_angle for point in points]))
    noise = label_noise if step in OWN_LABELS else 0.0
    alphas = sorted({point.alpha_prune for point in points})
    solution = empirical_risk(
        alphas,
        loss="logistic",
        ridge=settings.ridge,
        selection=settings.rules[rule],
        probe_angle=angle,
        label_noise=noise,
    )
    return [
        Beside(
            step=step,
            rule=rule,
            alpha_prune=alpha,
            probe_angle=angle,
            measured=effect(np.array([point.test_error for point in points if point.alpha_prune == alpha])),
            predicted=float(noisy),
            measured_angle=effect(np.array([point.angle_error for point in points if point.alpha_prune == alpha])),
            predicted_angle=float(clean),
        )
        for alpha, noisy, clean in zip(alphas, solution.noisy_test_error, solution.generalization_error, strict=True)
    ]


@dataclass(frozen=True, kw_only=True)
class Holds:
    """Whether the theory holds on a step.

    Attributes:
        step: Of the data.
        worst: ln(measured/predicted) that lies farthest from zero.
        spread: Root mean square of ln(measured/predicted) over the points, noise included.
        spread_of_angles: The same of the angles between student and teacher.
        ranking: Share of the α at which theory orders the three rules as measured.
        verdict: Refuted if a point lies outside of the allowance beyond its interval, confirmed if none does and the
            spread is within it.
    """

    step: str
    worst: Effect
    spread: float
    spread_of_angles: float
    ranking: float
    verdict: str


def where_it_holds(rows: Sequence[Beside]) -> list[Holds]:
    """A verdict for each step of reality."""
    steps = dict.fromkeys(row.step for row in rows)
    return [_holds(step, [row for row in rows if row.step == step]) for step in steps]


def _holds(step: str, rows: list[Beside]) -> Holds:
    ratios = [row.log_ratio for row in rows]
    spread = _spread(ratios)
    outside = [abs(ratio.value) - ratio.half_width > ALLOWED for ratio in ratios]
    return Holds(
        step=step,
        worst=max(ratios, key=lambda ratio: abs(ratio.value)),
        spread=spread,
        spread_of_angles=_spread([row.log_ratio_of_angles for row in rows]),
        ranking=_ranking(rows),
        verdict=REFUTED if any(outside) else CONFIRMED if spread <= ALLOWED else UNDECIDED,
    )


def _spread(ratios: list[Effect]) -> float:
    return float(np.sqrt(np.mean([ratio.value**2 for ratio in ratios])))


def _ranking(rows: list[Beside]) -> float:
    """Of the sizes at which the best rule is told from the others: share at which theory names the same."""
    agreed = []
    for alpha in sorted({row.alpha_prune for row in rows}):
        here = sorted((row for row in rows if row.alpha_prune == alpha), key=lambda row: row.measured.value)
        first, second = here[0].measured, here[1].measured
        gap = Effect(
            second.value - first.value,
            math.hypot(first.standard_error, second.standard_error),
            first.degrees_of_freedom,
        )
        if gap.verdict() == CONFIRMED:
            agreed.append(min(here, key=lambda row: row.predicted) is here[0])
    return float(np.mean(agreed)) if agreed else math.nan
