"""The max-margin solver: against another method, under changes of units and order, and on bad data."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from perceptron_pruning import InaccurateError, InfeasibleError, fit_max_margin
from perceptron_pruning.students.max_margin import exact as exact_module
from perceptron_pruning.students.max_margin.least_distance import least_distance


def separable(n_examples, n_features, seed, *, hard=1.0, batch=None):
    """Gaussian inputs with a teacher's labels; ``hard`` < 1 squeezes them onto its boundary."""
    rng = np.random.default_rng(seed)
    shape = (n_examples, n_features) if batch is None else (batch, n_examples, n_features)
    inputs = rng.standard_normal(shape)
    labels = np.where(inputs[..., 0] >= 0, 1.0, -1.0)
    inputs[..., 0] *= hard
    return inputs, labels


SIZES = [(1, 2), (3, 10), (20, 10), (100, 50), (50, 100), (300, 30), (2000, 20)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("hard", [1.0, 0.1], ids=["plain", "hard"])
def test_every_condition_of_optimality_holds(size, hard):
    x, y = separable(*size, seed=1, hard=hard)
    fit = fit_max_margin(x, y)
    margins = y * (x @ fit.weights)
    assert margins.min() >= 1 - 1e-9
    assert np.all(fit.dual >= 0)
    assert fit.weights == pytest.approx((fit.dual * y) @ x, rel=1e-9, abs=1e-9 * np.abs(fit.weights).max())
    assert np.all(fit.dual * (margins - 1) <= 1e-7 * fit.dual.max())
    assert fit.margin == pytest.approx(1 / np.linalg.norm(fit.weights), rel=1e-12)
    assert np.array_equal(fit.support, fit.dual > 0)
    assert abs(fit.gap) <= 1e-9
    assert fit.violation <= 1e-9


@pytest.mark.parametrize("size", [(20, 5), (40, 10), (8, 12)], ids=str)
def test_agrees_with_a_general_optimiser(size):
    x, y = separable(*size, seed=5)
    rows = y[:, None] * x
    general = minimize(
        lambda w: 0.5 * w @ w,
        np.zeros(size[1]),
        jac=lambda w: w,
        constraints={"type": "ineq", "fun": lambda w: rows @ w - 1, "jac": lambda w: rows},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-14},
    )
    assert general.success
    assert fit_max_margin(x, y).weights == pytest.approx(general.x, rel=1e-5, abs=1e-6)


def test_agrees_with_least_distance_by_nnls():
    x, y = separable(200, 30, seed=2)
    rows = y[:, None] * x / np.sqrt(30)
    support, dual = least_distance(rows, problem=0)
    assert fit_max_margin(x, y).weights == pytest.approx(dual @ rows[support] / np.sqrt(30), rel=1e-8)


def test_one_problem_is_solved_without_loading_jax():
    script = (
        "import sys, numpy as np, perceptron_pruning as p\n"
        "x = np.random.default_rng(0).standard_normal((30, 10)); y = np.sign(x[:, 0])\n"
        "p.fit_max_margin(x, y), [p.fit_empirical_risk(x, y, loss=loss, ridge=0.1) for loss in ('hinge', 'logistic')]\n"
        "print('jax' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout == "False\n", run.stderr


def test_a_batch_is_its_problems():
    x, y = separable(40, 10, seed=4, batch=3)
    batch = fit_max_margin(x, y)
    assert batch.weights.shape == (3, 10)
    assert batch.dual.shape == batch.support.shape == (3, 40)
    for index in range(3):
        assert batch.weights[index] == pytest.approx(fit_max_margin(x[index], y[index]).weights, rel=1e-10)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(2, 60), st.integers(2, 25), st.integers(0, 10**6), st.sampled_from([1e-8, 1.0, 1e8]))
def test_units_order_and_easy_examples_do_not_matter(n_examples, n_features, seed, unit):
    x, y = separable(n_examples, n_features, seed)
    fit = fit_max_margin(x, y)
    order = np.random.default_rng(seed).permutation(n_examples)
    moved = fit_max_margin(unit * x[order], y[order])
    assert unit * moved.weights == pytest.approx(fit.weights, rel=1e-6, abs=1e-7 * np.abs(fit.weights).max())
    easy = 3 * fit.weights / (fit.weights @ fit.weights)  # margin 3
    more = fit_max_margin(np.vstack([x, easy]), np.append(y, 1.0))
    assert more.weights == pytest.approx(fit.weights, rel=1e-6, abs=1e-7 * np.abs(fit.weights).max())


