"""What the page's sliders say: one point of the theory, written and read as the query of an address."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from replica_theory.losses.base import LossName
from replica_theory.selection import KeepBetween, KeepEasiest, KeepHardest, KeepRandom, Selection, TrainedProbe

Rule = Literal["hardest", "easiest", "random", "window"]
Student = Literal["max_margin", "square", "logistic", "hinge", "squared_hinge"]
Abscissa = Literal["pool", "kept"]
Probe = Literal["independent", "trained"]

RANGES = {
    "alpha": (0.1, 200.0),
    "keep_fraction": (0.05, 1.0),
    "probe_angle_degrees": (0.0, 90.0),
    "lower": (0.0, 0.95),
    "ridge": (0.0, 100.0),
    "label_noise": (0.0, 0.45),
    "probe_ridge": (1e-4, 100.0),
    "probe_share": (0.05, 1.0),
}
"""Least and largest value of each slider."""

NAMES = {
    "max_margin": "max-margin",
    "square": "square",
    "logistic": "logistic",
    "hinge": "hinge",
    "squared_hinge": "squared-hinge",
}


@dataclass(frozen=True, kw_only=True)
class State:
    """A setting of the page.

    Attributes:
        alpha: Examples per dimension, of the pool or of what is kept.
        abscissa: Which of the two.
        keep_fraction: f.
        rule: Which examples are kept.
        lower: Quantile of difficulty at which a window starts, 0 = hardest; it ends at lower + f.
        label_aware: Whether the rule ranks by y z in place of |z|.
        probe: Independent of the pool, or trained on it.
        probe_angle_degrees: θ of an independent probe.
        probe_loss, probe_ridge, probe_share: Of a trained one, as in `TrainedProbe`.
        student: Max-margin, or the minimiser of this loss.
        ridge: λ of the loss.
        label_noise: η, chance that a label is flipped.

    Raises:
        ValueError: A value is out of range, or there is no such student.

    Example:
        >>> State.read("alpha=2&keep_fraction=0.5&student=hinge").student
        'hinge'
    """

    alpha: float = 5.0
    abscissa: Abscissa = "pool"
    keep_fraction: float = 0.3
    rule: Rule = "hardest"
    lower: float = 0.1
    label_aware: bool = False
    probe: Probe = "independent"
    probe_angle_degrees: float = 10.0
    probe_loss: LossName = "logistic"
    probe_ridge: float = 0.1
    probe_share: float = 1.0
    student: Student = "max_margin"
    ridge: float = 0.01
    label_noise: float = 0.0

    def __post_init__(self):
        for name, (least, most) in RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"`{name}` must be in [{least:g}, {most:g}]; got {getattr(self, name)!r}")
        if self.rule == "window" and not self.lower + self.keep_fraction <= 1 + 1e-9:
            raise ValueError(
                f"a window from quantile {self.lower:g} cannot hold {self.keep_fraction:g} of the pool: "
                f"start it at {_rounded_down(1 - self.keep_fraction):g} or below"
            )
        if self.student == "max_margin" and self.label_noise:
            raise ValueError(
                "the max-margin student needs clean labels, as wrong ones leave no margin: "
                "set label noise to 0, or choose another student"
            )

    @classmethod
    def read(cls, query: str | Mapping[str, str]) -> "State":
        """The state of a query; what it leaves out is the default.

        Raises:
            ValueError: A name is unknown or given twice, or a value is not one of its choices, not a number or out of
                range.
        """
        pairs = _pairs(query) if isinstance(query, str) else list(query.items())
        given = dict(pairs)
        if twice := [name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place])]:
            raise ValueError(f"`{twice[0]}` must be given once; got it twice")
        kinds = get_type_hints(cls)
        if unknown := sorted(given.keys() - kinds.keys()):
            raise ValueError(f"`{unknown[0]}` is not a parameter; these are: {', '.join(kinds)}")
        return cls(**{name: _value(name, kinds[name], text) for name, text in given.items()})

    def texts(self) -> dict[str, str]:
        """Each value as text, as a query has it."""
        return {field.name: _text(getattr(self, field.name)) for field in fields(self)}

    def query(self) -> str:
        """The state as a query of an address, defaults left out."""
        defaults = State().texts()
        return "&".join(f"{name}={text}" for name, text in self.texts().items() if text != defaults[name])

    @property
    def probe_angle(self) -> float:
        """θ in radians; 0 for a trained probe, which finds its own."""
        return math.radians(self.probe_angle_degrees) if self.probe == "independent" else 0.0

    @property
    def trained_probe(self) -> TrainedProbe | None:
        if self.probe == "independent":
            return None
        return TrainedProbe(self.probe_loss, ridge=self.probe_ridge, share=self.probe_share)

    @property
    def student_setting(self) -> dict[str, Any]:
        """Probe and student as the theory's choices take them: `pareto_frontier`, `crossover`, `optimal_selection`."""
        setting = {"probe_angle": self.probe_angle, "probe": self.trained_probe}
        if self.student != "max_margin":
            setting |= {"loss": self.student, "ridge": self.ridge, "label_noise": self.label_noise}
        return setting

    @property
    def kept_per_alpha(self) -> float:
        """Kept examples per example of the abscissa: f, or 1."""
        return self.keep_fraction if self.abscissa == "pool" else 1.0

    @property
    def alpha_prune(self) -> float:
        """Kept examples per dimension."""
        return self.alpha * self.kept_per_alpha

    @property
    def alpha_total(self) -> float:
        """Examples of the pool per dimension."""
        return self.alpha_prune / self.keep_fraction

    def selection(self, rule: Rule) -> Selection:
        """A rule at this fraction."""
        fraction, aware = self.keep_fraction, self.label_aware
        if rule == "random":
            return KeepRandom(fraction)
        if rule == "window":
            return KeepBetween(self.lower, min(1.0, round(self.lower + fraction, 12)), aware)
        return (KeepHardest if rule == "hardest" else KeepEasiest)(fraction, aware)


def _rounded_down(quantile: float) -> float:
    return math.floor(quantile * 1e4 + 1e-9) / 1e4


def _pairs(query: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise ValueError(f"a state reads name=value&name=value; got {query!r}") from None


def _value(name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        choices: tuple[str, ...] = ("0", "1")
    elif kind is float:
        return _number(name, text)
    else:
        choices = get_args(kind)
    if text not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}; got {text!r}")
    return text == "1" if kind is bool else text


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be a number; got {text!r}")
    return number


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else str(value)
