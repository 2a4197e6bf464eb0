"""A probe that takes some full-batch gradient steps on the pool that it prunes."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from replica_theory.errors import check_number, check_ridge

GradientLoss = Literal["square", "logistic", "squared_hinge"]


@dataclass(frozen=True)
class GradientProbe:
    """A probe of T full-batch gradient steps, from p = 0, on a random share I of the pool which it then prunes::

        p ← (1 − step λ) p − (step/N) Σ_{i in I} ℓ'(p·y_i x_i) y_i x_i

    It is the probe that training for a few epochs makes: the first step is Hebb's rule, and with many small ones it
    becomes the `TrainedProbe` of the same loss and ridge, whose risk it descends. Theory (`pruning_rounds`) and
    simulation share it. In simulation a step may be cut into mini-batches in random order, each of which moves p by its
    part of the sum; the theory, in which every step sees all of I, knows one batch alone.

    Args:
        loss: "square" (½(1−u)²), "logistic" or "squared_hinge" (½(1−u)₊²): one whose slope ℓ' is continuous.
        steps: T ≥ 1.
        step_size: > 0. Steps of the square loss grow beyond bounds where it exceeds 2/(λ + (1 + √α)²), α those of I.
        ridge: λ ≥ 0.
        share: ψ, share of the pool that it is trained on, in (0, 1].
        batches: Mini-batches into which each step, then an epoch, is cut, ≥ 1.

    Raises:
        ValueError: A parameter is out of range.

    Example:
        >>> from replica_theory import GradientProbe
        >>> GradientProbe("logistic", steps=5, step_size=0.5)
        GradientProbe(loss='logistic', steps=5, step_size=0.5, ridge=0.0, share=1.0, batches=1)
    """

    loss: GradientLoss = "logistic"
    steps: int = 10
    step_size: float = 0.5
    ridge: float = 0.0
    share: float = 1.0
    batches: int = 1

    def __post_init__(self):
        if self.loss not in get_args(GradientLoss):
            names = ", ".join(f'"{name}"' for name in get_args(GradientLoss))
            raise ValueError(f"`loss` of a gradient probe must be one of {names}; got {self.loss!r}")
        for name in ("steps", "batches"):
            count = getattr(self, name)
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ValueError(f"`{name}` must be an integer >= 1; got {count!r}")
        if not 0.0 < check_number(self.step_size, "step_size") < math.inf:
            raise ValueError(f"`step_size` must be finite and > 0; got {self.step_size}")
        check_ridge(self.ridge)
        if math.isinf(self.ridge):
            raise ValueError("`ridge` of a gradient probe must be finite: one step is Hebb's rule")
        if not 0.0 < check_number(self.share, "share") <= 1.0:
            raise ValueError(f"`share` must be in (0, 1]; got {self.share}")
