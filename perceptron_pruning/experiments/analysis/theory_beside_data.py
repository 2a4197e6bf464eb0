"""Theories beside students on two classes of real embeddings: how near, whether in order, and where the order turns.

Every number is predicted with the probe of its own seed, and compared seed by seed: what a probe does to its students
is in both, and cancels.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.two_class import TwoClassPoint

TOLD_APART = 2.5  # standard errors by which two rules must differ to be in an order


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a mean over seeds was taken, the rule and α apart."""

    pair: str
    step: str
    keep_fraction: float
    label_aware: bool
    ridge: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A mean over seeds, measured and predicted.

    Attributes:
        place: Where.
        rule, alpha_prune: Of the students.
        probe_angle: θ, mean over seeds, radians.
        errors: Measured, (n_seeds,).
        predicted: By each theory, (n_seeds,).
    """

    place: Place
    rule: str
    alpha_prune: float
    probe_angle: float
    errors: np.ndarray
    predicted: dict[str, np.ndarray]

    @property
    def measured(self) -> Effect:
        """Mean error over seeds."""
        return effect(self.errors)

    def mean(self, theory: str) -> float:
        """A theory's mean over the seeds' probes; NaN where it is refused for one."""
        return float(self.predicted[theory].mean())

    def log_ratio(self, theory: str) -> Effect:
        """ln(measured/predicted), with the standard error of the difference seed by seed."""
        difference = effect(self.errors - self.predicted[theory])
        return Effect(
            value=math.log(self.measured.value / self.mean(theory)),
            standard_error=difference.standard_error / self.measured.value,
            degrees_of_freedom=difference.degrees_of_freedom,
        )


def predictions_of(pair: str, points: Iterable[TwoClassPoint], theories: Iterable[str]) -> list[Prediction]:
    """Means over seeds, in the order of the points; those without a single error are left out."""
    groups: dict[tuple[Place, str, float], list[TwoClassPoint]] = {}
    for point in points:
        place = Place(
            pair=pair,
            step=point.step,
            keep_fraction=point.keep_fraction,
            label_aware=point.label_aware,
            ridge=point.ridge,
        )
        groups.setdefault((place, point.rule, point.alpha_prune), []).append(point)
    names = list(theories)
    return [
        Prediction(
            place=place,
            rule=rule,
            alpha_prune=alpha,
            probe_angle=float(np.mean([point.probe_angle for point in group])),
            errors=np.array([point.test_error for point in group]),
            predicted={name: np.array([getattr(point, name) for point in group]) for name in names},
        )
        for (place, rule, alpha), group in groups.items()
        if any(point.test_error > 0 for point in group)
    ]


@dataclass(frozen=True, kw_only=True)
class Nearness:
    """How near a theory is to many measured means.

    Attributes:
        conditions: Their number.
        refused: Of these, those for which the theory has no number.
        difference: Root mean square of ln(measured/predicted), the measurement's noise in it.
        noise: Root mean square of the standard errors alone.
        covered: Share of conditions whose 95 % interval holds the prediction.
        bias: Mean of ln(measured/predicted).
    """

    conditions: int
    refused: int
    difference: float
    noise: float
    covered: float
    bias: float


def nearness(predictions: Sequence[Prediction], theory: str) -> Nearness:
    """Of a theory, over all conditions for which it has a number."""
    known = [p.log_ratio(theory) for p in predictions if math.isfinite(p.mean(theory))]
    values = np.array([ratio.value for ratio in known])
    return Nearness(
        conditions=len(predictions),
        refused=len(predictions) - len(known),
        difference=_root_mean_square(values),
        noise=_root_mean_square(np.array([ratio.standard_error for ratio in known])),
        covered=float(np.mean([ratio.low <= 0 <= ratio.high for ratio in known])),
        bias=float(values.mean()),
    )


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def order_of_rules(predictions: Sequence[Prediction], theory: str) -> tuple[int, int]:
    """Pairs of rules that measurement tells apart, and those of them that a theory has in the right order."""
    groups: dict[tuple[Place, float], list[Prediction]] = {}
    for prediction in predictions:
        groups.setdefault((prediction.place, prediction.alpha_prune), []).append(prediction)
    told, right = 0, 0
    for first, second in (pair for group in groups.values() for pair in itertools.combinations(group, 2)):
        gap = effect(first.errors - second.errors)
        if abs(gap.value) > TOLD_APART * gap.standard_error:
            told += 1
            right += (first.mean(theory) - second.mean(theory)) * gap.value > 0
    return told, right


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Where hard and easy are equal.

    Attributes:
        place: Where.
        log_alpha: ln α of the measured crossing, with its standard error.
        predicted: ln α of a theory's; NaN where it has none between the measured sizes.
    """

    place: Place
    log_alpha: Effect
    predicted: float

    @property
    def z_score(self) -> float:
        """(measured − predicted)/standard error."""
        return (self.log_alpha.value - self.predicted) / self.log_alpha.standard_error


