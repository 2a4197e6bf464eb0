"""Softmax students on subsets of given rows of several classes: one student, symmetries, trained students, refusals."""

import pickle
from functools import cache

import numpy as np
import pytest

from perceptron_pruning.embeddings.metrics.softmax_head import fit_softmax
from replica_theory import MulticlassRiskSolution, SaddlePointError, risk_on_data
from replica_theory._real_data.multiclass import students
from replica_theory._real_data.multiclass.cavity import MulticlassEquations
from replica_theory._real_data.multiclass.products import PairProducts
from replica_theory._real_data.multiclass.softmax import SoftmaxMoments, fit, gaussian_points, softmax

C, D = 4, 12


@cache
def rows(n=400, seed=0):
    """Rows of four overlapping classes, heavy-tailed, and how doubtful each is."""
    rng = np.random.default_rng(seed)
    centres = 1.3 * np.random.default_rng(9).standard_normal((C, D)) / np.sqrt(1 + np.arange(D))
    labels = np.arange(n) % C
    radii = np.exp(0.3 * rng.standard_normal((n, 1)))
    inputs = centres[labels] + radii * rng.standard_normal((n, D)) / np.sqrt(1 + np.arange(D) / 3)
    scores = np.sort(inputs @ centres.T - 0.5 * (centres**2).sum(axis=1), axis=1)
    return inputs, labels, scores[:, -1] - scores[:, -2]


def hardest(fraction):
    margin = rows()[2]
    return (margin <= np.quantile(margin, fraction)).astype(float)


def students_on(q, n_kept, *, ridge=0.05, **more):
    inputs, labels, _ = rows()
    return risk_on_data(inputs, labels, keep_probability=q, n_kept=n_kept, ridge=ridge * n_kept / D, **more)


@cache
def measured(fraction, n_kept, ridge=0.05, trials=160):
    """Test errors of heads trained on subsets."""
    inputs, labels, _ = rows()
    fresh, answers, _ = rows(n=4000, seed=1)
    pool, rng = np.flatnonzero(hardest(fraction)), np.random.default_rng(2)
    errors = []
    for _ in range(trials):
        chosen = rng.choice(pool, n_kept, replace=False)
        errors.append(fit_softmax(inputs[chosen], labels[chosen], n_classes=C, ridge=ridge).error(fresh, answers))
    return np.array(errors)


def with_test_rows(**more):
    fresh, answers, _ = rows(n=4000, seed=1)
    return {"test_inputs": fresh, "test_labels": answers, "intercept": True} | more


@pytest.mark.parametrize(("fraction", "n_kept"), [(1.0, 120), (0.5, 80)], ids=["of all rows", "of the hardest half"])
def test_trained_students_err_as_predicted(fraction, n_kept):
    errors = measured(fraction, n_kept)
    noise = errors.std(ddof=1) / np.sqrt(len(errors))
    assert noise < 0.015 * errors.mean()  # fine enough to mean something
    theory = students_on(hardest(fraction), n_kept, **with_test_rows())
    assert abs(errors.mean() - theory.test_error) < 3 * noise + 0.01 * errors.mean()


def test_the_infinite_pool_is_told_apart_from_subsets_of_the_rows():
    errors = measured(0.5, 80)
    wrong = students_on(hardest(0.5), 80, **with_test_rows(pool="infinite"))
    assert wrong.test_error > errors.mean() + 5 * errors.std(ddof=1) / np.sqrt(len(errors))


def test_on_all_rows_the_mean_student_is_the_one_student():
    inputs, labels, _ = rows()
    n = len(labels)
    solution = students_on(np.ones(n), n, intercept=True)
    head = fit_softmax(inputs, labels, n_classes=C, ridge=0.05)
    np.testing.assert_allclose(solution.mean_student[:, :-1], head.weights.T, rtol=0, atol=0.01)
    assert np.abs(solution.field_covariance).max() < 1e-3
    refits = [
        fit_softmax(np.delete(inputs, i, 0), np.delete(labels, i), n_classes=C, ridge=0.05 * n / (n - 1))
        for i in range(8)
    ]
    left_out = np.array([inputs[i] @ head.weights + head.bias for i, head in enumerate(refits)])
    ours = solution.mean_field[:8]
    centred = [fields - fields.mean(axis=1, keepdims=True) for fields in (ours, left_out)]
    np.testing.assert_allclose(centred[0], centred[1], rtol=0, atol=0.03)


