"""Students of a regularised risk: against other methods, in their limits, under changes of units, and on bad data."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from scipy.special import expit, log_expit

from perceptron_pruning import InaccurateError, fit_empirical_risk, fit_max_margin
from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk import hinge, proximal, quasi_newton, smooth, square
from perceptron_pruning.students.empirical_risk.problem import Problem, on_its_span
from replica_theory.losses.named import LOSSES

NAMES = list(LOSSES)
SMOOTH = ["square", "logistic", "squared_hinge"]


def examples(n_examples, n_features, seed=0, *, noise=0.0, batch=()):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((*batch, n_examples, n_features))
    flips = np.where(rng.random(inputs.shape[:-1]) < noise, -1.0, 1.0)
    return inputs, flips * np.where(inputs[..., 0] >= 0, 1.0, -1.0)


def risk(weights, x, y, loss, ridge, importance=1.0):
    features = x.shape[1]
    losses = importance * LOSSES[loss].value(y * (x @ weights))
    return losses.sum() / features + 0.5 * ridge * weights @ weights


class Anonymous:
    """A named loss, of which only what a loss of one's own must offer is to be seen."""

    def __init__(self, name):
        self._loss = LOSSES[name]

    def value(self, field):
        return self._loss.value(field)

    def proximal(self, omega, scale):
        return self._loss.proximal(omega, scale)


MARGINS = np.array([-700.0, -30.0, -1.0, 0.0, 0.3, 0.999, 1.001, 5.0, 40.0, 700.0])


@pytest.mark.parametrize("name", SMOOTH, ids=str)
def test_jax_evaluates_the_same_loss_as_numpy(name):
    loss = LOSSES[name]
    with jax.enable_x64(True):
        for function in (loss.value, loss.derivative, loss.second_derivative):
            compiled = np.asarray(jax.jit(function)(jnp.asarray(MARGINS)))
            assert compiled == pytest.approx(function(MARGINS), rel=1e-14, abs=1e-300)


def test_the_logistic_loss_and_its_derivatives_are_those_of_scipy():
    loss = LOSSES["logistic"]
    assert loss.value(MARGINS) == pytest.approx(-log_expit(MARGINS), rel=1e-14, abs=1e-300)
    assert loss.derivative(MARGINS) == pytest.approx(-expit(-MARGINS), rel=1e-14, abs=1e-300)
    assert loss.second_derivative(MARGINS) == pytest.approx(expit(MARGINS) * expit(-MARGINS), rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("name", NAMES, ids=str)
@pytest.mark.parametrize("ridge", [1e-3, 0.3, 30.0], ids="ridge{}".format)
@pytest.mark.parametrize("size", [(30, 60), (50, 50), (200, 40)], ids=str)
def test_every_condition_of_optimality_holds(name, ridge, size):
    x, y = examples(*size, seed=1, noise=0.1)
    importance = np.random.default_rng(2).uniform(0.2, 3.0, len(y))
    fit = fit_empirical_risk(x, y, loss=name, ridge=ridge, sample_weight=importance)
    margins = y * (x @ fit.weights)
    pull = (fit.dual * y) @ x
    assert size[1] * ridge * fit.weights == pytest.approx(pull, abs=1e-8 * np.abs(fit.dual).max() * np.sqrt(size[0]))
    if name == "hinge":
        assert np.all((fit.dual >= 0) & (fit.dual <= importance))
        assert np.all(fit.dual[margins > 1 + 1e-9] == 0)
        assert np.all(fit.dual[margins < 1 - 1e-9] == importance[margins < 1 - 1e-9])
    else:
        assert fit.dual == pytest.approx(-importance * LOSSES[name].derivative(margins), rel=1e-7, abs=1e-10)
    assert max(fit.residual, abs(fit.gap)) <= 1e-9
    assert fit.training_loss == pytest.approx(np.mean(importance * LOSSES[name].value(margins)), rel=1e-12)
    assert fit.training_error == np.mean(margins < 0)


@pytest.mark.parametrize("name", SMOOTH, ids=str)
@pytest.mark.parametrize("size", [(20, 30), (120, 20)], ids=str)
def test_agrees_with_a_general_optimiser(name, size):
    x, y = examples(*size, seed=3, noise=0.2)
    general = minimize(
        lambda w: risk(w, x, y, name, 0.1),
        np.zeros(size[1]),
        jac=lambda w: 0.1 * w + (y * LOSSES[name].derivative(y * (x @ w))) @ x / size[1],
        method="BFGS",
        options={"gtol": 1e-9},
    )
    assert fit_empirical_risk(x, y, loss=name, ridge=0.1).weights == pytest.approx(general.x, rel=1e-6, abs=1e-6)


def test_hinge_agrees_with_a_general_optimiser():
    """As a quadratic programme in w and the shortfalls ξ, whose constraints are smooth."""
    x, y = examples(40, 6, seed=4, noise=0.2)
    rows = y[:, None] * x

    def shortfall(both):
        return rows @ both[:6] + both[6:] - 1

    general = minimize(
        lambda both: both[6:].sum() / 6 + 0.05 * both[:6] @ both[:6],
        np.concatenate([np.zeros(6), np.ones(40)]),
        jac=lambda both: np.concatenate([0.1 * both[:6], np.full(40, 1 / 6)]),
        constraints={"type": "ineq", "fun": shortfall, "jac": lambda both: np.hstack([rows, np.eye(40)])},
        bounds=[(None, None)] * 6 + [(0, None)] * 40,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-15},
    )
    assert general.success
    assert fit_empirical_risk(x, y, loss="hinge", ridge=0.1).weights == pytest.approx(general.x[:6], abs=1e-6)


