"""Softmax students trained on pruned subsets of given rows of more than two classes."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._numerics.blas_threads import threads_worth
from replica_theory._real_data.arguments import check_classes, check_test_rows
from replica_theory._real_data.multiclass.students import (
    LARGEST_RESOLVENT,
    Method,
    MulticlassStudents,
    multiclass_students,
)
from replica_theory.errors import ArrayFields, read_only


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MulticlassRiskSolution(ArrayFields):
    """Softmax students trained on random pruned subsets of given rows of C classes.

    Attributes:
        inputs: x, (n, d).
        labels: Classes, 0 … C − 1, (n,).
        keep_probability: q, chance that the rule keeps a row, (n,).
        n_kept: P, rows that a student is trained on.
        ridge: λ.
        test_inputs: Rows of a test set, (t, d), if any.
        test_labels: Their classes, (t,), if any.
        normalisation: N, by which the risk is divided.
        intercept: Whether students have one for each class, without penalty.
        pool: "finite" where training sets are subsets of the rows, "infinite" where the rows are a sample of the law.
        method: "exact" or "one_fit".
        test_error: Mean error on the test set; None without one.
        left_out_error: Mean error on the rows themselves, of students that were trained without them.
        mean_field: m, mean of the fields W x over training sets without the row, (n, C).
        field_covariance: Their covariance, (n, C, C).
        leverage: V, change of the row's fields per unit force on them, (n, C, C).
        mean_student: E W, (C, d), with an intercept (C, d + 1), the intercept last.
        effective_share: P_eff/P, effective parameters per kept row.
        residual: Of "exact", relative change of means over rows in one more sweep with twice the points; of
            "one_fit", (P_eff/P)², the order of what it leaves out.

    Example:
        >>> import numpy as np
        >>> from replica_theory import risk_on_data
        >>> rows = np.random.default_rng(0).standard_normal((120, 4))
        >>> classes = rows[:, :3].argmax(axis=1)
        >>> students = risk_on_data(rows, classes, keep_probability=np.full(120, 0.5), n_kept=60, ridge=0.1)
        >>> f"{students.left_out_error:.3f}", students.mean_field.shape
        ('0.045', (120, 3))
    """

    inputs: np.ndarray
    labels: np.ndarray
    keep_probability: np.ndarray
    n_kept: float
    ridge: float
    test_inputs: np.ndarray | None
    test_labels: np.ndarray | None
    normalisation: float
    intercept: bool
    pool: str
    method: Method
    test_error: float | None
    left_out_error: float
    mean_field: np.ndarray
    field_covariance: np.ndarray
    leverage: np.ndarray
    mean_student: np.ndarray
    effective_share: float
    residual: float
    _students: MulticlassStudents = field(repr=False)

    def error_on(self, inputs: ArrayLike, labels: ArrayLike) -> float:
        """Mean error over training sets on other rows, (t, d), of classes 0 … C − 1, (t,)."""
        rows = check_test_rows(inputs, self.inputs.shape[1], "inputs")
        classes = check_classes(labels, len(rows), number=len(self.mean_student))
        return self._students.error(with_intercept(rows, self.intercept), classes)


def softmax_risk(
    rows: np.ndarray,
    labels: ArrayLike,
    *,
    keep_probability: np.ndarray,
    count: np.ndarray,
    n_kept: float,
    ridge: float,
    test_inputs: ArrayLike | None,
    test_labels: ArrayLike | None,
    normalisation: float,
    intercept: bool,
    pool: str,
    method: Method,
) -> MulticlassRiskSolution:
    """`risk_on_data` of more than two classes; its other arguments are checked."""
    n, d = rows.shape
    classes = check_classes(labels, n)
    number = int(classes.max()) + 1
    if number * d > LARGEST_RESOLVENT:
        raise ValueError(
            f"`inputs` must have at most {LARGEST_RESOLVENT // number} columns with {number} classes, as the resolvent "
            f"of all classes together has (C d)² entries, C d <= {LARGEST_RESOLVENT}; got {d} (take their leading "
            "principal components, or train students)"
        )
    if method not in ("exact", "one_fit"):
        raise ValueError(f'`method` must be "exact" or "one_fit"; got {method!r}')
    tested = None if test_inputs is None else check_test_rows(test_inputs, d)
    answers = None
    if tested is not None and test_labels is not None:
        answers = check_classes(test_labels, len(tested), "test_labels", number=number)
    penalty = np.full(d + intercept, ridge * normalisation)
    penalty[d:] = 0.0
    with threads_worth(len(rows) * (number * d) ** 2):
        students = multiclass_students(
            with_intercept(rows, intercept),
            classes,
            number,
            count=count,
            finite=pool == "finite",
            penalty=penalty,
            method=method,
        )
        error = None
        if tested is not None and answers is not None:
            error = students.error(with_intercept(tested, intercept), answers)
    cavity = students.cavity
    return MulticlassRiskSolution(
        inputs=read_only(rows),
        labels=read_only(classes),
        keep_probability=read_only(keep_probability),
        n_kept=n_kept,
        ridge=ridge,
        test_inputs=None if tested is None else read_only(tested),
        test_labels=None if answers is None else read_only(answers),
        normalisation=normalisation,
        intercept=intercept,
        pool=pool,
        method=method,
        test_error=error,
        left_out_error=students.left_out_error(classes),
        mean_field=read_only(cavity.mean),
        field_covariance=read_only(cavity.covariance),
        leverage=read_only(cavity.leverage),
        mean_student=read_only(cavity.students),
        effective_share=students.effective_share,
        residual=students.residual,
        _students=students,
    )


def with_intercept(rows: np.ndarray, intercept: bool) -> np.ndarray:
    """The rows, with a column of ones at the end for an intercept."""
    return np.column_stack([rows, np.ones(len(rows))]) if intercept else rows


def of_many_classes(labels: ArrayLike) -> bool:
    """Whether labels are whole numbers of which one is above 1."""
    values = np.asarray(labels)
    return values.dtype.kind in "iu" and values.size > 0 and int(values.max()) > 1
