"""Students trained on subsets of given rows: exact cases, symmetries, trained students, influence, refusals."""

import pickle
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from own_losses import HuberHinge
from scipy.special import ndtr

from perceptron_pruning import fit_empirical_risk
from replica_theory import SaddlePointError, risk_on_data
from replica_theory._real_data.leave_one_out import solver
from replica_theory._real_data.leave_one_out.acceleration import Anderson
from replica_theory._real_data.leave_one_out.cavity import Cavity, Equations
from replica_theory._real_data.leave_one_out.components import Components
from replica_theory._real_data.leave_one_out.products import Products
from replica_theory._real_data.leave_one_out.rows import Rows
from replica_theory._real_data.leave_one_out.uncorrelated import Uncorrelated
from replica_theory.losses.force_moments import LEVELS, force_moments
from replica_theory.losses.named import LOSSES

NAMES = list(LOSSES)


@cache
def rows(n=240, d=24, seed=0):
    """Correlated, heavy-tailed rows with noisy labels, and the field of a probe."""
    rng = np.random.default_rng(seed)
    radii = np.exp(0.3 * rng.standard_normal((n, 1)))
    inputs = radii * rng.standard_normal((n, d)) / np.sqrt(1 + np.arange(d) / 4)
    teacher, noise = rng.standard_normal(d), 0.5 * rng.standard_normal(n)
    field = inputs @ teacher / np.linalg.norm(teacher)
    probe = field + 0.5 * inputs @ rng.standard_normal(d) / np.sqrt(d)
    return inputs, np.where(field + noise > 0, 1.0, -1.0), probe


def hardest(fraction, seed=0):
    """Chance 1 for the rows of smallest |probe field|."""
    margin = np.abs(rows(seed=seed)[2])
    return (margin <= np.quantile(margin, fraction)).astype(float)


def students_on(q, n_kept, *, loss="logistic", ridge=0.05, seed=0, **more):
    inputs, labels, _ = rows(seed=seed)
    return risk_on_data(inputs, labels, keep_probability=q, n_kept=n_kept, loss=loss, ridge=ridge, **more)


@cache
def measured(loss, ridge, fraction, n_kept, trials=250, seed=0):
    """Left-out errors of students trained on subsets, one a trial, and of fresh rows."""
    inputs, labels, _ = rows(seed=seed)
    fresh, answers, _ = rows(n=2000, seed=seed + 100)
    pool, rng = np.flatnonzero(hardest(fraction, seed)), np.random.default_rng(1)
    share, left_out, tested = n_kept / len(pool), [], []
    for _ in range(trials):
        chosen = rng.choice(pool, n_kept, replace=False)
        weights = fit_empirical_risk(inputs[chosen], labels[chosen], loss=loss, ridge=ridge).weights
        wrong = labels * (inputs @ weights) < 0
        wrong[chosen] = False
        scale = np.ones(len(labels))
        scale[pool] = 1 / (1 - share)
        left_out.append(np.mean(wrong * scale))
        tested.append(np.mean(answers * (fresh @ weights) < 0))
    return np.array(left_out), np.array(tested)


def z_score(sample, value):
    error = sample.std(ddof=1) / np.sqrt(len(sample))
    assert error < 0.03 * sample.mean()  # fine enough to mean something
    return (sample.mean() - value) / error


@pytest.mark.parametrize(
    ("loss", "ridge", "fraction", "n_kept"),
    [
        pytest.param("logistic", 0.05, 0.5, 60, id="logistic, half of the hardest half"),
        pytest.param("logistic", 0.01, 1.0, 200, id="logistic, most of all rows"),
        pytest.param("square", 0.1, 1.0, 120, id="square, half of all rows"),
        pytest.param("hinge", 0.1, 0.7, 100, id="hinge, of the hardest 70 %"),
        pytest.param("squared_hinge", 0.02, 0.5, 80, id="squared hinge, of the hardest half"),
    ],
)
def test_trained_students_err_as_predicted(loss, ridge, fraction, n_kept):
    fresh, answers, _ = rows(n=2000, seed=100)
    theory = students_on(hardest(fraction), n_kept, loss=loss, ridge=ridge, test_inputs=fresh, test_labels=answers)
    left_out, tested = measured(loss, ridge, fraction, n_kept)
    assert abs(z_score(left_out, theory.left_out_error)) < 4
    assert theory.test_error == theory.error_on(fresh, answers)
    assert abs(tested.mean() / theory.test_error - 1) < 0.02


