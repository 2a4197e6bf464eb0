"""Students of several sources of structured inputs at once, each of its own law, rule, size and weight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from replica_theory._real_data.arguments import check_positive
from replica_theory._real_data.structured.gaussian_law import GaussianLaw
from replica_theory._real_data.structured.sources import LawSource
from replica_theory._real_data.structured.students import StudentCurve
from replica_theory.errors import ArrayFields, check_alpha, check_number, read_only
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.real_data.structured_inputs import GaussianInputs
from replica_theory.selection import KeepRandom, Selection, check_selection

_EVERYTHING = KeepRandom()


@dataclass(frozen=True, eq=False)
class StructuredSource:
    """A part of a training set of structured inputs.

    Args:
        alpha_prune: α_k = P_k/N, its kept examples per N, > 0.
        inputs: Its law, of `StructuredInputs.gaussian`, `power_law` or `mixture`.
        selection: Which of its examples are kept, as a function of its probe's field and the label.
        weight: c_k ≥ 0, by which its losses count; 0 leaves it out.
        sample_weight: Weight of an example's loss beside that, as a function of its signed margin.

    Raises:
        ValueError: A parameter is out of range.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepHardest, StructuredInputs, StructuredSource
        >>> inputs = StructuredInputs.power_law(50, 1.0, teacher=np.ones(50))
        >>> StructuredSource(2.0, inputs, KeepHardest(0.5)).weight
        1.0
    """

    alpha_prune: float
    inputs: GaussianInputs
    selection: Selection = _EVERYTHING
    weight: float = 1.0
    sample_weight: Weight | None = None

    def __post_init__(self):
        if np.ndim(check_alpha(self.alpha_prune)):
            raise ValueError(f"`alpha_prune` of a source must be one number > 0; got {self.alpha_prune!r}")
        check_selection(self.selection)
        _check_inputs(self.inputs, "inputs")
        if not 0 <= check_number(self.weight, "weight") < math.inf:
            raise ValueError(f"`weight` must be finite and >= 0; got {self.weight}")
        EmpiricalRisk("square", 1.0, self.sample_weight)  # checks the weight


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StructuredMixedRiskSolution(ArrayFields):
    """A student of several sources of structured inputs.

    Attributes:
        sources: As they were given.
        tested_on: Law of the test.
        loss: The loss, as it was given.
        ridge: λ.
        finite_size: Whether terms of order 1/N are in.
        generalization_error: Test error on unpruned examples of that law, against the sign of the teacher's field where
            a teacher labels, else against the labels as they are.
        noisy_test_error: Against the labels as they are.
        norm: Root mean square of ‖w‖, without the intercept.
        training_error: Share of all kept examples whose label the student misses.
        residual: Largest relative change in one more step on a finer quadrature.

    Example:
        >>> import numpy as np
        >>> from replica_theory import StructuredInputs, StructuredSource, structured_mixed_risk
        >>> inputs = StructuredInputs.gaussian(np.linspace(0.5, 1.5, 50), teacher=np.ones(50))
        >>> student = structured_mixed_risk([StructuredSource(2.0, inputs)], loss="square", ridge=0.1)
        >>> f"{student.generalization_error:.4f}"
        '0.1907'
    """

    sources: tuple[StructuredSource, ...]
    tested_on: GaussianInputs
    loss: LossLike
    ridge: float
    finite_size: bool
    generalization_error: float
    noisy_test_error: float
    norm: float
    training_error: float
    residual: float


def structured_mixed_risk(
    sources: Sequence[StructuredSource],
    *,
    loss: LossLike,
    ridge: float,
    tested_on: GaussianInputs | None = None,
    finite_size: bool = True,
) -> StructuredMixedRiskSolution:
    """Student of one risk over several sources of structured inputs.

    It minimises (1/N) Σ_k c_k Σ_{kept of k} v ℓ(y w·x) + (λ/2)‖w‖². The equations are those of `structured_risk`, in
    which an average over kept examples is one over all sources, α E = Σ α_k E_k, the plane holds what the rule and the
    labels of any source see, and each source has covariances of its own outside it.

    Args:
        sources: What the training set is made of: laws in as many dimensions, of one N, all with an intercept or none.
        loss: As in `structured_risk`.
        ridge: λ > 0, finite.
        tested_on: Law of the examples to be tested on; that of the first source where it is left out.
        finite_size: Whether terms of order 1/N are in, for fixed numbers of examples of each source.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-6; carries the residual.

    References:
        El Firdoussi et al. 2024, arXiv:2410.08942; Rezaei et al. 2025, arXiv:2510.08123; docs/theory/two_sources.

    Example:
        >>> import numpy as np
        >>> from replica_theory import StructuredInputs, StructuredSource, structured_mixed_risk
        >>> mean, probe = np.eye(100)[0], np.eye(100)[0]
        >>> def classes(scale):
        ...     return StructuredInputs.mixture([mean, -mean], scale * np.ones(100), labels=[1, -1], probe=probe)
        >>> sources = [StructuredSource(1.0, classes(1.0)), StructuredSource(3.0, classes(2.0))]
        >>> f"{structured_mixed_risk(sources, loss='square', ridge=0.1).generalization_error:.5f}"
        '0.23368'
    """
    given, strength = tuple(sources), check_positive(ridge, "ridge")
    for source in given:
        if not isinstance(source, StructuredSource):
            raise ValueError(f"`sources` must be StructuredSource(...); got {source!r}")
    counted = [source for source in given if source.weight > 0]
    if not counted:
        raise ValueError(f"`sources` must have one of weight > 0; got {len(given)} without")
    tested = _check_inputs(given[0].inputs if tested_on is None else tested_on, "tested_on")
    _check_alike([source.inputs for source in counted], tested)
    EmpiricalRisk(loss, strength)  # checks its arguments
    alpha = sum(float(source.alpha_prune) for source in counted)
    curve = StudentCurve.of_several(
        [
            LawSource(s.inputs.law, s.selection, float(s.alpha_prune) / alpha, float(s.weight), s.sample_weight)
            for s in counted
        ],
        cast(GaussianLaw, tested.law),
        loss=as_loss(check_loss(loss)),
        ridge=strength,
        finite=bool(finite_size),
    )
    (student,) = curve.at(read_only(np.array([alpha])))
    return StructuredMixedRiskSolution(
        sources=given,
        tested_on=tested,
        loss=loss,
        ridge=strength,
        finite_size=bool(finite_size),
        generalization_error=student.generalization_error,
        noisy_test_error=student.noisy_test_error,
        norm=student.norm,
        training_error=student.training_error,
        residual=student.residual,
    )


def _check_inputs(inputs: object, name: str) -> GaussianInputs:
    if not isinstance(inputs, GaussianInputs):
        raise ValueError(
            f"`{name}` must be of StructuredInputs.gaussian, power_law or mixture with several sources; got {inputs!r}"
        )
    return inputs


def _check_alike(laws: Sequence[GaussianInputs], tested: GaussianInputs) -> None:
    """Raises unless all have as many dimensions, one N, and all or none an intercept."""
    for name, of in (
        ("dimensions", lambda law: law.means.shape[1]),
        ("normalisation", lambda law: law.normalisation),
        ("intercept", lambda law: law.intercept),
    ):
        values = {of(law) for law in (*laws, tested)}
        if len(values) > 1:
            raise ValueError(f"`sources` and `tested_on` must agree in their {name}; got {sorted(values)}")
