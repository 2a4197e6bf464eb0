"""The replica prediction beside two classes of real embeddings, with no fitted parameter.

The theory is told what was measured apart from the curve: α, the kept fraction, the angle θ between probe and
converged classifier, the student's ridge, and the share η of labels that the converged classifier misses.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect, exact
from perceptron_pruning.evidence.judges import CONFIRMED, judged
from perceptron_pruning.experiments.two_class import (
    OWN_LABELS,
    TwoClassPoint,
    TwoClassSettings,
)
from replica_theory.empirical_risk import empirical_risk

TOLERANCE = 0.1  # |ln(measured/theory)| within which the theory counts as holding; finite N = 64 takes about 0.05
_NONE = 0.5  # a count below this is none


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One point of a curve: measured and predicted.

    Attributes:
        step, rule, alpha_prune: Those of `TwoClassPoint`.
        probe_angle: θ, mean over seeds, radians.
        measured: Test error, mean over seeds.
        predicted: The theory's test error.
        measured_angle: angle(student, teacher)/π, mean over seeds.
        predicted_angle: The theory's; without label noise the same as ``predicted``.
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
        """ln(measured/predicted) of the angles: what is left of the difference if only training is compared."""
        return _log_ratio(self.measured_angle, self.predicted_angle)


def _log_ratio(measured: Effect, predicted: float) -> Effect:
    relative = measured.standard_error / measured.value
    return Effect(
        value=math.log(measured.value / predicted),
        standard_error=relative,
        degrees_of_freedom=measured.degrees_of_freedom,
    )


def predictions_of(points: Sequence[TwoClassPoint], label_noise: float, settings: TwoClassSettings) -> list[Prediction]:
    """Means over seeds with their predictions, in the order of the points.

    Args:
        points: The measured students.
        label_noise: η of the pair.
        settings: Their ridge and kept fraction, which the theory is told.
    """
    groups: dict[tuple[str, str], list[TwoClassPoint]] = {}
    for point in points:
        groups.setdefault((point.step, point.rule), []).append(point)
    return [row for group in groups.values() for row in _curve(group, label_noise, settings)]


def _curve(points: Sequence[TwoClassPoint], label_noise: float, settings: TwoClassSettings) -> list[Prediction]:
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
        Prediction(
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


def theory_holds(predictions: Sequence[Prediction], setting: str, *, theory_claims: bool, note: str = "") -> Claim:
    """Refuted if a point lies outside of the tolerance with its whole interval; confirmed if none does and the
    root-mean-square difference is within it.

    Args:
        predictions: All points of one step.
        setting: Where it is tested.
        theory_claims: Whether the theory is exact on this step.
        note: More on the step.
    """
    ratios = [prediction.log_ratio for prediction in predictions]
    outside = sum(abs(ratio.value) - ratio.half_width > TOLERANCE for ratio in ratios)
    worst = max(ratios, key=lambda ratio: abs(ratio.value))
    angles = root_mean_square([prediction.log_ratio_of_angles for prediction in predictions])
    told = [f"{worst} at worst, of the student's angle root mean square {angles:.3f}", _ranking(predictions), note]
    return Claim(
        statement="Replica theory, with nothing fitted, predicts two classes of real data",
        setting=setting,
        theory="exact for Gaussian inputs with a teacher's labels as N → ∞",
        measurements=(
            Measurement(
                quantity=f"points of {len(ratios)} whose ln(measured/theory) lies outside of ±{TOLERANCE:g}",
                effect=exact(outside),
                criterion="below",
                reference=_NONE,
            ),
            Measurement(
                quantity="root mean square of ln(measured/theory)",
                effect=exact(root_mean_square(ratios)),
                criterion="below",
                reference=TOLERANCE,
                precondition=True,
            ),
        ),
        asserted=theory_claims,
        note="; ".join(part for part in told if part),
    )


def root_mean_square(ratios: Iterable[Effect]) -> float:
    """Root mean square of the values, noise included."""
    return float(np.sqrt(np.mean([ratio.value**2 for ratio in ratios])))


def _ranking(predictions: Sequence[Prediction]) -> str:
    """At how many α theory names the best of the rules, where measurement tells it from the others."""
    agreed = []
    for alpha in sorted({prediction.alpha_prune for prediction in predictions}):
        ordered = sorted((p for p in predictions if p.alpha_prune == alpha), key=lambda p: p.measured.value)
        if _tells_best(*(p.measured for p in ordered[:2])):
            agreed.append(min(ordered, key=lambda p: p.predicted) is ordered[0])
    if not agreed:
        return "no size tells the best rule"
    return f"theory names the best rule at {np.mean(agreed):.0%} of the sizes that tell it"


def _tells_best(first: Effect, second: Effect) -> bool:
    gap = Effect(
        value=second.value - first.value,
        standard_error=math.hypot(first.standard_error, second.standard_error),
        degrees_of_freedom=first.degrees_of_freedom,
    )
    return judged(gap, "above") == CONFIRMED