def test_one_fit_is_near_the_exact_equations_where_rows_are_many_and_refused_elsewhere():
    more = {"ridge": 0.3, "intercept": True}
    one, exact = (students_on(np.ones(400), 200, method=method, **more) for method in ("one_fit", "exact"))
    assert one.effective_share < 0.2
    assert one.left_out_error == pytest.approx(exact.left_out_error, rel=0.02)
    assert one.method == "one_fit"
    with pytest.raises(ValueError, match=r'"one_fit" needs at most 0\.2 effective parameters per kept row'):
        students_on(np.ones(400), 40, ridge=0.001, method="one_fit")


def test_rotations_and_names_of_classes_change_little():
    inputs, labels, _ = rows()
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((D, D)))[0]
    q, names = hardest(0.5), np.array([2, 0, 3, 1])
    first = students_on(q, 80)
    turned = risk_on_data(2 * inputs @ turn, names[labels], keep_probability=q, n_kept=80, ridge=4 * 0.05 * 80 / D)
    assert turned.left_out_error == pytest.approx(first.left_out_error, rel=0.01)
    np.testing.assert_allclose(turned.mean_student[names] @ turn.T * 2, first.mean_student, rtol=0, atol=0.03)


def test_rows_of_zeros_take_places_move_no_student_and_are_missed_by_chance():
    """In whatever class they are: their fields are 0 for all."""
    inputs, labels, _ = rows()
    fresh, answers, _ = rows(n=4000, seed=1)
    n, empty = 120, np.arange(120) % 3 == 0
    inputs, labels = np.where(empty[:, None], 0.0, inputs[:n]), np.where(empty, 0, labels[:n])
    tested = {"test_inputs": fresh, "test_labels": answers}
    theory = risk_on_data(inputs, labels, keep_probability=np.ones(n), n_kept=60, ridge=0.3, **tested)
    renamed = risk_on_data(inputs, (labels + 1) % C, keep_probability=np.ones(n), n_kept=60, ridge=0.3)
    assert theory.error_on(np.zeros((5, D)), np.arange(5) % C) == pytest.approx(1 - 1 / C, abs=1e-12)
    assert renamed.left_out_error == pytest.approx(theory.left_out_error, abs=0.01)
    rng, errors, students_of_subsets = np.random.default_rng(2), [], []
    for _ in range(300):
        chosen = rng.choice(n, 60, replace=False)
        W = fit(inputs[chosen], np.eye(C)[labels[chosen]], np.ones(60), np.full(D, 0.3 * D))
        errors.append(np.mean((fresh @ W.T).argmax(axis=1) != answers))
        students_of_subsets.append(W.ravel())
    assert np.mean(errors) == pytest.approx(theory.test_error, rel=0.01)
    measured_spread = np.trace(np.cov(np.array(students_of_subsets).T))
    assert np.trace(theory._students.covariance) == pytest.approx(measured_spread, rel=0.03)


def test_a_class_of_one_row_has_a_covariance_of_fields():
    """Most of what a fixed number of rows takes away is that row's own, which students without it do not have."""
    inputs, labels, _ = rows()
    n = 53
    inputs, labels = inputs[:n], np.where(labels[:n] == 3, 0, labels[:n])
    labels[7], inputs[7] = 3, 4 * inputs[7]
    theory = risk_on_data(inputs, labels, keep_probability=np.ones(n), n_kept=36, ridge=0.2)
    values = np.linalg.eigvalsh(theory.field_covariance)
    assert values.min() > -1e-3 * values.max()
    rng, fields = np.random.default_rng(0), []
    others = np.delete(np.arange(n), 7)
    for _ in range(400):
        chosen = rng.choice(others, 36, replace=False)
        W = fit(inputs[chosen], np.eye(C)[labels[chosen]], np.ones(36), np.full(D, 0.2 * D))
        fields.append(inputs[7] @ W.T)
    assert np.trace(theory.field_covariance[7]) == pytest.approx(np.trace(np.cov(np.array(fields).T)), rel=0.25)