def test_the_infinite_pool_is_told_apart_from_subsets_of_the_rows():
    left_out, _ = measured("logistic", 0.01, 1.0, 200)
    wrong = students_on(hardest(1.0), 200, ridge=0.01, pool="infinite")
    assert abs(z_score(left_out, wrong.left_out_error)) > 6


def test_the_square_loss_on_all_rows_leaves_each_out_exactly(monkeypatch):
    monkeypatch.setattr(solver, "_SOLVED", 1e-9)
    inputs, labels, _ = rows()
    n, d = inputs.shape
    solution = students_on(np.ones(n), n, loss="square", ridge=0.1)
    hat = inputs @ np.linalg.solve(inputs.T @ inputs + 0.1 * d * np.eye(d), inputs.T)
    own = np.diag(hat)
    left_out = labels * (hat @ labels - own * labels) / (1 - own)
    np.testing.assert_allclose(solution.mean_field, left_out, rtol=0, atol=1e-8)
    assert solution.left_out_error == pytest.approx(np.mean(left_out < 0), abs=1e-12)


@pytest.mark.parametrize("loss", ["logistic", "square", "squared_hinge"], ids=str)
def test_on_all_rows_the_mean_student_is_the_one_student(loss):
    inputs, labels, _ = rows()
    weight = 1 + 0.5 * np.sin(np.arange(len(labels)))
    solution = students_on(np.ones(len(labels)), len(labels), loss=loss, sample_weight=weight)
    student = fit_empirical_risk(inputs, labels, loss=loss, ridge=0.05, sample_weight=weight).weights
    np.testing.assert_allclose(solution.mean_student, student, rtol=0, atol=1e-6 * np.abs(student).max())
    assert np.abs(solution.student_covariance).max() < 1e-12


@pytest.mark.parametrize("loss", NAMES, ids=str)
@pytest.mark.parametrize("pool", ["finite", "infinite"], ids=str)
def test_rotations_units_and_order_of_rows_change_nothing(loss, pool):
    inputs, labels, _ = rows()
    n, d = inputs.shape
    q, rng = 0.2 + 0.8 * hardest(0.5), np.random.default_rng(2)
    turn, order = np.linalg.qr(rng.standard_normal((d, d)))[0], rng.permutation(n)
    first = students_on(q, 80, loss=loss, pool=pool)
    second = risk_on_data(
        3 * inputs[order] @ turn,
        labels[order],
        keep_probability=0.5 * q[order],
        n_kept=80,
        loss=loss,
        ridge=0.05 * 9,
        pool=pool,
    )
    assert second.left_out_error == pytest.approx(first.left_out_error, rel=1e-6)
    np.testing.assert_allclose(second.mean_field, first.mean_field[order], rtol=0, atol=3e-6 * first.mean_field.max())


def test_an_intercept_takes_up_a_shift_of_the_inputs():
    inputs, labels, _ = rows()
    rules = {"keep_probability": hardest(0.5), "n_kept": 80, "ridge": 0.05, "intercept": True}
    first, second = (risk_on_data(inputs + shift, labels, **rules) for shift in (0.0, 0.7))
    assert second.left_out_error == pytest.approx(first.left_out_error, rel=1e-6)
    assert second.mean_student[-1] == pytest.approx(
        first.mean_student[-1] - 0.7 * first.mean_student[:-1].sum(), rel=1e-4
    )


def test_a_subset_of_few_rows_is_a_draw_from_an_infinite_pool():
    inputs, labels, _ = rows(n=20000)
    both = [
        risk_on_data(inputs, labels, keep_probability=np.ones(20000), n_kept=20, ridge=0.05, pool=pool)
        for pool in ("finite", "infinite")
    ]
    assert both[0].left_out_error == pytest.approx(both[1].left_out_error, rel=2e-3)