def test_a_point_in_single_precision_is_made_exact_in_double():
    rows, importance = np.random.default_rng(0).standard_normal((2, 40, 5))
    importance = 0.5 + importance[:, 0] ** 2
    single = rows.astype(np.float32), importance.astype(np.float32)
    ridge, gram = np.array(0.3, np.float32), single[0].T @ single[0]
    point = hinge.start(NUMPY, *single, ridge, gram)
    point = hinge.interior_point(NUMPY, single[0], ridge, point, tolerance=1e-4)
    exact = hinge.in_double(rows, importance, np.asarray(point.weights, float), point)
    slack, dual = np.split(np.asarray(exact.slack), 2), np.split(np.asarray(exact.dual), 2)
    assert rows @ exact.weights == pytest.approx(1 + slack[0] - slack[1], abs=1e-14)
    assert dual[0] + dual[1] == pytest.approx(importance, rel=1e-15)
    assert exact.slack == pytest.approx(point.slack, abs=1e-4)
    assert exact.dual == pytest.approx(point.dual, abs=1e-4)
    assert min(map(np.min, (*slack, *dual))) > 0


@pytest.mark.parametrize("name", NAMES, ids=str)
@pytest.mark.parametrize("ridge", [1e-2, 1.0], ids="ridge{}".format)
@pytest.mark.parametrize("size", [(30, 40), (100, 30)], ids=str)
def test_proximal_operator_alone_gives_the_same_student(name, ridge, size):
    x, y = examples(*size, seed=5, noise=0.1)
    importance = np.random.default_rng(6).uniform(0.5, 2.0, len(y))
    options = {"ridge": ridge, "sample_weight": importance}
    named, own = (fit_empirical_risk(x, y, loss=loss, **options) for loss in (name, Anonymous(name)))
    assert own.weights == pytest.approx(named.weights, rel=1e-7, abs=1e-8 * float(np.linalg.norm(named.weights)))
    assert own.dual == pytest.approx(named.dual, abs=1e-7)
    assert own.training_loss == pytest.approx(named.training_loss, rel=1e-7)


def test_a_loss_of_ones_own_that_is_none_of_the_named():
    """The absolute loss |1 − u|, whose student without a ridge is a linear programme."""

    class Absolute:
        def value(self, field):
            return np.abs(1 - field)

        def proximal(self, omega, scale):
            return 1 + np.sign(omega - 1) * np.maximum(np.abs(omega - 1) - scale, 0)

    x, y = examples(60, 5, seed=7, noise=0.1)
    rows = y[:, None] * x
    programme = linprog(
        np.concatenate([np.zeros(5), np.ones(120)]),
        A_eq=np.hstack([rows, np.eye(60), -np.eye(60)]),
        b_eq=np.ones(60),
        bounds=[(None, None)] * 5 + [(0, None)] * 120,
    )
    fit = fit_empirical_risk(x, y, loss=Absolute(), ridge=1e-4)  # small enough that the vertex does not move
    assert fit.weights == pytest.approx(programme.x[:5], rel=1e-7)