def test_repeated_examples_and_binary_inputs():
    x, y = separable(30, 10, seed=6)
    assert fit_max_margin(np.vstack([x, x]), np.append(y, y)).weights == pytest.approx(
        fit_max_margin(x, y).weights, rel=1e-7
    )
    signs = np.where(separable(40, 15, seed=7)[0] > 0, 1.0, -1.0)
    assert fit_max_margin(signs, signs[:, 0]).violation <= 1e-9


@pytest.mark.parametrize("seed", range(4), ids="seed{}".format)
def test_separability_is_judged_as_a_linear_programme_judges_it(seed):
    """Random labels near the capacity P = 2N: some problems are separable, some are not."""
    rng = np.random.default_rng(seed)
    for _ in range(6):
        x = rng.standard_normal((38, 20))
        y = np.where(rng.random(38) < 0.5, 1.0, -1.0)
        feasible = linprog(np.zeros(20), A_ub=-y[:, None] * x, b_ub=-np.ones(38), bounds=(None, None)).status == 0
        if feasible:
            assert fit_max_margin(x, y).violation <= 1e-9
        else:
            with pytest.raises(InfeasibleError, match="not linearly separable") as refused:
                fit_max_margin(x, y)
            certificate = refused.value.certificate
            assert certificate.min() >= 0
            assert certificate.sum() == pytest.approx(1)
            assert np.linalg.norm((certificate * y) @ x) < 1e-7 * np.sqrt(20)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1.0, np.nan]], [1], r"`inputs` must be finite; first bad entry at \(0, 1\)"),
        ([[1.0, -np.inf]], [1], r"`inputs` must be finite; first bad entry at \(0, 1\)"),
        ([[1e-200, 2e-200]], [1], "`inputs` must reach 1e-100 to 1e\\+100 in size; got 2e-200"),
        ([[1e-200, -1e200]], [1], "got 1e\\+200, give them in other units"),
        ([[1.0 + 1j]], [1], "must be real"),
        ([[1.0, 2.0]], [1, 1], r"`labels` must have shape \(1,\), one per input; got \(2,\)"),
        ([[1.0, 2.0]], [0], "`labels` must be -1 or \\+1; got 0"),
        ([1.0, 2.0], [1, 1], r"`inputs` must be \(P, N\)"),
        (np.zeros((0, 3)), [], "not empty"),
        ([[1.0, 0.0], [1.0, 0.0]], [1, -1], "not linearly separable"),
        ([[0.0, 0.0], [1.0, 0.0]], [1, 1], "not linearly separable"),
    ],
    ids=[
        "nan",
        "infinite",
        "tiny",
        "huge",
        "complex",
        "lengths",
        "label 0",
        "1-D",
        "empty",
        "contradiction",
        "zero row",
    ],
)
def test_refusals(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_max_margin(np.array(x), np.array(y))


def test_an_unfinished_search_is_refused(monkeypatch):
    def exhausted(*arguments, **options):
        raise RuntimeError("Maximum number of iterations reached.")

    monkeypatch.setattr("scipy.optimize.nnls", exhausted)
    with pytest.raises(InaccurateError, match="violation nan"):
        least_distance(np.array([[1.0, 0.0], [-1.0, 0.0]]), problem=0)


def test_what_cannot_be_verified_is_refused(monkeypatch):
    x, y = separable(20, 5, seed=0)
    wrong = np.arange(2), np.ones(2)
    monkeypatch.setattr(exact_module, "settle", lambda rows, index, dual, limit, entries: wrong)
    monkeypatch.setattr(exact_module, "precise_guess", lambda rows: wrong)
    monkeypatch.setattr(exact_module, "least_distance", lambda rows, problem: wrong)
    with pytest.raises(InaccurateError, match="solved to violation") as refused:
        fit_max_margin(x, y)
    assert refused.value.violation > 1e-9