def test_a_loss_of_ones_own_is_the_named_loss():
    class Own:
        value, proximal = LOSSES["squared_hinge"].value, LOSSES["squared_hinge"].proximal

    own, named = (students_on(hardest(0.5), 80, loss=loss) for loss in (Own(), "squared_hinge"))
    assert own.left_out_error == pytest.approx(named.left_out_error, rel=1e-6)
    np.testing.assert_allclose(own.leverage, named.leverage, rtol=1e-5)


def test_small_ridges_of_both_hinges_lead_to_the_same_student():
    both = [students_on(np.ones(240), 40, loss=loss, ridge=1e-5) for loss in ("hinge", "squared_hinge")]
    assert both[0].left_out_error == pytest.approx(both[1].left_out_error, rel=1e-3)


@cache
def with_rows_of_zeros(n=90, d=8, zeros=30):
    """Inputs, a third of which are 0, and labels."""
    rng = np.random.default_rng(7)
    inputs = rng.standard_normal((n, d))
    labels = np.where(inputs @ np.ones(d) + rng.standard_normal(n) > 0, 1.0, -1.0)
    inputs[:zeros] = 0.0
    return inputs, labels


@pytest.mark.parametrize("pool", ["finite", "infinite"], ids=str)
def test_rows_of_zeros_take_places_and_move_no_student(pool):
    inputs, labels = with_rows_of_zeros()
    (n, d), n_kept, trials = inputs.shape, 60, 4000
    solution = risk_on_data(
        inputs, labels, keep_probability=np.ones(n), n_kept=n_kept, loss="square", ridge=0.1, pool=pool
    )
    rng, students = np.random.default_rng(8), np.empty((trials, d))
    for student in students:
        kept = rng.choice(n, n_kept, replace=pool == "infinite")
        gram = inputs[kept].T @ inputs[kept] / d + 0.1 * np.eye(d)
        student[:] = np.linalg.solve(gram, inputs[kept].T @ labels[kept] / d)
    spread = students.std(axis=0)
    np.testing.assert_allclose(solution.mean_student, students.mean(axis=0), rtol=0, atol=0.1 * spread.max())
    assert np.trace(solution.student_covariance) == pytest.approx(np.sum(spread**2), rel=0.1)
    np.testing.assert_array_equal(solution.mean_field[:30], 0.0)
    np.testing.assert_array_equal(solution.leverage[:30], 0.0)
    moved = solution.mean_field[30:] / solution.field_deviation[30:]
    assert solution.left_out_error == pytest.approx((30 * 0.5 + ndtr(-moved).sum()) / n, rel=1e-12)


def test_a_row_of_zeros_has_the_influence_of_the_place_that_it_takes(monkeypatch):
    monkeypatch.setattr(solver, "_SOLVED", 1e-9)
    inputs, labels = with_rows_of_zeros()
    q, step = np.full(90, 0.7), 1e-2

    def solution(chances):
        return risk_on_data(inputs, labels, keep_probability=chances, n_kept=45, ridge=0.1)

    influence = solution(q).influence
    for row in (3, 60):  # of zeros, and another
        errors = [np.log(solution(q + sign * step * (np.arange(90) == row)).left_out_error) for sign in (-1, 1)]
        slope = (errors[1] - errors[0]) / (2 * step)
        assert influence[row] == pytest.approx(slope, abs=2e-3 * np.abs(influence).max())


def test_inputs_that_are_all_zeros_are_refused():
    inputs, labels = with_rows_of_zeros()
    with pytest.raises(ValueError, match="`inputs` must have a number other than 0 in a row that may be kept"):
        risk_on_data(inputs, labels, keep_probability=inputs[:, 0] == 0, n_kept=9, ridge=0.1)


@pytest.mark.parametrize("seed", [1, 8], ids=str)
def test_nearly_separable_rows_far_from_the_origin_are_solved_in_few_steps(monkeypatch, seed):
    """Their scales reach 1e6, and accelerated steps leap where nothing holds them."""
    steps, step = [], Equations.step
    monkeypatch.setattr(Equations, "step", lambda *given: steps.append(None) or step(*given))
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((200, 10)) + 5
    labels = np.where(inputs @ rng.standard_normal(10) + 2 * rng.standard_normal(200) > 0, 1.0, -1.0)
    solution = risk_on_data(inputs, labels, keep_probability=np.full(200, 0.5), n_kept=52, ridge=1e-7)
    assert solution.residual < 1e-6
    assert solution.leverage.max() > 1e6
    assert len(steps) < 400