@pytest.mark.parametrize("name", ["hinge", "squared_hinge"], ids=str)
@pytest.mark.parametrize("size", [(20, 30), (60, 30)], ids=str)
def test_max_margin_is_the_limit_on_separable_examples(name, size):
    x, y = examples(*size, seed=8)
    limit = fit_max_margin(x, y)
    for ridge, tolerance in ((0, 1e-8), (1e-9, 1e-5), (1e-6, 1e-2)):
        fit = fit_empirical_risk(x, y, loss=name, ridge=ridge)
        assert fit.weights == pytest.approx(limit.weights, rel=tolerance, abs=tolerance * np.abs(limit.weights).max())
        assert fit.training_error == 0


def test_logistic_approaches_max_margin_and_has_no_minimum_without_a_ridge():
    x, y = examples(40, 20, seed=9)
    limit = fit_max_margin(x, y).weights
    cosines = []
    for ridge in (1e-1, 1e-5, 1e-10, 1e-20):
        weights = fit_empirical_risk(x, y, loss="logistic", ridge=ridge).weights
        cosines.append(weights @ limit / np.linalg.norm(weights) / np.linalg.norm(limit))
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.999
    with pytest.raises(ValueError, match="`ridge` must be > 0 for separable examples"):
        fit_empirical_risk(x, y, loss="logistic", ridge=0)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_without_a_ridge_the_minimiser_is_the_limit_of_small_ones(name):
    x, y = examples(100, 12, seed=10, noise=0.2)
    none, small = (fit_empirical_risk(x, y, loss=name, ridge=ridge) for ridge in (0, 1e-9))
    assert none.weights == pytest.approx(small.weights, rel=1e-6)
    assert max(none.residual, abs(none.gap)) <= 1e-9


@pytest.mark.parametrize("name", ["square", "logistic", "hinge", "squared_hinge"], ids=str)
def test_without_a_ridge_directions_that_no_input_has_stay_out(name):
    """Inputs of rank 8 in 20 dimensions: the minimiser of least norm lies in their span."""
    inside, y = examples(100, 8, seed=11, noise=0.2)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((20, 8)))[0].T
    reduced, full = (fit_empirical_risk(x, y, loss=name, ridge=0) for x in (inside, inside @ basis))
    assert full.weights == pytest.approx(reduced.weights @ basis, abs=1e-9)


def test_square_without_a_ridge_is_the_pseudo_inverse():
    for size in ((20, 30), (30, 30), (80, 30)):
        x, y = examples(*size, seed=12, noise=0.1)
        fit = fit_empirical_risk(x, y, loss="square", ridge=0)
        assert fit.weights == pytest.approx(np.linalg.pinv(x) @ y, rel=1e-7, abs=1e-9)


def test_examples_of_zeros_have_the_hinge_student_zero_without_a_ridge():
    fit = fit_empirical_risk(np.zeros((4, 3)), np.array([1, -1, 1, 1]), loss="hinge", ridge=0)
    assert fit.weights.tolist() == [0, 0, 0]
    assert (fit.training_loss, fit.residual, fit.gap) == (1.0, 0.0, 0.0)


def test_contradictory_examples_have_the_hinge_student_zero_without_a_ridge():
    x, y = examples(30, 50, seed=3)
    fit = fit_empirical_risk(np.concatenate([x, x]), np.concatenate([y, -y]), loss="hinge", ridge=0)
    assert np.linalg.norm(fit.weights) < 1e-9
    assert fit.training_loss == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(12), ids="seed {}".format)
