"""A probe that is trained on the very pool that it then prunes."""

from dataclasses import dataclass
from typing import Literal

from replica_theory.errors import check_number, check_ridge
from replica_theory.losses.base import LossName
from replica_theory.losses.named import LOSSES

Ties = Literal["random", "dual"]


@dataclass(frozen=True)
class TrainedProbe:
    """A probe that minimises a regularised risk on a random share I of the pool which it then prunes::

        (1/N) Σ_{i in I} ℓ(p·y_i x_i) + (λ/2) ‖p‖²

    Theory and simulation share it. A rule sees the margins p·y x as training has left them: those of I have moved
    towards the right side, the others have not. Rules by rank are indifferent to the scale of p; a rule by
    probability is asked at the field of the unit-norm probe.

    Args:
        loss: "square" (½(1−u)²), "logistic", "hinge" or "squared_hinge" (½(1−u)₊²).
        ridge: λ in [0, ∞]. Infinite: Hebb's probe, the mean of y x, whatever the loss. At 0, the limit λ → 0: for hinge
            losses on separable labels it is the max-margin probe.
        share: ψ, share of the pool that it is trained on, in (0, 1].
        ties: How equal margins are ranked. A hinge probe leaves a finite share of its examples at margin 1 exactly:
            at "random", or by the "dual" variable, those on which the probe pulls hardest being hardest.

    Raises:
        ValueError: A parameter is out of range.

    Example:
        >>> from replica_theory import TrainedProbe
        >>> TrainedProbe("logistic", ridge=0.01)
        TrainedProbe(loss='logistic', ridge=0.01, share=1.0, ties='random')
    """

    loss: LossName = "logistic"
    ridge: float = 0.1
    share: float = 1.0
    ties: Ties = "random"

    def __post_init__(self):
        if self.loss not in LOSSES:
            names = ", ".join(f'"{name}"' for name in LOSSES)
            raise ValueError(f"`loss` of a trained probe must be one of {names}; got {self.loss!r}")
        check_ridge(self.ridge)
        if not 0.0 < check_number(self.share, "share") <= 1.0:
            raise ValueError(f"`share` must be in (0, 1]; got {self.share}")
        if self.ties not in ("random", "dual"):
            raise ValueError(f'`ties` must be "random" or "dual"; got {self.ties!r}')


def check_probe(probe: TrainedProbe | None, probe_angle: float) -> TrainedProbe | None:
    """Returns the probe, or raises a `ValueError` unless it is one or none, and the only one that is given."""
    if probe is not None and not isinstance(probe, TrainedProbe):
        raise ValueError(f"`probe` must be a TrainedProbe or None; got {probe!r}")
    if probe is not None and probe_angle != 0:
        raise ValueError(
            f"`probe_angle` must be left out with a trained `probe`, which finds its own; got {probe_angle}"
        )
    return probe