@pytest.mark.parametrize("loss", [*NAMES, HuberHinge()], ids=[*NAMES, "own"])
@pytest.mark.parametrize("pool", ["finite", "infinite"], ids=str)
def test_influence_is_the_slope_of_the_left_out_error(loss, pool, monkeypatch):
    monkeypatch.setattr(solver, "_SOLVED", 1e-9)
    q = np.where(hardest(0.5) > 0, 0.9, 0.4)
    q[5] = 0.0
    more = {"loss": loss, "pool": pool, "intercept": pool == "finite"}
    influence, step = students_on(q, 60, **more).influence, 1e-3
    for row in (5, 17, 100):
        ends = [q.copy(), q.copy()]
        ends[0][row] = max(q[row] - step, 0.0)
        ends[1][row] += step
        errors = [np.log(students_on(end, 60, **more).left_out_error) for end in ends]
        slope = (errors[1] - errors[0]) / (ends[1][row] - ends[0][row])
        assert influence[row] == pytest.approx(slope, abs=2e-3 * np.abs(influence).max())
    assert influence @ q == pytest.approx(0.0, abs=1e-9)  # more of every row alike is the same rule


def tiny_pool(seed, n=10, d=4):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n, d)) + seed % 2
    return inputs, np.where(inputs[:, 0] - seed % 2 + 0.5 * rng.standard_normal(n) > 0, 1.0, -1.0)


def test_left_out_fields_of_a_tiny_pool_vary_as_over_all_its_subsets():
    """Variances over all pairs of ten rows without the row: with its own term left in κ some would be 0."""
    errors = []
    for seed in range(20):
        inputs, labels = tiny_pool(seed)
        sets = np.array(list(combinations(range(10), 2)))
        kept = (labels[:, None] * inputs)[sets]
        hessian = kept.swapaxes(1, 2) @ kept / 4 + 0.3 * np.eye(4)
        fields = np.linalg.solve(hessian, kept.sum(axis=1)[..., None] / 4)[..., 0] @ inputs.T
        exact = [fields[(sets != row).all(axis=1), row].var() for row in range(10)]
        students = risk_on_data(inputs, labels, keep_probability=np.ones(10), n_kept=2, loss="square", ridge=0.3)
        errors.append(np.log(students.field_deviation**2 / exact))
    assert np.sqrt(np.mean(np.square(errors))) < 0.25
    assert np.abs(errors).max() < 1.0


@pytest.mark.parametrize("loss", ["square", "logistic"], ids=str)
def test_influence_in_a_tiny_pool_counts_the_place_that_each_row_takes(loss, monkeypatch):
    monkeypatch.setattr(solver, "_SOLVED", 1e-9)
    inputs, labels = tiny_pool(0)
    q, step = np.linspace(0.4, 0.9, 10), 1e-4
    q[3] = 0.0

    def students(chances):
        return risk_on_data(inputs, labels, keep_probability=chances, n_kept=3, loss=loss, ridge=0.3)

    influence, slopes = students(q).influence, []
    for row in range(10):
        ends = [q.copy(), q.copy()]
        ends[0][row] = max(q[row] - step, 0.0)
        ends[1][row] += step
        errors = [np.log(students(end).left_out_error) for end in ends]
        slopes.append((errors[1] - errors[0]) / (ends[1][row] - ends[0][row]))
    assert influence == pytest.approx(slopes, abs=2e-3 * np.abs(influence).max())


@pytest.mark.slow
def test_influence_foretells_what_retraining_finds():
    """Students of the hardest 80 % of the pool, against students of all of it: the change of ln ε."""
    before, _ = measured("logistic", 0.05, 1.0, 60, trials=3000)
    after, _ = measured("logistic", 0.05, 0.8, 60, trials=3000)
    path, weights = np.polynomial.legendre.leggauss(4)  # from all rows to the hardest, chances lowered together
    drop = hardest(0.8) - 1
    foretold = sum(
        w / 2 * students_on(1 + (t + 1) / 2 * drop, 60).influence @ drop for t, w in zip(path, weights, strict=True)
    )
    error = np.hypot(*(sample.std() / sample.mean() / np.sqrt(len(sample)) for sample in (before, after)))
    assert error < abs(foretold) / 5
    assert abs(np.log(after.mean() / before.mean()) - foretold) < 4 * error