def test_a_hinge_student_without_a_ridge_is_the_least_solution_of_its_linear_programme(seed):
    """Of rows of zeros and ones, many of them alike or zero, that nothing separates: minimisers are a face."""
    rng = np.random.default_rng(seed)
    x = (rng.random((rng.integers(12, 90), rng.integers(2, 16))) < 0.3).astype(float)
    y = np.sign(x[:, 0] - 0.5 + 0.6 * rng.standard_normal(len(x)))
    (examples, features), rows = x.shape, x * y[:, None]
    fit = fit_empirical_risk(x, y, loss="hinge", ridge=0)
    assert fit.residual <= 1e-9
    cost = np.concatenate([np.zeros(features), np.ones(examples)])
    bounds = [(None, None)] * features + [(0, None)] * examples
    least = linprog(cost, A_ub=-np.column_stack([rows, np.eye(examples)]), b_ub=-np.ones(examples), bounds=bounds)
    assert fit.training_loss * examples == pytest.approx(least.fun, rel=1e-9)
    with_ridge = fit_empirical_risk(x, y, loss="hinge", ridge=1e-5)  # a ridge shortens
    assert np.linalg.norm(with_ridge.weights) == pytest.approx(np.linalg.norm(fit.weights), rel=1e-4)
    assert np.linalg.norm(fit.weights) <= np.linalg.norm(with_ridge.weights) * (1 + 1e-6)


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_large_ridge_gives_the_hebb_student(name):
    x, y = examples(60, 20, seed=13)
    hebb, fit = y @ x, fit_empirical_risk(x, y, loss=name, ridge=1e9)
    assert fit.weights / np.linalg.norm(fit.weights) == pytest.approx(hebb / np.linalg.norm(hebb), abs=1e-7)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from(NAMES),
    st.integers(1, 40),
    st.integers(1, 25),
    st.integers(0, 10**6),
    st.sampled_from([1e-3, 0.1, 1.0, 50.0]),
    st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_units_order_and_repetition_do_not_matter(name, n_examples, n_features, seed, ridge, unit):
    x, y = examples(n_examples, n_features, seed, noise=0.2)
    rng = np.random.default_rng(seed)
    times = rng.integers(0, 4, n_examples)
    times[0] = 1
    fit = fit_empirical_risk(x, y, loss=name, ridge=ridge, sample_weight=times)
    order = rng.permutation(np.repeat(np.arange(n_examples), times))
    scaled = fit_empirical_risk(unit * x[order], y[order], loss=name, ridge=unit**2 * ridge)
    size = np.abs(fit.weights).max()
    assert unit * scaled.weights == pytest.approx(fit.weights, rel=1e-6, abs=1e-7 * size)
    mirrored = fit_empirical_risk(-x, -y, loss=name, ridge=ridge, sample_weight=times)
    assert mirrored.weights == pytest.approx(fit.weights, rel=1e-6, abs=1e-7 * size)


@pytest.mark.parametrize("name", ["logistic", "squared_hinge"], ids=str)
@pytest.mark.parametrize("longest", [1.0, 1e6], ids=["alike", "one row of a million"])
def test_hessians_in_single_precision_serve_or_are_made_again_in_double(monkeypatch, name, longest):
    x, y = examples(100, 10, noise=0.2)
    x[0] *= longest
    precisions, newton = [], smooth.newton

    def noted(*arguments, single, **options):
        precisions.append("single" if single else "double")
        return newton(*arguments, single=single, **options)

    monkeypatch.setattr(smooth, "newton", noted)
    quick = fit_empirical_risk(x, y, loss=name, ridge=0.1)
    assert precisions == (["single"] if longest == 1 else ["single", "double"])
    monkeypatch.setattr(smooth, "_MANY_ROWS", np.inf)
    double = fit_empirical_risk(x, y, loss=name, ridge=0.1)
    assert precisions[-1] == "double"
    assert quick.weights == pytest.approx(double.weights, rel=1e-9, abs=1e-9 * np.abs(double.weights).max())


@pytest.mark.parametrize("longest", [1.0, 1e6], ids=["alike", "one row of a million"])
@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30], ids=str)
def test_normal_equations_in_single_precision_serve_or_are_made_again_in_double(monkeypatch, longest, unit):
    x, y = examples(100, 10, noise=0.2)
    x[0] *= longest
    weight = np.random.default_rng(0).uniform(0.2, 3.0, 100)
    precisions, matrix = [], square._matrix

    def noted(weighted, *arguments):
        precisions.append(weighted.dtype.name)
        return matrix(weighted, *arguments)

    monkeypatch.setattr(square, "_matrix", noted)
    quick = fit_empirical_risk(unit * x, y, loss="square", ridge=0.1 * unit**2, sample_weight=weight).weights
    assert precisions == ["float32"] + ["float64"] * (longest > 1)
    monkeypatch.setattr(square, "_MANY_ROWS", np.inf)
    double = fit_empirical_risk(unit * x, y, loss="square", ridge=0.1 * unit**2, sample_weight=weight).weights
    assert precisions[-1] == "float64"
    assert quick == pytest.approx(double, rel=1e-9, abs=1e-9 * np.abs(double).max())
    root = np.sqrt(weight)
    stacked = np.vstack([x * root[:, None], np.eye(10)]), np.append(root * y, np.zeros(10))
    expected = np.linalg.lstsq(*stacked)[0] / unit
    assert quick == pytest.approx(expected, rel=1e-7, abs=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["logistic", "squared_hinge"], ids=str)
