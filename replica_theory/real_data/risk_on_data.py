"""Students trained on pruned subsets of given rows: the theory on the whole empirical law, with nothing fitted."""

from dataclasses import dataclass, field
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._numerics.blas_threads import threads_worth
from replica_theory._real_data.arguments import (
    check_keep_probability,
    check_labels,
    check_positive,
    check_rows,
    check_sample_weight,
    check_test_rows,
    mean_counts,
)
from replica_theory._real_data.leave_one_out.rows import Rows
from replica_theory._real_data.leave_one_out.students import Students
from replica_theory._real_data.multiclass.students import Method
from replica_theory.errors import ArrayFields, read_only
from replica_theory.losses.base import LossLike
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import Hinge, Square, check_loss
from replica_theory.real_data.multiclass_risk import (
    MulticlassRiskSolution,
    of_many_classes,
    softmax_risk,
    with_intercept,
)

PoolKind = Literal["finite", "infinite"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DataRiskSolution(ArrayFields):
    """Students trained on random pruned subsets of given rows.

    Attributes:
        inputs: x, (n, d).
        labels: y = ±1, (n,).
        keep_probability: q, chance that the rule keeps a row, (n,).
        n_kept: P, rows that a student is trained on.
        loss: The loss, as it was given.
        ridge: λ.
        test_inputs: Rows of a test set, (t, d), if any.
        test_labels: Their labels, (t,), if any.
        normalisation: N, by which the risk is divided.
        sample_weight: Weights of the rows' losses, (n,), if any.
        intercept: Whether students have one, without penalty.
        pool: "finite" where training sets are subsets of the rows, "infinite" where the rows are a sample of the law.
        test_error: Mean error on the test set; None without one.
        left_out_error: Mean error on the rows themselves, of students that were trained without them.
        mean_field: m, mean of y w·x over training sets without the row, (n,).
        field_deviation: c, its standard deviation, (n,).
        leverage: V, change of the row's field per unit force on it, (n,).
        mean_student: E w, (d,), with an intercept (d + 1,), the intercept last.
        student_covariance: Covariance of w over training sets, (d, d), or with an intercept (d + 1, d + 1).
        residual: Largest relative change of m, c and V in one more step on a finer quadrature.

    Example:
        >>> import numpy as np
        >>> from replica_theory import risk_on_data
        >>> rows = np.random.default_rng(0).standard_normal((300, 10))
        >>> students = risk_on_data(rows, np.sign(rows[:, 0]), keep_probability=np.full(300, 0.2), n_kept=60, ridge=0.1)
        >>> f"{students.left_out_error:.4f}", students.influence.shape, students.mean_student.shape
        ('0.0541', (300,), (10,))
        >>> f"{students.error_on(rows[:100], np.sign(rows[:100, 0])):.4f}"
        '0.0433'
    """

    inputs: np.ndarray
    labels: np.ndarray
    keep_probability: np.ndarray
    n_kept: float
    loss: LossLike
    ridge: float
    test_inputs: np.ndarray | None
    test_labels: np.ndarray | None
    normalisation: float
    sample_weight: np.ndarray | None
    intercept: bool
    pool: PoolKind
    test_error: float | None
    left_out_error: float
    mean_field: np.ndarray
    field_deviation: np.ndarray
    leverage: np.ndarray
    mean_student: np.ndarray
    student_covariance: np.ndarray
    residual: float
    _students: Students = field(repr=False)

    @property
    def influence(self) -> np.ndarray:
        """d ln(left_out_error)/d keep_probability at fixed ``n_kept``, (n,): rows of less influence are better kept.

        By the adjoint of the equations, one linear system for all rows, solved when it is first asked for.

        Raises:
            ValueError: Every row is in every training set, so that left-out fields do not fluctuate.
            SaddlePointError: The linear system is not solved to a residual of 1e-9.
        """
        with threads_worth(self.inputs.size * self.inputs.shape[1]):
            by_count, count = self._students.influence, self._students.rows.count
        mean = float(count @ by_count) / self.n_kept
        return read_only(self.n_kept / self.keep_probability.sum() * (by_count - mean))

    def error_on(self, inputs: ArrayLike, labels: ArrayLike) -> float:
        """Mean error over training sets on other rows, (t, d), with labels ±1, (t,).

        Example:
            >>> import numpy as np
            >>> from replica_theory import risk_on_data
            >>> rows = np.random.default_rng(0).standard_normal((300, 10))
            >>> labels = np.sign(rows[:, 0])
            >>> students = risk_on_data(rows[:200], labels[:200], keep_probability=np.ones(200), n_kept=100, ridge=0.1)
            >>> f"{students.error_on(rows[200:], labels[200:]):.3f}"
            '0.011'
        """
        rows = check_test_rows(inputs, self.inputs.shape[1], "inputs")
        return self._students.error(with_intercept(rows, self.intercept), check_labels(labels, len(rows)))


@overload
def risk_on_data(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    keep_probability: ArrayLike,
    n_kept: float,
    loss: LossLike = "logistic",
    ridge: float,
    test_inputs: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    normalisation: float | None = None,
    sample_weight: ArrayLike | None = None,
    intercept: bool = False,
    pool: PoolKind = "finite",
    method: None = None,
) -> DataRiskSolution: ...
@overload
def risk_on_data(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    keep_probability: ArrayLike,
    n_kept: float,
    loss: LossLike = "logistic",
    ridge: float,
    test_inputs: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    normalisation: float | None = None,
    sample_weight: None = None,
    intercept: bool = False,
    pool: PoolKind = "finite",
    method: Method,
) -> MulticlassRiskSolution: ...
def risk_on_data(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    keep_probability: ArrayLike,
    n_kept: float,
    loss: LossLike = "logistic",
    ridge: float,
    test_inputs: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    normalisation: float | None = None,
    sample_weight: ArrayLike | None = None,
    intercept: bool = False,
    pool: PoolKind = "finite",
    method: Method | None = None,
) -> DataRiskSolution | MulticlassRiskSolution:
    """Students of a convex loss with ridge, trained on random pruned subsets of real rows: mean error, nothing fitted.

    A student minimises (1/N) Σ_kept v ℓ(y w·x) + (λ/2)‖w‖² on P rows that are drawn without replacement with chances
    proportional to q. For each row the theory gives the law N(m, c²) of its field y w·x in students trained without it,
    by the leave-one-out equations of `replica_theory._real_data.leave_one_out.cavity`. It assumes of the data only
    that w·x, with w trained without x, is Gaussian over training sets; not that x is.

    Time is that of about twenty products XᵀX; memory, two and a half times the inputs'.

    Labels of more classes, 0 … C − 1, C ≥ 3, have softmax students, (1/N) Σ_kept −ln softmax(W x)_y + (λ/2)‖W‖², and a
    `MulticlassRiskSolution`. Its exact form costs about as much as a hundred trained students, so that it is a check of
    simulated ones and gives smooth curves and left-out errors, but is no way to screen rules; C d is at most 1300. One
    fit of all rows and one sweep from it ("one_fit") serves where kept rows are many: P_eff/P at most 0.2.

    Args:
        inputs: x, (n, d), as the student sees them: centred, or with ``intercept``.
        labels: y, −1 or +1, (n,); or whole numbers 0 … C − 1.
        keep_probability: q in [0, 1], (n,): 1 for what a rule keeps and 0 for the rest, or any chances.
        n_kept: P > 0; in a finite pool at most Σ q/max q.
        loss: "square", "logistic", "hinge", "squared_hinge", or an object with ``value(u)`` and ``proximal(omega, V)``.
        ridge: λ > 0, finite. Hinge losses approach the max-margin student as it vanishes.
        test_inputs: Rows of a test set, (t, d).
        test_labels: Their labels, (t,).
        normalisation: N > 0; d where it is left out.
        sample_weight: v > 0, weights of the rows' losses, (n,), as where a row stands for several.
        intercept: Whether w·x has an intercept, without penalty.
        pool: "finite": training sets are subsets of these rows. "infinite": these rows are a sample of the law from
            which each training example is drawn afresh; its sampling noise, of relative size P/n, is in the result.
        method: Of more than two classes: "exact" (where it is left out) or "one_fit".

    Returns:
        The students, checked by one more step on a finer quadrature.

    Raises:
        ValueError: An argument is out of range.
        SaddlePointError: No solution to a residual of 1e-6, or with more than two classes 0.02; carries the residual.

    References:
        Leave-one-out derivation in docs; El Karoui 2018 (Probab. Theory Relat. Fields 170) and Malzahn & Opper 2003
        (JMLR 4, 1151) for kin.

    Example:
        >>> import numpy as np
        >>> from replica_theory import risk_on_data
        >>> rng = np.random.default_rng(0)
        >>> inputs = rng.standard_normal((400, 20))
        >>> labels = np.where(inputs[:, 0] + 0.3 * rng.standard_normal(400) > 0, 1, -1)
        >>> hardest = np.abs(inputs[:, 0]) <= np.median(np.abs(inputs[:, 0]))
        >>> students = risk_on_data(inputs, labels, keep_probability=hardest, n_kept=100, ridge=0.1)
        >>> f"{students.left_out_error:.4f}"
        '0.1213'
    """
    rows = check_rows(inputs)
    n, d = rows.shape
    chances, weights = check_keep_probability(keep_probability, n), check_sample_weight(sample_weight, n)
    size = d if normalisation is None else normalisation
    kept, strength, size = (
        check_positive(value, name) for value, name in ((n_kept, "n_kept"), (ridge, "ridge"), (size, "normalisation"))
    )
    function = as_loss(check_loss(loss))
    if pool not in ("finite", "infinite"):
        raise ValueError(f'`pool` must be "finite" or "infinite"; got {pool!r}')
    if (test_inputs is None) != (test_labels is None):
        raise ValueError("`test_inputs` and `test_labels` must be given both or neither")
    count = mean_counts(chances, kept, finite=pool == "finite")
    if of_many_classes(labels):
        if loss != "logistic" or sample_weight is not None:
            raise ValueError('`loss` must be "logistic" with more than two classes, without `sample_weight`')
        return softmax_risk(
            rows,
            labels,
            keep_probability=chances,
            count=count,
            n_kept=kept,
            ridge=strength,
            test_inputs=test_inputs,
            test_labels=test_labels,
            normalisation=size,
            intercept=bool(intercept),
            pool=pool,
            method="exact" if method is None else method,
        )
    if method is not None:
        raise ValueError(f"`method` must be left out with two classes, -1 and +1; got {method!r}")
    signs = check_labels(labels, n)
    if intercept and np.ptp(signs[count > 0]) == 0 and not isinstance(function, Square):
        raise ValueError(
            "`labels` must have both classes among the rows that may be kept where students have an intercept, which "
            f"fits one class the better the larger it is; got {signs[count > 0][0]:+.0f} alone (leave out `intercept`)"
        )
    if isinstance(function, Hinge) and pool == "finite" and count.max() == 1.0:
        raise ValueError(
            f"`n_kept` must be less than the rows that may be kept with the hinge loss, whose support vectors have no "
            f"leverage of their own; got {n_kept:g} (take a smaller one, or the squared hinge)"
        )
    tested = None if test_inputs is None else check_test_rows(test_inputs, d)
    answers = None if tested is None or test_labels is None else check_labels(test_labels, len(tested), "test_labels")
    penalty = np.full(d + intercept, strength)
    penalty[d:] = 0.0
    training = Rows(with_intercept(rows, intercept), signs, count, pool == "finite", weights, size)
    with threads_worth(n * d**2):
        students = Students.trained(training, function, penalty)
        error = None
        if tested is not None and answers is not None:
            error = students.error(with_intercept(tested, intercept), answers)
    cavity = students.cavity
    return DataRiskSolution(
        inputs=read_only(rows),
        labels=read_only(signs),
        keep_probability=read_only(chances),
        n_kept=kept,
        loss=loss,
        ridge=strength,
        test_inputs=None if tested is None else read_only(tested),
        test_labels=None if answers is None else read_only(answers),
        normalisation=size,
        sample_weight=None if sample_weight is None else read_only(weights),
        intercept=bool(intercept),
        pool=pool,
        test_error=error,
        left_out_error=students.left_out_error,
        mean_field=read_only(cavity.mean),
        field_deviation=read_only(cavity.deviation),
        leverage=read_only(cavity.leverage),
        mean_student=read_only(cavity.direction),
        student_covariance=read_only(students.covariance),
        residual=students.residual,
        _students=students,
    )
