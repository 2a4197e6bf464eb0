"""The exact phase of the solver alone: it needs no good guess, and its refusals are proofs."""

import numpy as np
import pytest

from perceptron_pruning import fit_max_margin
from perceptron_pruning.students.max_margin.block_pivoting import from_all_examples, from_approximate_dual
from perceptron_pruning.students.max_margin.dual_active_set import NoStudentError, settle
from perceptron_pruning.students.max_margin.few_examples import few_examples
from perceptron_pruning.students.max_margin.optimality import candidate
from perceptron_pruning.students.max_margin.support import Support
from perceptron_pruning.students.max_margin.support_guess import precise_guess, support_guess


def separable_rows(n_examples, n_features, seed):
    """Labelled inputs of root-mean-square length 1 with a teacher along the first axis."""
    rows = np.random.default_rng(seed).standard_normal((n_examples, n_features))
    rows[:, 0] = np.abs(rows[:, 0])
    return rows / np.sqrt(np.mean(np.sum(rows * rows, axis=1)))


def good_guess(rows):
    if len(rows) > rows.shape[1]:
        return support_guess(rows)
    guess, _ = few_examples(rows, np.ones(len(rows)))
    return guess.support, guess.dual


GUESSES = {
    "none": lambda rows, rng: (np.arange(0), np.zeros(0)),
    "random": lambda rows, rng: (rng.choice(len(rows), 5, replace=False), np.ones(5)),
    "with copies": lambda rows, rng: (np.arange(min(rows.shape)), np.ones(min(rows.shape))),
    "good": lambda rows, rng: good_guess(rows),
}


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES.keys())
@pytest.mark.parametrize("size", [(8, 20), (60, 20), (400, 20)], ids=str)
def test_any_guess_leads_to_the_solution(guess, size):
    rows = separable_rows(*size, seed=1)
    rows = np.vstack([rows[:3], rows])  # copies make guesses dependent
    settled = candidate(rows, *settle(rows, *guess(rows, np.random.default_rng(0)), limit=1e7, entries=10_000))
    assert settled.verified
    assert settled.weights == pytest.approx(fit_max_margin(rows, np.ones(len(rows))).weights, rel=1e-9)


@pytest.mark.parametrize("size", [(100, 20), (2000, 50)], ids=str)
def test_interior_points_guess_is_nearly_the_support(size):
    rows = separable_rows(*size, seed=2)
    index, dual = support_guess(rows)
    support = np.flatnonzero(fit_max_margin(rows, np.ones(len(rows))).support)
    assert dual.min() > 0
    assert len(np.setxor1d(index, support)) <= 0.2 * len(support)


def test_lengths_that_differ_by_orders_of_magnitude_need_the_precise_guess():
    rows = separable_rows(1500, 150, seed=0)
    rows *= 10 ** np.random.default_rng(5).uniform(-2, 2, (len(rows), 1))
    rows /= np.sqrt(np.mean(np.sum(rows * rows, axis=1)))
    assert not candidate(rows, *settle(rows, *support_guess(rows), limit=1e9, entries=100)).verified
    assert candidate(rows, *settle(rows, *precise_guess(rows), limit=1e9, entries=0)).verified
    assert fit_max_margin(rows, np.ones(len(rows))).violation <= 1e-9


@pytest.mark.parametrize("size", [(30, 60), (100, 110), (150, 400), (300, 300)], ids=str)
def test_block_pivoting_mostly_ends_at_the_solution(size):
    violations = []
    for seed in range(20):
        rows, labels = separable_rows(*size, seed=seed), np.random.default_rng(seed).choice([-1.0, 1.0], size[0])
        found, unit = few_examples(1e10 * labels[:, None] * rows, labels)
        assert unit == pytest.approx(1e10, rel=1e-12)
        expected = candidate(rows, found.support, found.dual)
        assert found.weights == pytest.approx(expected.weights, abs=1e-12)
        assert (found.violation, found.gap) == pytest.approx((expected.violation, expected.gap), abs=1e-9)
        violations += [found.violation] if found.verified else []
    assert len(violations) >= 16
    assert max(violations) < 1e-11  # also where factors are in single precision


