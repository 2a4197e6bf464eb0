"""Structured inputs of a law in closed form: Gaussian of any covariance, or classes of them, with radii."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._real_data.arguments import check_direction, check_positive, check_positives, check_shares
from replica_theory._real_data.structured.examples import Law
from replica_theory._real_data.structured.gaussian_law import Component, GaussianLaw
from replica_theory._real_data.structured.label_chances import Checked, Flipped, LabelChance
from replica_theory.errors import read_only
from replica_theory.real_data.structured_inputs import StructuredInputs
from replica_theory.selection.label_noise import check_flip_rate


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class GaussianInputs(StructuredInputs):
    """Inputs of a law in closed form; see `StructuredInputs.gaussian` and `StructuredInputs.mixture`.

    Attributes:
        means: μ_c, (components, d).
        covariances: Σ_c, (components, d, d), or (1, d, d) of all.
        labels: ±1, (components,), or None where a teacher labels.
        shares: Of the components, (components,).
        probe: Direction whose field ranks, (d,).
        teacher: Direction whose field labels, (d,), if any.
        label_noise: η.
        label_chance: P(y = +1 | u), if it was given.
        radii: ρ, (radii,).
        radius_shares: Their shares, (radii,).
        intercept: Whether students have one.
        normalisation: N.
    """

    means: np.ndarray
    covariances: np.ndarray
    labels: np.ndarray | None
    shares: np.ndarray
    probe: np.ndarray
    teacher: np.ndarray | None
    label_noise: float
    label_chance: LabelChance | None
    radii: np.ndarray
    radius_shares: np.ndarray
    intercept: bool
    normalisation: float

    @classmethod
    def checked(
        cls,
        means: Sequence[np.ndarray],
        covariances: Sequence[np.ndarray],
        *,
        labels: np.ndarray | None,
        shares: ArrayLike | None,
        probe: ArrayLike,
        teacher: ArrayLike | None,
        label_noise: float,
        label_chance: LabelChance | None,
        radii: ArrayLike | None,
        radius_shares: ArrayLike | None,
        intercept: bool,
        normalisation: float | None,
    ) -> "GaussianInputs":
        """The inputs, or a `ValueError` that names the argument."""
        d = means[0].size
        for matrix in covariances:
            if len(matrix) != d:
                raise ValueError(f"`covariances` must be of {d} features, like `means`; got {len(matrix)}")
        if label_chance is not None and not callable(label_chance):
            raise ValueError(f"`label_chance` must be a function of the teacher's field; got {label_chance!r}")
        if label_chance is not None and label_noise:
            raise ValueError("`label_noise` must be 0 where `label_chance` is given; got both")
        radius = np.ones(1) if radii is None else check_positives(radii, None, "radii")
        inputs = cls(
            means=read_only(np.stack(means)),
            covariances=read_only(np.stack(covariances)),
            labels=None if labels is None else read_only(labels),
            shares=read_only(check_shares(shares, len(means), "shares")),
            probe=read_only(check_direction(probe, d, "probe")),
            teacher=None if teacher is None else read_only(check_direction(teacher, d, "teacher")),
            label_noise=check_flip_rate(label_noise),
            label_chance=label_chance,
            radii=read_only(radius),
            radius_shares=read_only(check_shares(radius_shares, len(radius), "radius_shares")),
            intercept=bool(intercept),
            normalisation=check_positive(d if normalisation is None else normalisation, "normalisation"),
        )
        for name in ("probe", "teacher"):
            direction = getattr(inputs, name)
            if direction is not None and not all(direction @ matrix @ direction > 0 for matrix in covariances):
                raise ValueError(f"`{name}` must have a field that varies; got one of variance 0")
        return inputs

    @property
    def law(self) -> Law:
        return self._law

    @property
    def probe_unit(self) -> float:
        """Root mean square of the probe's field over the pool, the unit of margins."""
        return self._law.probe_unit

    @cached_property
    def _law(self) -> GaussianLaw:
        common = len(self.covariances) == 1
        components = tuple(
            Component(
                share=float(self.shares[number]),
                mean=mean,
                covariance=self.covariances[0 if common else number],
                group=0 if common else number,
                label=None if self.labels is None else float(self.labels[number]),
            )
            for number, mean in enumerate(self.means)
        )
        return GaussianLaw(
            components=components,
            probe=self.probe,
            teacher=self.teacher,
            label_chance=Flipped(self.label_noise) if self.label_chance is None else Checked(self.label_chance),
            flip=self.label_noise if self.label_chance is None else None,
            radii=np.stack([self.radii, self.radius_shares]),
            normalisation=self.normalisation,
            intercept=self.intercept,
        )
