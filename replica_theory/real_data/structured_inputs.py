"""What inputs look like to `structured_risk`: Gaussian of any covariance, classes, radii, or measured on rows."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._real_data.arguments import (
    check_clusters,
    check_covariance,
    check_direction,
    check_labels,
    check_mean,
    check_positive,
    check_positives,
    check_rows,
    check_shares,
    check_test_rows,
)
from replica_theory._real_data.structured.examples import Law
from replica_theory._real_data.structured.gaussian_law import Component, GaussianLaw
from replica_theory._real_data.structured.label_chances import Checked, Flipped
from replica_theory._real_data.structured.measured_law import MeasuredLaw, measured_law
from replica_theory.errors import ArrayFields, check_number, read_only
from replica_theory.selection.label_noise import check_flip_rate

LabelChance = Callable[[np.ndarray], np.ndarray]


class StructuredInputs(ArrayFields):
    """Inputs that are neither isotropic nor separable, with the probe that ranks them: made by one of its four methods.

    Example:
        >>> import numpy as np
        >>> from replica_theory import StructuredInputs
        >>> teacher = np.ones(200)
        >>> StructuredInputs.power_law(200, 1.0, teacher=teacher).covariances.diagonal(axis1=1, axis2=2).round(2)[0, :3]
        array([34.02, 17.01, 11.34])
    """

    intercept: bool
    normalisation: float

    @property
    @abstractmethod
    def law(self) -> Law:
        """The law, as the equations see it."""

    @staticmethod
    def gaussian(
        covariance: ArrayLike,
        *,
        teacher: ArrayLike,
        probe: ArrayLike | None = None,
        mean: ArrayLike | None = None,
        label_noise: float = 0.0,
        label_chance: LabelChance | None = None,
        radii: ArrayLike | None = None,
        radius_shares: ArrayLike | None = None,
        intercept: bool = False,
        normalisation: float | None = None,
    ) -> "GaussianInputs":
        """Inputs μ + ρ Σ^{1/2} g, g ~ N(0, I), labelled by a teacher's field.

        Args:
            covariance: Σ, (d, d), or its diagonal, (d,).
            teacher: Direction t, (d,), whose field t·x labels.
            probe: Direction, (d,), whose field ranks; the teacher's where it is left out.
            mean: μ, (d,); 0 where it is left out.
            label_noise: η in [0, 1/2], chance that the sign of the teacher's field is flipped.
            label_chance: P(y = +1 | u) instead, vectorised, u the teacher's field in units of its root mean square.
            radii: Radii ρ > 0, (any,); 1 where they are left out. A density is given by the nodes of a quadrature.
            radius_shares: Shares of the pool at each radius; equal where they are left out.
            intercept: Whether students have one, without penalty.
            normalisation: N, by which the risk is divided and α counted; d where it is left out.

        Raises:
            ValueError: An argument is out of range.

        Example:
            >>> import numpy as np
            >>> from replica_theory import KeepHardest, StructuredInputs, structured_risk
            >>> inputs = StructuredInputs.gaussian(np.linspace(0.5, 1.5, 50), teacher=np.ones(50))
            >>> student = structured_risk(2.0, inputs=inputs, selection=KeepHardest(0.5), loss="square", ridge=0.1)
            >>> f"{student.generalization_error:.5f}"
            '0.11119'
        """
        matrix = check_covariance(covariance, "covariance")
        return GaussianInputs.checked(
            [np.zeros(len(matrix)) if mean is None else check_mean(mean, len(matrix))],
            [matrix],
            labels=None,
            shares=None,
            probe=teacher if probe is None else probe,
            teacher=teacher,
            label_noise=label_noise,
            label_chance=label_chance,
            radii=radii,
            radius_shares=radius_shares,
            intercept=intercept,
            normalisation=normalisation,
        )

    @staticmethod
    def power_law(
        n_features: int,
        exponent: float,
        *,
        teacher: ArrayLike,
        probe: ArrayLike | None = None,
        label_noise: float = 0.0,
        label_chance: LabelChance | None = None,
        radii: ArrayLike | None = None,
        radius_shares: ArrayLike | None = None,
        intercept: bool = False,
        normalisation: float | None = None,
    ) -> "GaussianInputs":
        """`gaussian` with variances ∝ i^{−exponent}, i = 1 … d, of mean 1, and directions in that basis.

        Args:
            n_features: d ≥ 3.
            exponent: Of the power law, ≥ 0.
            teacher: As of `gaussian`.
            probe: As of `gaussian`.
            label_noise: As of `gaussian`.
            label_chance: As of `gaussian`.
            radii: As of `gaussian`.
            radius_shares: As of `gaussian`.
            intercept: As of `gaussian`.
            normalisation: As of `gaussian`.

        Raises:
            ValueError: An argument is out of range.

        Example:
            >>> import numpy as np
            >>> from replica_theory import KeepHardest, StructuredInputs, structured_risk
            >>> inputs = StructuredInputs.power_law(50, 1.0, teacher=np.ones(50), label_noise=0.1)
            >>> student = structured_risk(2.0, inputs=inputs, selection=KeepHardest(0.5), loss="square", ridge=0.1)
            >>> f"{student.generalization_error:.5f}"
            '0.14576'
        """
        if not (isinstance(n_features, int | np.integer) and n_features >= 3):
            raise ValueError(f"`n_features` must be a whole number >= 3; got {n_features!r}")
        if not 0.0 <= check_number(exponent, "exponent") < np.inf:
            raise ValueError(f"`exponent` must be finite and >= 0; got {exponent}")
        variances = np.arange(1.0, n_features + 1.0) ** -exponent
        return StructuredInputs.gaussian(
            variances / variances.mean(),
            teacher=teacher,
            probe=probe,
            label_noise=label_noise,
            label_chance=label_chance,
            radii=radii,
            radius_shares=radius_shares,
            intercept=intercept,
            normalisation=normalisation,
        )

    @staticmethod
    def mixture(
        means: Sequence[ArrayLike],
        covariances: ArrayLike | Sequence[ArrayLike],
        *,
        labels: ArrayLike,
        probe: ArrayLike,
        shares: ArrayLike | None = None,
        radii: ArrayLike | None = None,
        radius_shares: ArrayLike | None = None,
        intercept: bool = False,
        normalisation: float | None = None,
    ) -> "GaussianInputs":
        """Classes, or clusters of them, μ_c + ρ Σ_c^{1/2} g.

        Args:
            means: μ_c, one (d,) a cluster.
            covariances: Σ, (d, d) or (d,), of all clusters, or one a cluster.
            labels: −1 or +1, one a cluster.
            probe: Direction, (d,), whose field ranks.
            shares: Shares of the pool, > 0; equal where they are left out.
            radii: As of `gaussian`.
            radius_shares: As of `gaussian`.
            intercept: As of `gaussian`.
            normalisation: As of `gaussian`.

        Raises:
            ValueError: An argument is out of range.

        Example:
            >>> import numpy as np
            >>> from replica_theory import KeepHardest, StructuredInputs, structured_risk
            >>> one = np.ones(50)
            >>> means, shares = [0.2 * one, -0.2 * one], [0.7, 0.3]
            >>> inputs = StructuredInputs.mixture(means, one, labels=[1, -1], probe=one, shares=shares)
            >>> student = structured_risk(2.0, inputs=inputs, selection=KeepHardest(0.5), loss="square", ridge=0.1)
            >>> f"{student.noisy_test_error:.5f}"
            '0.13203'
        """
        centres = check_clusters(means)
        several: list[object] = [covariances]
        if isinstance(covariances, list | tuple) and covariances and np.ndim(covariances[0]) > 0:  # pyright: ignore[reportArgumentType]
            several = [*covariances]
        matrices = [check_covariance(one, "covariances") for one in several]
        if len(matrices) not in (1, len(centres)):
            raise ValueError(f"`covariances` must be one, or one a cluster ({len(centres)}); got {len(matrices)}")
        return GaussianInputs.checked(
            centres,
            matrices,
            labels=check_labels(np.asarray(labels), len(centres)),
            shares=shares,
            probe=probe,
            teacher=None,
            label_noise=0.0,
            label_chance=None,
            radii=radii,
            radius_shares=radius_shares,
            intercept=intercept,
            normalisation=normalisation,
        )

    @staticmethod
    def measured(
        inputs: ArrayLike,
        labels: ArrayLike,
        *,
        probe: ArrayLike | None = None,
        test_inputs: ArrayLike | None = None,
        test_labels: ArrayLike | None = None,
        directions: ArrayLike | None = None,
        components: int = 3,
        folds: int = 5,
        classifier_ridge: float = 0.01,
        intercept: bool = False,
        normalisation: float | None = None,
    ) -> "MeasuredInputs":
        """The law of given rows: their places in a plane of a few directions, radii and spectrum outside it.

        The plane holds the probe, a logistic classifier, E[y g] in whitened coordinates, its image under the
        covariance, the leading principal components and what the caller adds. What labels say of it is learned in each
        fold from the others, so that no row has a say in its own place. Rows of equal margin are ranked at random: a
        rule whose threshold they are on keeps a share of each.

        Args:
            inputs: x, (n, d), as students see them: centred, or with ``intercept``.
            labels: y, −1 or +1, (n,).
            probe: Direction, (d,), whose field ranks, learned on other rows; the classifier of the other folds where
                it is left out.
            test_inputs: Rows of a test set, (t, d); the rows themselves, placed by folds, where they are left out.
            test_labels: Their labels, (t,).
            directions: More directions of the plane, (d, any).
            components: Leading principal components in the plane, ≥ 0, where inputs are not whitened.
            folds: At least 2; 1 lets rows place themselves, which flatters them.
            classifier_ridge: λ of the classifier, whose risk is divided by d.
            intercept: Whether students have one, without penalty.
            normalisation: N; d where it is left out.

        Raises:
            ValueError: An argument is out of range.

        Example:
            >>> import numpy as np
            >>> from replica_theory import KeepHardest, StructuredInputs, structured_risk
            >>> rows = np.random.default_rng(0).standard_normal((400, 10))
            >>> labels = np.where(rows[:, 0] + 0.3 * rows[:, 1] > 0, 1, -1)
            >>> inputs = StructuredInputs.measured(rows, labels, probe=np.eye(10)[0])
            >>> student = structured_risk(10.0, inputs=inputs, selection=KeepHardest(0.5), loss="logistic", ridge=0.1)
            >>> f"{student.noisy_test_error:.3f}"
            '0.043'
        """
        rows = check_rows(inputs)
        n, d = rows.shape
        signs = check_labels(labels, n)
        if np.ptp(signs) == 0:
            raise ValueError(f"`labels` must have both classes; got {signs[0]:+.0f} alone")
        if not (isinstance(folds, int | np.integer) and 1 <= folds <= n // 2):
            raise ValueError(f"`folds` must be a whole number in [1, {n // 2}]; got {folds!r}")
        if not (isinstance(components, int | np.integer) and components >= 0):
            raise ValueError(f"`components` must be a whole number >= 0; got {components!r}")
        if (test_inputs is None) != (test_labels is None):
            raise ValueError("`test_inputs` and `test_labels` must be given both or neither")
        tested = None if test_inputs is None else check_test_rows(test_inputs, d)
        more = np.empty((d, 0)) if directions is None else check_rows(directions, "directions")
        if len(more) != d:
            raise ValueError(f"`directions` must have {d} rows, like `inputs` columns; got {len(more)}")
        return MeasuredInputs(
            inputs=read_only(rows),
            labels=read_only(signs),
            probe=None if probe is None else read_only(check_direction(probe, d, "probe")),
            test_inputs=None if tested is None else read_only(tested),
            test_labels=None
            if tested is None or test_labels is None
            else read_only(check_labels(test_labels, len(tested), "test_labels")),
            directions=read_only(more),
            components=int(components),
            folds=int(folds),
            classifier_ridge=check_positive(classifier_ridge, "classifier_ridge"),
            intercept=bool(intercept),
            normalisation=check_positive(d if normalisation is None else normalisation, "normalisation"),
        )


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


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MeasuredInputs(StructuredInputs):
    """A law measured on rows; see `StructuredInputs.measured` for its attributes."""

    inputs: np.ndarray
    labels: np.ndarray
    probe: np.ndarray | None
    test_inputs: np.ndarray | None
    test_labels: np.ndarray | None
    directions: np.ndarray
    components: int
    folds: int
    classifier_ridge: float
    intercept: bool
    normalisation: float

    @property
    def law(self) -> Law:
        return self._law

    @cached_property
    def _law(self) -> MeasuredLaw:
        test = None
        if self.test_inputs is not None and self.test_labels is not None:
            test = self.test_inputs, self.test_labels
        return measured_law(
            self.inputs,
            self.labels,
            probe=self.probe,
            directions=self.directions,
            components=self.components,
            folds=self.folds,
            ridge=self.classifier_ridge,
            test=test,
            normalisation=self.normalisation,
            intercept=self.intercept,
        )