def crossings(predictions: Sequence[Prediction], theory: str) -> list[Crossing]:
    """Measured crossings, at which the sign is told on both sides, beside a theory's."""
    found = []
    for place in dict.fromkeys(prediction.place for prediction in predictions):
        ratios = _log_ratios([prediction for prediction in predictions if prediction.place == place], theory)
        measured = _zero([(log_alpha, value) for log_alpha, value, _, _ in ratios])
        if measured is None or not _turns(ratios):
            continue
        log_alpha, slope, noise = _with_noise(measured, ratios)
        predicted = _zero([(log_alpha, theirs) for log_alpha, _, _, theirs in ratios])
        found.append(
            Crossing(
                place=place,
                log_alpha=Effect(value=log_alpha, standard_error=noise / abs(slope)),
                predicted=math.nan if predicted is None else predicted[0],
            )
        )
    return found


Ratios = list[tuple[float, float, float, float]]  # ln α; ln(hard/easy), its standard error, and a theory's


def _log_ratios(predictions: Sequence[Prediction], theory: str) -> Ratios:
    """By size, where both rules were measured."""
    by_rule = {(p.rule, p.alpha_prune): p for p in predictions}
    ratios = []
    for alpha in sorted({p.alpha_prune for p in predictions}):
        if ("hard", alpha) in by_rule and ("easy", alpha) in by_rule:
            hard, easy = by_rule["hard", alpha], by_rule["easy", alpha]
            noise = math.hypot(
                hard.measured.standard_error / hard.measured.value, easy.measured.standard_error / easy.measured.value
            )
            measured = math.log(hard.measured.value / easy.measured.value)
            ratios.append((math.log(alpha), measured, noise, math.log(hard.mean(theory) / easy.mean(theory))))
    return ratios


def _turns(ratios: Ratios) -> bool:
    """Whether hard is told to be worse in a smaller pool and better in a larger one."""
    told = [math.copysign(1.0, value) for _, value, noise, _ in ratios if abs(value) > TOLD_APART * noise]
    return len(told) >= 2 and told[0] > 0 > told[-1]


def _zero(line: Sequence[tuple[float, float]]) -> tuple[float, float, int] | None:
    """Where a line through points falls through 0 for the last time: there, its slope, and the left point's number."""
    falls = [
        (x + (u - x) * y / (y - v), (v - y) / (u - x), place)
        for place, ((x, y), (u, v)) in enumerate(itertools.pairwise(line))
        if y > 0 >= v
    ]
    return falls[-1] if falls else None


def _with_noise(zero: tuple[float, float, int], ratios: Ratios) -> tuple[float, float, float]:
    """The zero, its slope, and the standard error of the line there."""
    log_alpha, slope, left = zero
    (x, _, first, _), (u, _, second, _) = ratios[left : left + 2]
    share = (log_alpha - x) / (u - x)
    return log_alpha, slope, math.hypot((1 - share) * first, share * second)