@pytest.mark.parametrize("ridge", [0.01, 1.0], ids=str)
def test_students_without_hessians_are_those_of_newton(monkeypatch, name, ridge):
    x, y = examples(600, 20, seed=3, noise=0.2)
    weight = np.random.default_rng(0).uniform(0.2, 3.0, 600)
    quick = fit_empirical_risk(x, y, loss=name, ridge=ridge, sample_weight=weight)
    monkeypatch.setattr(smooth, "_QUASI_NEWTON_ROWS", np.inf)
    newton = fit_empirical_risk(x, y, loss=name, ridge=ridge, sample_weight=weight)
    assert 0 < np.linalg.norm(quick.weights - newton.weights) <= 1e-10 * np.linalg.norm(newton.weights)
    assert quick.residual <= 1e-10


def test_the_bound_without_hessians_holds_wherever_it_ends(monkeypatch):
    x, y = examples(600, 20, seed=4, noise=0.1)
    problem = Problem(rows=x * y[:, None], importance=np.ones(600), ridge=0.1 * 20)
    exact = fit_empirical_risk(x, y, loss="logistic", ridge=0.1).weights
    for target in (1e-2, 1e-4, 1e-7):
        monkeypatch.setattr(quasi_newton, "TARGET", target)
        monkeypatch.setattr(quasi_newton, "_COARSE", target)
        weights, margins, error = quasi_newton.quasi_newton(problem, smooth.LOGISTIC)
        np.testing.assert_array_equal(margins, problem.rows @ weights)
        assert np.linalg.norm(weights - exact) <= error * np.linalg.norm(weights)
        assert error <= target


@pytest.mark.parametrize("spread", [1.0, 1e-3], ids=["independent", "nearly dependent"])
def test_coordinates_of_the_span_keep_products_and_lead_back(spread):
    x, _ = examples(12, 30, seed=7)
    x[1] = x[0] + spread * x[1]
    problem = Problem(rows=x, importance=np.ones(12), ridge=1.0)
    inside, outwards = on_its_span(problem)
    assert inside.rows.shape == (12, 12)
    assert inside.rows @ inside.rows.T == pytest.approx(x @ x.T, abs=1e-12)
    weights = np.linspace(-1, 1, 12)
    assert x @ outwards(weights) == pytest.approx(inside.rows @ weights, abs=1e-11)
    assert np.linalg.norm(outwards(weights)) == pytest.approx(np.linalg.norm(weights), rel=1e-11)


@pytest.mark.parametrize("ridge", [0.01, 1.0, 30.0], ids="ridge {}".format)
def test_hinge_student_of_few_examples_needs_exchanges_alone(ridge, monkeypatch):
    x, y = examples(40, 80, seed=8, noise=0.2)
    usual = fit_empirical_risk(x, y, loss="hinge", ridge=ridge)
    monkeypatch.setattr(hinge, "interior_point", None)
    np.testing.assert_array_equal(fit_empirical_risk(x, y, loss="hinge", ridge=ridge).weights, usual.weights)
    monkeypatch.undo()
    monkeypatch.setattr(hinge, "solve_partition", lambda problem, guess: hinge._failed(problem))
    by_interior_point = fit_empirical_risk(x, y, loss="hinge", ridge=ridge)
    assert usual.weights == pytest.approx(by_interior_point.weights, abs=1e-7 * float(np.linalg.norm(usual.weights)))


@pytest.mark.parametrize("name", ["logistic", "squared_hinge"], ids=str)
def test_wide_problems_need_no_hessian(name, monkeypatch):
    x, y = examples(500, 150, seed=6, noise=0.1)
    exact = fit_empirical_risk(x, y, loss=name, ridge=1.0)
    monkeypatch.setattr(smooth, "newton", None)
    quick = fit_empirical_risk(x, y, loss=name, ridge=1.0)
    np.testing.assert_array_equal(quick.weights, exact.weights)
    monkeypatch.undo()
    monkeypatch.setattr(smooth, "_QUASI_NEWTON_ROWS_OF_WIDE", dict.fromkeys(smooth._QUASI_NEWTON_ROWS_OF_WIDE, np.inf))
    newton = fit_empirical_risk(x, y, loss=name, ridge=1.0)
    assert 0 < np.linalg.norm(quick.weights - newton.weights) <= 1e-10 * np.linalg.norm(newton.weights)


