"""What is asked of the theory: which students, along which α."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from replica_theory.errors import check_alpha
from replica_theory.selection import Calibrated, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, Selection

Quantity = Literal["error", "version-space", "frontier"]
Rule = Literal["hardest", "easiest", "random", "between"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A family of curves: every rule, kept fraction and probe angle, each at every α.

    Attributes:
        quantity: What is solved for.
        rule: Which examples are kept.
        keep_fraction: f; none for ``between``, nor for the frontier, which finds the best.
        lower, upper: Quantiles of ``between``.
        label_aware: Rank by y z instead of |z|.
        calibrated_share: Share of the pool that is kept at random instead; None for the rule alone.
        probe_angle_degrees: θ.
        abscissa: Which α is given.
        alpha: Its values.
        min_keep_fraction: Least fraction of the frontier.
        surface: Whether the kept fractions are a range, to be drawn as a map.

    Raises:
        ValueError: Parameters are missing, contradict each other or are out of range.
    """

    quantity: Quantity
    rule: Sequence[Rule]
    keep_fraction: Sequence[float]
    lower: float | None
    upper: float | None
    label_aware: bool
    calibrated_share: float | None
    probe_angle_degrees: Sequence[float]
    abscissa: Literal["alpha_prune", "alpha_total"]
    alpha: Sequence[float]
    min_keep_fraction: float | None
    surface: bool

    def __post_init__(self):
        check_alpha(self.alpha, self.abscissa)
        if (self.quantity == "frontier") != (self.min_keep_fraction is not None):
            raise ValueError("`--min-keep-fraction` must be given with --quantity frontier, and only then")
        if self.quantity == "frontier":
            self._check_frontier()
        elif ("between" in self.rule) != (self.lower is not None or self.upper is not None):
            raise ValueError("`--lower` and `--upper` must be given with --rule between, and only then")
        elif (set(self.rule) != {"between"}) != bool(self.keep_fraction):
            raise ValueError("`--keep-fraction` must be given with --rule hardest, easiest or random, and only then")
        if self.quantity == "version-space" and any(self.probe_angle_degrees):
            raise ValueError("`--probe-angle-degrees` must be 0 with --quantity version-space, whose probe is perfect")
        for degrees in self.probe_angle_degrees:
            if not 0 <= degrees <= 90:
                raise ValueError(f"`--probe-angle-degrees` must be in [0, 90]; got {degrees:g}")
        if self.calibrated_share is not None and not 0 <= self.calibrated_share <= 1:
            raise ValueError(f"`--calibrated-share` must be in [0, 1]; got {self.calibrated_share:g}")
        for curve in self.curves():
            curve.selection.kept_distribution(curve.probe_angle)  # out-of-range parameters, before anything is solved

    def _check_frontier(self) -> None:
        plain = not (self.keep_fraction or self.label_aware or self.calibrated_share or self.lower or self.upper)
        if not (plain and set(self.rule) == {"hardest"} and self.abscissa == "alpha_prune"):
            raise ValueError(
                "`--quantity frontier` takes --alpha-prune, --probe-angle-degrees and --min-keep-fraction alone: "
                "it finds the best fraction of --rule hardest"
            )

    def check_drawable(self) -> None:
        """Raises a `ValueError` unless there is a line or a map to draw."""
        if len(set(self.alpha)) < 2:
            raise ValueError("a picture takes a range of α, such as --alpha-prune 0.1:100:100")
        if self.surface and len({(curve.rule, curve.degrees) for curve in self.curves()}) > 1:
            raise ValueError("a map over --keep-fraction lo:hi:n takes one --rule and one --probe-angle-degrees")

    def curves(self) -> list["Curve"]:
        """Rules and kept fractions at each angle, in the order in which they were given."""
        if self.quantity == "frontier":
            return [Curve("hardest", KeepHardest(self.min_keep_fraction or 1.0), d) for d in self.probe_angle_degrees]
        return [
            Curve(rule, selection, degrees)
            for rule in dict.fromkeys(self.rule)
            for selection in self._selections(rule)
            for degrees in self.probe_angle_degrees
        ]

    def _selections(self, rule: Rule) -> list[Selection]:
        if rule == "between":
            plain: list[Selection] = [KeepBetween(_given(self.lower), _given(self.upper), self.label_aware)]
        elif rule == "random":
            plain = [KeepRandom(f) for f in self.keep_fraction]
        else:
            ranked = KeepHardest if rule == "hardest" else KeepEasiest
            plain = [ranked(f, self.label_aware) for f in self.keep_fraction]
        share = self.calibrated_share
        return plain if share is None else [Calibrated(selection, share) for selection in plain]


@dataclass(frozen=True)
class Curve:
    """One rule at one probe angle."""

    rule: Rule
    selection: Selection
    degrees: float

    @property
    def probe_angle(self) -> float:
        return math.radians(self.degrees)


def values(texts: Sequence[str], name: str) -> list[float]:
    """Numbers, and ranges lo:hi:n of n numbers with even ratios; a text may hold several, separated by commas."""
    return [number for text in texts for part in text.split(",") for number in _numbers(part, name)]


def is_range(texts: Sequence[str]) -> bool:
    return any(":" in text for text in texts)


def _numbers(part: str, name: str) -> list[float]:
    try:
        if ":" not in part:
            return [float(part)]
        low, high, count = part.split(":")
        if not (0 < float(low) < float(high) < math.inf and int(count) >= 2):
            raise ValueError
        return np.geomspace(float(low), float(high), int(count)).tolist()
    except ValueError:
        raise ValueError(
            f"`{name}` must be numbers, or a range lo:hi:n with 0 < lo < hi and n >= 2; got {part!r}"
        ) from None


def _given(bound: float | None) -> float:
    if bound is None:
        raise ValueError("`--lower` and `--upper` must be given with --rule between")
    return bound