@pytest.mark.parametrize("unit", [1e-8, 1e6], ids=str)
@pytest.mark.parametrize("method", ["one_fit", "exact"], ids=str)
def test_units_of_the_inputs_change_nothing(method, unit):
    inputs, labels, _ = rows()
    first, other = (
        risk_on_data(
            scale * inputs, labels, keep_probability=np.ones(400), n_kept=200, ridge=0.3 * scale**2, method=method
        )
        for scale in (1.0, unit)
    )
    assert other.left_out_error == pytest.approx(first.left_out_error, rel=1e-4)
    np.testing.assert_allclose(other.mean_student * unit, first.mean_student, rtol=1e-3, atol=1e-4)


def test_one_fit_is_the_minimum_where_rows_are_separable():
    """Quasi-Newton steps end long before fields of separable rows do."""
    inputs, labels, _ = rows()
    inputs = inputs + 8 * np.eye(C, D)[labels]
    solution = risk_on_data(
        inputs, labels, keep_probability=np.ones(400), n_kept=300, ridge=1e-6, intercept=True, method="one_fit"
    )
    ones = np.column_stack([inputs, np.ones(400)])
    force = np.eye(C)[labels] - softmax(ones @ solution.mean_student.T)
    pull, held = 0.75 * force.T @ ones, 1e-6 * D * solution.mean_student[:, :-1]
    np.testing.assert_allclose(pull[:, :-1], held, rtol=0, atol=0.02 * np.abs(held).max())


def test_sweeps_settle_at_small_ridges():
    """Plain ones did not."""
    inputs, labels, _ = rows()
    solution = risk_on_data(inputs, labels, keep_probability=np.ones(400), n_kept=60, ridge=0.01)
    assert solution.residual < students.TOLERANCE
    fresh, answers, _ = rows(n=4000, seed=1)
    rng, errors = np.random.default_rng(3), []
    for _ in range(60):
        chosen = rng.choice(400, 60, replace=False)
        W = fit(inputs[chosen], np.eye(C)[labels[chosen]], np.ones(60), np.full(D, 0.01 * D))
        errors.append(np.mean((fresh @ W.T).argmax(axis=1) != answers))
    noise = np.std(errors) / np.sqrt(60)
    assert solution.error_on(fresh, answers) == pytest.approx(np.mean(errors), abs=4 * noise + 0.01 * np.mean(errors))


def test_products_are_those_written_out():
    rng = np.random.default_rng(0)
    g, u = rng.standard_normal((7, 3)), rng.standard_normal((7, C, C))
    u = u + u.swapaxes(1, 2)
    products = PairProducts(g, C)
    dense = sum(np.kron(one, np.outer(row, row)) for one, row in zip(u, g, strict=True))
    np.testing.assert_allclose(products.gram(u), dense, atol=1e-12)
    forms = np.stack([np.kron(np.eye(C), row).reshape(C, -1) @ dense @ np.kron(np.eye(C), row).T for row in g])
    np.testing.assert_allclose(products.quadratic(dense), forms, atol=1e-10)


def test_fields_after_training_solve_their_equation_and_slopes_are_differences():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((5, C, C))
    leverage, mean = root @ root.swapaxes(1, 2), 2 * rng.standard_normal((5, C))
    target, none = np.eye(C)[rng.integers(C, size=5)], np.zeros((5, C, C))
    at = SoftmaxMoments(target, np.zeros((1, 5, C)))

    def force(m):
        for _ in range(4):
            forces = at(m, none, leverage)
        return forces

    f = force(mean)
    p = mean + (leverage @ f.force[..., None])[..., 0]
    np.testing.assert_allclose(target - softmax(p), f.force, atol=1e-9)
    for c in range(C):
        step = 1e-5 * np.eye(C)[c]
        difference = (force(mean + step).force - force(mean - step).force) / 2e-5
        np.testing.assert_allclose(-difference, f.slope[:, :, c], atol=1e-7)