def test_badly_conditioned_examples_are_left_to_newton():
    x, y = examples(600, 20, seed=5, noise=0.1)
    x[:, 10:] = x[:, :10] + 1e-3 * x[:, 10:]
    problem = Problem(rows=x * y[:, None], importance=np.ones(600), ridge=0.001 * 20)
    *_, error = quasi_newton.quasi_newton(problem, smooth.LOGISTIC)
    assert error > quasi_newton.TARGET
    assert fit_empirical_risk(x, y, loss="logistic", ridge=0.001).residual <= 1e-9


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_a_batch_is_its_problems(name):
    for size in ((60, 20), (12, 20)):
        x, y = examples(*size, seed=14, noise=0.1, batch=(3,))
        importance = np.random.default_rng(15).uniform(0.5, 2.0, y.shape)
        options = {"loss": name, "ridge": 0.05}
        one = [fit_empirical_risk(*each, sample_weight=v, **options) for *each, v in zip(x, y, importance, strict=True)]
        batch = fit_empirical_risk(x, y, sample_weight=importance, **options)
        assert batch.weights == pytest.approx(np.stack([fit.weights for fit in one]), rel=1e-8, abs=1e-10)
        assert batch.dual.shape == y.shape
        assert batch.training_loss.shape == (3,)


def test_what_is_not_verified_is_refused(monkeypatch):
    x, y = examples(60, 20, seed=17, noise=0.1)
    with monkeypatch.context() as patched:
        patched.setattr(smooth, "_by_newton", partial(smooth._by_newton, most=2))
        with pytest.raises(InaccurateError, match=r"not to 1e-09; a larger `ridge`") as refusal:
            fit_empirical_risk(x, y, loss="logistic", ridge=1e-3)
        assert 1e-9 < refusal.value.violation < 1
    with monkeypatch.context() as patched:
        none = np.zeros(len(y), dtype=bool)
        patched.setattr(hinge, "partition", lambda point: hinge.Partition(on=none, short=none))
        patched.setattr(hinge, "_EXCHANGES", 1)
        patched.setattr(hinge, "_GAPS", (1e-3,))
        patched.setattr(hinge, "_NEARLY", ())
        with pytest.raises(InaccurateError, match="problem 0 was solved to violation"):
            fit_empirical_risk(x, y, loss="hinge", ridge=1e-3)
    with monkeypatch.context() as patched:
        patched.setattr(proximal, "_UPDATES", 2)
        with pytest.raises(InaccurateError, match="problem 0 was solved to violation"):
            fit_empirical_risk(x, y, loss=Anonymous("hinge"), ridge=1e-3)


@pytest.mark.slow
def test_a_wrong_proximal_operator_is_found_out():
    class Wrong(Anonymous):
        def proximal(self, omega, scale):
            return super().proximal(omega, 1.01 * np.asarray(scale))

    x, y = examples(60, 20, seed=18, noise=0.1)
    with pytest.raises(InaccurateError, match="problem 0 was solved to violation"):
        fit_empirical_risk(x, y, loss=Wrong("logistic"), ridge=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "perceptron"}, "`loss` must be"),
        ({"ridge": -1.0}, "`ridge` must be >= 0; got -1"),
        ({"sample_weight": np.ones(3)}, r"`sample_weight` must have shape \(10,\)"),
        ({"sample_weight": -np.ones(10)}, "`sample_weight` must be finite, >= 0 and not all 0; got -1"),
        ({"sample_weight": np.zeros(10)}, "not all 0"),
        ({"labels": np.zeros(10)}, "`labels` must be -1 or \\+1"),
        ({"inputs": np.full((10, 4), np.nan)}, "`inputs` must be finite"),
    ],
    ids=str,
)
def test_refusals(change, message):
    x, y = examples(10, 4)
    with pytest.raises(ValueError, match=message):
        fit_empirical_risk(**({"inputs": x, "labels": y, "loss": "square", "ridge": 1.0} | change))
