"""Theories beside students on two classes of real embeddings: how near, whether in order, and where the order turns.

Every number is predicted with the probe of its own seed, and compared seed by seed: what a probe does to its students
is in both, and cancels.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
        log_alpha: ln α of the measured crossing; its standard error is that of what the seeds' own predictions leave.
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
        ratios = _ratios([prediction for prediction in predictions if prediction.place == place], theory)
        measured = _zero([(ratio.log_alpha, ratio.measured.value) for ratio in ratios])
        if measured is None or not _turns(ratios):
            continue
        log_alpha, slope, left = measured
        first, second = ratios[left : left + 2]
        share = (log_alpha - first.log_alpha) / (second.log_alpha - first.log_alpha)
        predicted = _zero([(ratio.log_alpha, ratio.predicted) for ratio in ratios])
        found.append(
            Crossing(
                place=place,
                log_alpha=Effect(
                    value=log_alpha,
                    standard_error=math.hypot((1 - share) * first.unexplained, share * second.unexplained) / abs(slope),
                    degrees_of_freedom=first.measured.degrees_of_freedom,
                ),
                predicted=math.nan if predicted is None else predicted[0],
            )
        )
    return found


@dataclass(frozen=True)
class _Ratio:
    """ln(ε_hard/ε_easy) at one size.

    Attributes:
        log_alpha: ln α.
        measured: With the standard error of the difference seed by seed.
        predicted: A theory's.
        unexplained: Standard error of measured less predicted, seed by seed.
    """

    log_alpha: float
    measured: Effect
    predicted: float
    unexplained: float


def _ratios(predictions: Sequence[Prediction], theory: str) -> list[_Ratio]:
    """By size, where both rules were measured."""
    by_rule = {(p.rule, p.alpha_prune): p for p in predictions}
    sizes = sorted({p.alpha_prune for p in predictions})
    pairs = [(by_rule.get(("hard", alpha)), by_rule.get(("easy", alpha))) for alpha in sizes]
    return [_ratio(hard, easy, theory) for hard, easy in pairs if hard and easy]


def _ratio(hard: Prediction, easy: Prediction, theory: str) -> _Ratio:
    means = hard.measured.value, easy.measured.value
    spread = effect(hard.errors / means[0] - easy.errors / means[1])
    left = [(p.errors - p.predicted[theory]) / mean for p, mean in zip((hard, easy), means, strict=True)]
    return _Ratio(
        log_alpha=math.log(hard.alpha_prune),
        measured=replace(spread, value=math.log(means[0] / means[1])),
        predicted=math.log(hard.mean(theory) / easy.mean(theory)),
        unexplained=effect(left[0] - left[1]).standard_error,
    )


def _turns(ratios: Sequence[_Ratio]) -> bool:
    """Whether hard is told to be worse in a smaller pool and better in a larger one."""
    told = [r.measured.value for r in ratios if abs(r.measured.value) > TOLD_APART * r.measured.standard_error]
    return len(told) >= 2 and told[0] > 0 > told[-1]


def _zero(line: Sequence[tuple[float, float]]) -> tuple[float, float, int] | None:
    """Where a line through points falls through 0 for the last time: there, its slope, and the left point's number."""
    falls = [
        (x + (u - x) * y / (y - v), (v - y) / (u - x), place)
        for place, ((x, y), (u, v)) in enumerate(itertools.pairwise(line))
        if y > 0 >= v
    ]
    return falls[-1] if falls else None
