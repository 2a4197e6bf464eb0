"""Students of a convex risk on pruned data of any covariance, classes and radii, or with the law measured on rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._real_data.arguments import check_positive
from replica_theory._real_data.structured.ranked_pool import over_pools
from replica_theory._real_data.structured.sources import LawSource
from replica_theory._real_data.structured.students import StudentCurve
from replica_theory.errors import ArrayFields, FloatOrArray, Values, check_alpha, read_only, shaped_like
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.real_data.structured_inputs import MeasuredInputs, StructuredInputs
from replica_theory.selection import Selection, check_selection


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StructuredRiskSolution(ArrayFields, Generic[Values]):
    """Minimisers of a regularised risk on structured inputs, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α = P/N, kept examples per N.
        inputs: The law of inputs and labels.
        loss: The loss, as it was given.
        ridge: λ.
        selection: The rule by which the examples were kept.
        sample_weight: Weight of the loss by signed margin, if any.
        finite_size: Whether terms of order 1/N are in.
        finite_pool: Whether test errors are means over ranked pools of P/f examples.
        generalization_error: Test error on unpruned examples, against the sign of the teacher's field where a teacher
            labels, else against the labels as they are.
        noisy_test_error: Test error on unpruned examples against the labels as they are.
        norm: Root mean square of ‖w‖, without the intercept.
        training_error: Share of the kept examples whose label the student misses.
        plane: a, mean of the student's field per unit of the plane's coordinates, (..., k), the intercept last.
        plane_covariance: Γ, its covariance between training sets, of order 1/N, (..., k, k).
        deviation: b, standard deviation of the field outside the plane at r = 1, (..., groups).
        scale: V, an example's change of field per unit force on it outside the plane at r = 1, (..., groups).
        residual: Largest relative change in one more step on a finer quadrature.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepRandom, StructuredInputs, structured_risk
        >>> one = np.ones(50)
        >>> classes = StructuredInputs.mixture([0.2 * one, -0.2 * one], one, labels=[1, -1], probe=one)
        >>> student = structured_risk(2.0, inputs=classes, selection=KeepRandom(), loss="logistic", ridge=0.1)
        >>> f"{student.noisy_test_error:.5f}, {student.norm:.5f}"
        '0.12300, 1.83128'
    """

    alpha_prune: Values
    inputs: StructuredInputs
    loss: LossLike
    ridge: float
    selection: Selection
    sample_weight: Weight | None
    finite_size: bool
    finite_pool: bool
    generalization_error: Values
    noisy_test_error: Values
    norm: Values
    training_error: Values
    plane: np.ndarray
    plane_covariance: np.ndarray
    deviation: np.ndarray
    scale: np.ndarray
    residual: Values


@overload
def structured_risk(
    alpha_prune: float,
    *,
    inputs: StructuredInputs,
    selection: Selection,
    loss: LossLike,
    ridge: float,
    sample_weight: Weight | None = None,
    finite_size: bool = True,
    finite_pool: bool = False,
) -> StructuredRiskSolution[float]: ...
@overload
def structured_risk(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    inputs: StructuredInputs,
    selection: Selection,
    loss: LossLike,
    ridge: float,
    sample_weight: Weight | None = None,
    finite_size: bool = True,
    finite_pool: bool = False,
) -> StructuredRiskSolution[np.ndarray]: ...
def structured_risk(
    alpha_prune: ArrayLike,
    *,
    inputs: StructuredInputs,
    selection: Selection,
    loss: LossLike,
    ridge: float,
    sample_weight: Weight | None = None,
    finite_size: bool = True,
    finite_pool: bool = False,
) -> StructuredRiskSolution[FloatOrArray]:
    """Student of a convex loss with ridge, trained on pruned data that are neither isotropic nor separable.

    Minimises (1/N) Σ_kept v ℓ(y w·x) + (λ/2)‖w‖². A plane Q of a few directions holds what rule, labels and students
    see of an example, by any law; outside it the example is Gaussian, of its group's covariance C_g and its own radius
    r. The student has a in the plane and the random part b_g outside. With c the example's place, f and u its mean
    force and its slope at the field N(y a·c, r² b_g²) and the scale r² V_g, R = (λ + Σ V̂_g C_g)⁻¹, E over kept
    examples::

        (QᵀRQ)⁻¹ a = j = α E[y c f]                                    V_g = tr(C_g R)/N,  V̂_g = α E[1_g r² u]
        b_g² = jᵀ QᵀR C_g R Q j + Σ_h q̂_h tr(C_g R C_h R)/N            q̂_g = α E[1_g r² f²]

    ``finite_size`` adds the fluctuations of a, the plane's leverage, and in test errors by a closed-form law those of
    b, all of order 1/N, and counts the spectrum outside the plane alone; without it, N → ∞ at that spectrum.

    Args:
        alpha_prune: α = P/N, > 0; scalar or 1-D.
        inputs: The law: `StructuredInputs.gaussian`, `power_law`, `mixture` or `measured`.
        selection: Which examples are kept, as a function of probe field and label; z in units of its root mean square.
        loss: "square", "logistic", "hinge", "squared_hinge", or an object with ``value(u)`` and
            ``proximal(omega, V)``.
        ridge: λ > 0, finite. Hinge losses approach the max-margin student as it vanishes.
        sample_weight: v, weight of an example's loss as a function of its signed margin y z, vectorised, > 0.
        finite_size: Whether terms of order 1/N are in.
        finite_pool: Whether the rule ranks a pool of P/f examples of the law, whose thresholds fluctuate: a term of
            order 1/P more in the test errors, for four to ten solutions more; of laws in closed form alone. Else its
            thresholds are those of an infinite pool.

    Returns:
        The students, each checked by one more step on a finer quadrature.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-6; carries the residual.

    References:
        Loureiro et al. 2021, arXiv:2102.08127 (covariance), 2106.03791 (classes); Adomaityte, Sicuro & Vivo 2023,
        arXiv:2304.02912 (radii); derivation, pruning and terms of order 1/N in docs.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepHardest, StructuredInputs, structured_risk
        >>> teacher = np.ones(200)
        >>> probe = teacher + np.linspace(-1, 1, 200)
        >>> inputs = StructuredInputs.power_law(200, 1.0, teacher=teacher, probe=probe)
        >>> student = structured_risk(2.0, inputs=inputs, selection=KeepHardest(0.5), loss="logistic", ridge=0.01)
        >>> f"{student.generalization_error:.5f}"
        '0.16821'
    """
    alphas = check_alpha(alpha_prune)
    if not isinstance(inputs, StructuredInputs):
        raise ValueError(f"`inputs` must be made by StructuredInputs, as StructuredInputs.gaussian; got {inputs!r}")
    check_selection(selection)
    strength = check_positive(ridge, "ridge")
    EmpiricalRisk(loss, strength, sample_weight)  # checks its arguments
    function, points = as_loss(check_loss(loss)), np.atleast_1d(alphas)
    if finite_pool and isinstance(inputs, MeasuredInputs):
        raise ValueError(
            "`finite_pool` needs a law in closed form, as rows have no slope by a threshold between them; leave it out "
            "for measured inputs"
        )
    source = LawSource(inputs.law, selection, weight=sample_weight)
    curve = StudentCurve.of_one(source, loss=function, ridge=strength, finite=bool(finite_size))
    students = list(over_pools(curve, points) if finite_pool else curve.at(points))

    def shaped(name: str) -> FloatOrArray:
        return shaped_like(alphas, np.array([getattr(student, name) for student in students]))

    def stacked(arrays: list[np.ndarray]) -> np.ndarray:
        return read_only(np.stack(arrays) if alphas.ndim else arrays[0])

    return StructuredRiskSolution(
        alpha_prune=shaped_like(alphas, points),
        inputs=inputs,
        loss=loss,
        ridge=strength,
        selection=selection,
        sample_weight=sample_weight,
        finite_size=bool(finite_size),
        finite_pool=bool(finite_pool),
        generalization_error=shaped("generalization_error"),
        noisy_test_error=shaped("noisy_test_error"),
        norm=shaped("norm"),
        training_error=shaped("training_error"),
        plane=stacked([student.student.plane for student in students]),
        plane_covariance=stacked([student.student.covariance for student in students]),
        deviation=stacked([student.student.deviation for student in students]),
        scale=stacked([student.scale for student in students]),
        residual=shaped("residual"),
    )
