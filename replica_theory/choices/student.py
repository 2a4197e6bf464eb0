"""Any student by one call: max-margin or of a convex loss, its ridge given or the best, whatever probe pruned."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from replica_theory.choices.optimal_ridge import optimal_ridge
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import check_probe_angle, check_ridge
from replica_theory.losses.base import Loss, LossLike
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection, TrainedProbe, check_probe
from replica_theory.selection.label_noise import Noise, check_label_noise

StudentLoss: TypeAlias = LossLike | Literal["max_margin"]
RidgeLike: TypeAlias = float | Literal["optimal"]


@dataclass(frozen=True, kw_only=True)
class StudentErrors:
    """Verified students of one setting under one rule, at some α.

    Attributes:
        generalization_error: ε, (points,).
        ridge: λ, (points,).
        residual: Largest residual of their equations, (points,).
        probe_angle: θ, radians, (points,).
    """

    generalization_error: np.ndarray
    ridge: np.ndarray
    residual: np.ndarray
    probe_angle: np.ndarray


@dataclass(frozen=True, kw_only=True)
class StudentSetting:
    """What a student is and what its pool and probe are, but for α and the rule.

    Args:
        loss: "max_margin", or as in `empirical_risk`.
        ridge: λ in [0, ∞], or "optimal"; 0 for "max_margin".
        label_noise: η in [0, 1/2]; 0 for "max_margin".
        probe_angle: θ, radians, in [0, π/2].
        probe: A probe trained on the pool, instead of ``probe_angle``.

    Raises:
        ValueError: A parameter is out of range.
    """

    loss: StudentLoss = "max_margin"
    ridge: RidgeLike = 0.0
    label_noise: Noise = 0.0
    probe_angle: float = 0.0
    probe: TrainedProbe | None = None

    def __post_init__(self):
        check_probe(self.probe, check_probe_angle(self.probe_angle))
        object.__setattr__(self, "label_noise", check_label_noise(self.label_noise))
        if self.is_max_margin:
            _check_max_margin(self.ridge, self.label_noise)
            return
        check_loss(self.loss)
        if not self.ridge_is_free:
            _check_ridge_or_optimal(self.ridge)

    @property
    def is_max_margin(self) -> bool:
        """Whether it is the max-margin student."""
        return isinstance(self.loss, str) and self.loss == "max_margin"

    @property
    def ridge_is_free(self) -> bool:
        """Whether λ is to be the best."""
        return isinstance(self.ridge, str) and self.ridge == "optimal"

    @property
    def risk_loss(self) -> LossLike:
        """The loss of a student that is not max-margin, as it was given."""
        return cast(LossLike, self.loss)

    @property
    def convex_loss(self) -> Loss:
        """ℓ of a student that is not max-margin."""
        return as_loss(check_loss(self.loss))

    def at(self, alphas: np.ndarray, selection: Selection) -> StudentErrors:
        """Verified students under one rule, at α (points,) of what is kept.

        Raises:
            ValueError: There is no such student.
            SaddlePointError: No solution to the requested residual.
        """
        if self.is_max_margin:
            solution = max_margin(alphas, selection=selection, probe_angle=self.probe_angle, probe=self.probe)
            ridges, angles = np.zeros(alphas.size), solution.probe_angle
        elif self.ridge_is_free:
            return self._at_best_ridges(alphas, selection)
        else:
            solution = empirical_risk(
                alphas,
                loss=self.risk_loss,
                ridge=float(self.ridge),
                selection=selection,
                probe_angle=self.probe_angle,
                probe=self.probe,
                label_noise=self.label_noise,
            )
            ridges, angles = np.full(alphas.size, float(self.ridge)), solution.probe_angle
        return StudentErrors(
            generalization_error=solution.generalization_error,
            ridge=ridges,
            residual=solution.residual,
            probe_angle=np.broadcast_to(angles, alphas.shape),
        )

    def _at_best_ridges(self, alphas: np.ndarray, selection: Selection) -> StudentErrors:
        best = optimal_ridge(
            alphas,
            loss=self.risk_loss,
            selection=selection,
            probe_angle=self.probe_angle,
            probe=self.probe,
            label_noise=self.label_noise,
        )
        return StudentErrors(
            generalization_error=best.generalization_error,
            ridge=best.ridge,
            residual=best.residual,
            probe_angle=np.broadcast_to(best.probe_angle, alphas.shape),
        )


def _check_max_margin(ridge: object, label_noise: Noise) -> None:
    if ridge != 0:
        raise ValueError(f'`ridge` must be 0 for loss="max_margin", which has none; got {ridge!r}')
    if label_noise:
        raise ValueError(
            f'`label_noise` must be 0 for loss="max_margin"; got {label_noise} '
            '(loss="hinge" with ridge=0 is that student where the noisy labels are separable)'
        )


def _check_ridge_or_optimal(ridge: object) -> None:
    if isinstance(ridge, str):
        raise ValueError(f'`ridge` must be a number or "optimal"; got {ridge!r}')
    check_ridge(ridge)  # pyright: ignore[reportArgumentType]