def test_solutions_carry_their_inputs_compare_pickle_and_print():
    solution = students_on(hardest(0.5), 60)
    assert solution == students_on(hardest(0.5), 60)
    assert solution != replace(solution, ridge=0.06)
    assert pickle.loads(pickle.dumps(solution)) == solution
    assert solution.residual < 1e-6
    assert "inputs=<array (240, 24), from" in repr(solution)
    for same in (solution, pickle.loads(pickle.dumps(solution)), deepcopy(solution)):
        with pytest.raises(ValueError, match="read-only"):
            same.mean_field[0] = 0.0


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge", "hinge"], ids=str)
def test_one_class_alone_is_refused_where_an_intercept_fits_it(loss):
    inputs, labels, _ = rows()
    q = (labels < 0).astype(float)
    more = {"keep_probability": q, "n_kept": 20, "ridge": 0.05, "loss": loss}
    with pytest.raises(ValueError, match=r"`labels` must have both classes among the rows .* got -1"):
        risk_on_data(inputs, labels, intercept=True, **more)
    assert 0 <= risk_on_data(inputs, labels, **more).left_out_error <= 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"inputs": np.zeros(3)}, r"`inputs` must have shape \(n, d\)", id="one-dimensional inputs"),
        pytest.param(
            {"inputs": np.full((240, 24), np.nan)}, "`inputs` must be finite; row 0 is not", id="inputs of NaN"
        ),
        pytest.param({"labels": np.zeros(240)}, "`labels` must be -1 or", id="labels of 0"),
        pytest.param({"labels": np.ones(3)}, "`labels` must have one label a row", id="too few labels"),
        pytest.param(
            {"keep_probability": np.full(240, 1.5)}, r"`keep_probability` must be in \[0, 1\]", id="q above 1"
        ),
        pytest.param({"keep_probability": np.zeros(240)}, "must be > 0 for a row at least", id="nothing kept"),
        pytest.param({"n_kept": 500}, r"`n_kept` must be at most .* = 240", id="more rows than there are"),
        pytest.param({"n_kept": 0}, "`n_kept` must be finite and > 0", id="no rows"),
        pytest.param({"ridge": 0.0}, "`ridge` must be finite and > 0; got 0.0", id="no ridge"),
        pytest.param({"normalisation": -1}, "`normalisation` must be finite and > 0", id="N below 0"),
        pytest.param({"loss": "huber"}, "`loss` must be", id="unknown loss"),
        pytest.param({"loss": "hinge", "n_kept": 240}, "less than the rows that may be kept", id="hinge on all rows"),
        pytest.param({"pool": "large"}, '`pool` must be "finite" or "infinite"', id="unknown pool"),
        pytest.param({"sample_weight": np.zeros(240)}, "`sample_weight` must be finite and > 0", id="weights of 0"),
        pytest.param(
            {"test_inputs": np.zeros((3, 24))}, "must be given both or neither", id="test rows without labels"
        ),
        pytest.param(
            {"test_inputs": np.zeros((3, 2)), "test_labels": np.ones(3)},
            "must have 24 columns",
            id="test rows too short",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    inputs, labels, _ = rows()
    right = {"inputs": inputs, "labels": labels, "keep_probability": np.ones(240), "n_kept": 60, "ridge": 0.05}
    with pytest.raises(ValueError, match=message):
        risk_on_data(**(right | wrong))


def test_influence_is_refused_where_nothing_is_left_out():
    with pytest.raises(ValueError, match="`n_kept` must be less than the 240 rows"):
        _ = students_on(np.ones(240), 240).influence


def test_what_does_not_close_is_an_error_with_its_residual(monkeypatch):
    monkeypatch.setattr(solver, "_MOST_STEPS", 2)
    with pytest.raises(SaddlePointError, match="no solution at ridge") as failure:
        students_on(hardest(0.5), 60)
    assert failure.value.residual > 1e-6


@cache
def correlated_rows(n=300, d=12):
    """Rows of components of unlike variance, correlated, with unlike chances."""
    rng, ones = np.random.default_rng(3), np.ones(n)
    inputs = (rng.standard_normal((n, d)) * np.geomspace(1, 0.03, d)) @ np.linalg.qr(rng.standard_normal((d, d)))[0]
    labels, count = np.sign(rng.standard_normal(n)), rng.uniform(0.2, 0.9, n)
    return Rows(inputs, labels, count, finite=True, weight=ones, normalisation=200.0)


def test_products_near_their_first_arguments_are_as_exact_as_all_in_double_precision():
    rows, rng = correlated_rows(), np.random.default_rng(4)
    n, d = rows.inputs.shape
    near, exact = Products.near(rows, Components.of(rows)), Products.of(rows)
    share, matrix = rng.random(n), np.eye(d)
    for nearness in (0.0, 1e-2, 1e-3):  # the first argument, and later ones
        r, T = share + nearness * rng.standard_normal(n) * share, matrix + nearness * np.diag(rng.random(d))
        rounding = 1e-6 * nearness + 1e-14
        for name, argument in (("curvature", r), ("noise", r), ("response", T), ("variance", T)):
            found, wanted = getattr(near, name)(argument), getattr(exact, name)(argument)
            assert np.abs(found - wanted).max() <= rounding * np.abs(wanted).max()


def test_components_are_the_rows_in_another_basis():
    rows, rng = correlated_rows(), np.random.default_rng(5)
    n, d = rows.inputs.shape
    components, a, r = Components.of(rows), rng.standard_normal(d), rng.random(n)
    basis, penalty = components.basis, rng.random(d)
    np.testing.assert_allclose(basis.T @ basis, np.eye(d), atol=1e-12)
    np.testing.assert_allclose(components.fields(basis.T @ a), rows.fields(a), rtol=0, atol=1e-12)
    np.testing.assert_allclose(basis @ components.penalty(penalty) @ basis.T, np.diag(penalty), atol=1e-12)
    gram, size = basis.T @ rows.gram(r) @ basis, np.sqrt(np.diag(basis.T @ rows.gram(r) @ basis))
    assert np.abs((components.gram(r) - gram) / np.outer(size, size)).max() < 1e-6  # relative to each component
    assert np.abs((components.pull(r) - basis.T @ rows.pull(r)) / size).max() < 1e-6
    np.testing.assert_allclose(
        components.quadratic(np.linalg.inv(gram)), rows.quadratic(np.linalg.inv(rows.gram(r))), rtol=1e-5
    )


def test_coordinates_that_are_uncorrelated_are_components_already():
    rows = correlated_rows()
    components = Components.of(rows)
    turned = replace(rows, inputs=rows.inputs @ components.basis)
    np.testing.assert_array_equal(Components.of(turned).basis, np.eye(12))
    np.testing.assert_allclose(Components.of(turned).inputs, components.inputs, rtol=0, atol=1e-6)
    assert np.abs(components.basis - np.eye(12)).max() > 0.1


def test_components_are_uncorrelated_under_the_weights_that_made_them():
    rows = correlated_rows()
    components = Components.of(rows)
    products, exact = Uncorrelated.of_components(components, np.ones(12)).products, Products.of(components)
    found, wanted = products.curvature(rows.count), exact.curvature(rows.count)
    np.testing.assert_allclose(np.diag(found), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    diagonal = np.arange(1.0, 13.0)
    np.testing.assert_allclose(products.variance(diagonal), exact.variance(np.diag(diagonal)), rtol=1e-5)
    tilted = rows.count * (1 + 0.5 * np.tanh(rows.inputs[:, 0]))
    away = exact.curvature(tilted) - np.diag(products.curvature(tilted))
    assert np.abs(away).max() > 1e-3 * exact.curvature(tilted).max()


@pytest.mark.parametrize("pool", ["finite", "infinite"], ids=str)
def test_the_equations_of_uncorrelated_components_are_those_of_diagonal_matrices(pool):
    rows, penalty, rng = (
        replace(correlated_rows(), finite=pool == "finite"),
        np.full(12, 0.03),
        np.random.default_rng(6),
    )
    components = Components.of(rows)
    n, d = rows.inputs.shape
    cavity = Cavity(rng.standard_normal(d), rng.standard_normal(n), rng.uniform(0.5, 1, n), rng.uniform(0.1, 0.5, n))
    uncorrelated = Uncorrelated.of_components(components, penalty)
    products = uncorrelated.products
    dense = Products(
        *(lambda r, of=of: np.diag(of(r)) for of in (products.curvature, products.noise)),
        *(lambda T, of=of: of(T.diagonal()) for of in (products.response, products.variance)),
    )
    moments = force_moments(LOSSES["squared_hinge"], 0)
    found = uncorrelated.step(moments, cavity).cavity.vector
    wanted = Equations(components, components.penalty(penalty), dense).step(moments, cavity).cavity.vector
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("seed", [29, 47], ids=str)
def test_duplicated_rows_without_a_solution_are_refused_without_a_warning(seed):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((7, 5))[rng.integers(0, 7, 21)]
    labels = np.where(inputs[:, 0] > 0, 1.0, -1.0)
    with pytest.raises(SaddlePointError, match="try a larger `ridge`"):
        risk_on_data(inputs, labels, keep_probability=np.ones(21), n_kept=10.5, loss="hinge", ridge=1e-3)


def test_acceleration_solves_a_linear_map_of_few_eigenvalues():
    values = np.repeat([0.9, -0.6, 0.4, 0.2], 5)
    anderson, point = Anderson(), np.zeros(20)
    for _ in range(7):
        point = anderson.following(point, values * point + 1)
    np.testing.assert_allclose(point, 1 / (1 - values), rtol=1e-6)
    anderson.forget()
    np.testing.assert_array_equal(anderson.following(np.zeros(20), np.ones(20)), np.ones(20))


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"], ids=str)
def test_a_rows_leverage_does_not_depend_on_its_own_force(loss):
    inputs, labels, _ = rows()
    n, d = inputs.shape
    training = Rows(inputs, labels, np.full(n, 0.5), finite=True, weight=np.ones(n), normalisation=float(d))
    equations, moments = Equations.of(training, np.full(d, 0.05)), force_moments(LOSSES[loss], LEVELS - 1)
    solution = solver.solve(training, LOSSES[loss], np.full(d, 0.05)).step.cavity
    for row in np.argsort(np.abs(1 - solution.mean) / solution.deviation)[:2]:  # whose force is most in doubt
        moved = solution.mean.copy()
        moved[row] += 0.05
        ends = [equations.step(moments, replace(solution, mean=mean)) for mean in (solution.mean, moved)]
        slopes, leverages = ([getattr(end, part) for end in ends] for part in ("moments", "cavity"))
        assert abs(slopes[1].slope[row] / slopes[0].slope[row] - 1) > 1e-3
        changes = np.abs(np.log(leverages[1].leverage / leverages[0].leverage))
        assert changes[row] < 1e-12 < 1e-9 < changes.max()


def test_a_step_brings_the_mean_student_up_to_its_fields_to_second_order():
    inputs, labels, _ = rows()
    n, d = inputs.shape
    training = Rows(inputs, labels, np.full(n, 0.5), finite=True, weight=np.ones(n), normalisation=float(d))
    equations, moments = Equations.of(training, np.full(d, 0.05)), force_moments(LOSSES["logistic"], LEVELS - 1)
    solution, rng = solver.solve(training, LOSSES["logistic"], np.full(d, 0.05)).step.cavity, np.random.default_rng(9)
    left = []
    for size in (0.02, 0.01):
        nudged = replace(
            solution,
            deviation=solution.deviation * (1 + size * rng.choice([-1, 1], n)),
            leverage=solution.leverage * (1 + size),
        )
        for _ in range(40):  # to its own (B4)
            own = 0.5 * nudged.leverage * equations.forces(moments, nudged).force
            nudged = replace(nudged, mean=0.5 * (nudged.mean + training.fields(nudged.direction) - own))
        after = equations.step(moments, nudged).cavity
        force = equations.forces(moments, after).force
        excess = after.mean + 0.5 * after.leverage * force - training.fields(after.direction)  # (B4)
        pull = 0.05 * after.direction - training.pull(0.5 * force)  # (B1)
        left.append([np.abs(excess).max(), np.abs(pull).max()])
    assert np.all(np.array(left[1]) < 0.35 * np.array(left[0]))  # a quarter, where the first order would leave a half
    assert np.max(left) < 1e-3 * np.abs(solution.mean).max()