@pytest.mark.parametrize("blocks", [from_all_examples, from_approximate_dual], ids=["all", "approximate dual"])
@pytest.mark.parametrize("precision", [np.float32, np.float64], ids=["single", "double"])
@pytest.mark.parametrize("size", [(40, 60), (80, 80), (300, 600)], ids=str)
def test_blocks_from_any_beginning_end_at_one_support(blocks, precision, size):
    rows, labels = separable_rows(*size, seed=1), np.random.default_rng(2).choice([-1.0, 1.0], size[0])
    inputs = labels[:, None] * rows
    found = blocks((inputs @ inputs.T).astype(precision), labels.astype(precision))
    assert found.factor is not None
    fit = fit_max_margin(inputs, labels)
    assert found.support.tolist() == fit.support.nonzero()[0].tolist()
    assert found.signed_dual == pytest.approx((labels * fit.dual)[found.support], abs=1e-3)


@pytest.mark.parametrize("size", [(5, 20), (80, 200)], ids=str)
def test_a_singular_gram_matrix_still_gives_most_of_the_support(size):
    rows = separable_rows(*size, seed=0)
    support = set(fit_max_margin(rows, np.ones(len(rows))).support.nonzero()[0])
    twice = np.vstack([rows, rows])
    index, dual, factor = from_all_examples(twice @ twice.T, np.ones(len(twice)))
    assert factor is None
    assert dual.min() > 0
    assert len({row % len(rows) for row in index} ^ support) <= 0.1 * len(rows)


def test_refusal_is_a_vanishing_combination():
    rows = np.random.default_rng(3).standard_normal((100, 10))
    with pytest.raises(NoStudentError, match="a combination of labelled inputs") as refused:
        settle(rows, np.arange(0), np.zeros(0), limit=1e7, entries=10_000)
    combination = refused.value.dual / refused.value.dual.sum()
    assert combination.min() >= 0
    assert np.linalg.norm(combination @ rows) <= 1e-7


def test_a_candidate_off_the_optimum_is_not_verified():
    rows = separable_rows(60, 20, seed=4)
    index, dual, weights = settle(rows, *good_guess(rows), limit=1e7, entries=10_000)
    assert candidate(rows, index, dual, weights).verified
    assert not candidate(rows, index, dual, 1.00001 * weights).verified
    assert not candidate(rows, index, 1.00001 * dual, weights).verified
    assert not candidate(rows, index[1:], dual[1:]).verified
    assert not candidate(rows, index[:0], dual[:0]).verified


@pytest.mark.parametrize("n_exchanges", [5, 20, 200], ids="{} exchanges".format)
def test_inverse_follows_the_rows_that_enter_and_leave(n_exchanges):
    rows, rng = separable_rows(120, 30, seed=3), np.random.default_rng(4)
    support = Support(rows, np.arange(20), np.ones(20))
    for _ in range(n_exchanges):
        taken = np.flatnonzero(support.taken)
        if len(taken) > 25 or (len(taken) > 1 and rng.random() < 0.5):
            gone = rng.choice(taken)
            dual, share = support.solution()[0], support.dual.copy()
            column = support.remove(gone)
            assert support.solution()[0] == pytest.approx((dual - dual[gone] * column) * support.taken, abs=1e-9)
            assert share[gone] == 1
        else:
            entering = int(rng.choice(np.setdiff1d(np.arange(len(rows)), support.index)))
            support.append(entering, rows[entering], 1.0, support.project(rows[entering]))
    taken = support.taken
    inverse = np.column_stack([support.inverse.times(unit) for unit in np.eye(len(taken))])
    active = rows[support.index[taken]]
    assert inverse[np.ix_(taken, taken)] == pytest.approx(np.linalg.inv(active @ active.T), abs=1e-9)
    assert not inverse[~taken].any()