def test_points_have_the_moments_of_a_gaussian():
    points = gaussian_points(64, 512, C)
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-12)
    second = np.einsum("sna,snb->ab", points, points) / (64 * 512)
    np.testing.assert_allclose(second, np.eye(C), atol=0.02)


def test_the_fit_is_that_of_the_package():
    inputs, labels, _ = rows()
    head = fit_softmax(inputs, labels, n_classes=C, ridge=0.1)
    ones = np.column_stack([inputs, np.ones(len(labels))])
    penalty = np.append(np.full(D, 0.1 * len(labels)), 0.0)
    ours = fit(ones, np.eye(C)[labels], np.ones(len(labels)), penalty)
    np.testing.assert_allclose(ours[:, :-1], head.weights.T, rtol=0, atol=1e-3)


def test_solutions_carry_their_inputs_compare_pickle_and_print():
    solution = students_on(hardest(0.5), 80)
    assert isinstance(solution, MulticlassRiskSolution)
    assert solution == students_on(hardest(0.5), 80)
    assert pickle.loads(pickle.dumps(solution)) == solution
    assert solution.residual < students.TOLERANCE
    assert "mean_field=<array (400, 4)" in repr(solution)
    fresh, answers, _ = rows(n=4000, seed=1)
    assert solution.error_on(fresh, answers) == pytest.approx(solution.left_out_error, abs=0.08)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"inputs": np.zeros((400, 400))}, r"at most 325 columns with 4 classes", id="too many columns"),
        pytest.param(
            {"labels": np.arange(400) % 3 * 2}, "must have all classes from 0 to 4; got none of class 1", id="gap"
        ),
        pytest.param({"labels": np.arange(400) % 4 - 1}, "classes from 0 to 2; got -1", id="negative class"),
        pytest.param({"loss": "square"}, '`loss` must be "logistic" with more than two classes', id="square loss"),
        pytest.param({"method": "quick"}, '`method` must be "exact" or "one_fit"', id="unknown method"),
        pytest.param({"labels": np.where(np.arange(400) % 2, 1, -1), "method": "exact"}, "left out", id="two classes"),
        pytest.param({"inputs": np.zeros((400, D))}, "`inputs` must have a number other than 0", id="only zeros"),
        pytest.param(
            {"keep_probability": np.arange(400) % 4 != 2, "intercept": True},
            "`keep_probability` must be > 0 for a row of each class .* got none of class 2",
            id="an intercept of a class that is never kept",
        ),
        pytest.param({"test_labels": np.arange(5)}, "must be given both or neither", id="test labels alone"),
        pytest.param(
            {"test_inputs": np.zeros((5, D)), "test_labels": np.arange(5)},
            "`test_labels` must be classes from 0 to 3",
            id="unknown test class",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    inputs, labels, _ = rows()
    right = {"inputs": inputs, "labels": labels, "keep_probability": np.ones(400), "n_kept": 100, "ridge": 0.05}
    with pytest.raises(ValueError, match=message):
        risk_on_data(**(right | wrong))


def test_what_does_not_close_is_an_error_with_its_residual(monkeypatch):
    monkeypatch.setattr(students, "_MOST_SWEEPS", 1)
    with pytest.raises(SaddlePointError, match="softmax students are not solved") as failure:
        students_on(hardest(0.5), 60)
    assert failure.value.residual > 5e-3


def test_a_class_that_many_training_sets_lack_is_named(monkeypatch):
    monkeypatch.setattr(students, "_MOST_SWEEPS", 1)
    rare = np.where((np.arange(400) % C == 2) & (np.arange(400) > 4), 0.0, 1.0)
    with pytest.raises(SaddlePointError, match=r"has 0\.2 rows of class 2, .* leave out `intercept`"):
        students_on(rare, 60, intercept=True)


def test_equations_without_an_inverse_are_an_error_with_a_residual(monkeypatch):
    def singular(*_):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(MulticlassEquations, "_resolvent", singular)
    with pytest.raises(SaddlePointError, match="the softmax fit of all rows that may be kept is not found"):
        students_on(hardest(0.5), 60)
