"""What pruning does on real embeddings: the recipe written out, the control, and what the data say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from perceptron_pruning.embeddings import fit_softmax, keep, load_fashion_mnist, score
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments import Plan, experiment, source_of
from perceptron_pruning.experiments.pools import pool_of, standardise
from perceptron_pruning.experiments.students.heads import STUDENTS, fit_present
from perceptron_pruning.figures.theory.settings import FULL, QUICK
from replica_theory import KeepEasiest, KeepHardest, KeepRandom

SCARCE = Plan(pool_sizes=(100,), keep_fractions=(0.2, 0.4, 0.5), n_seeds=24)
ABUNDANT = Plan(pool_sizes=(3200,), keep_fractions=(0.2, 0.4, 0.5), n_seeds=5)


@pytest.fixture(scope="module")
def source():
    return source_of("fashion-mnist")


def errors_of(source, plan, folder):
    """Test errors with the dimensions rule, keep_fraction and seed."""
    with ThreadPoolExecutor(1) as here:
        table = experiment(source, plan, folder, executor=here)
    return table.test_error.isel(student=0, metric=0, class_floor=0, pool_size=0)


@pytest.fixture(scope="module")
def scarce(source, tmp_path_factory):
    return errors_of(source, SCARCE, tmp_path_factory.mktemp("scarce"))


@pytest.fixture(scope="module")
def abundant(source, tmp_path_factory):
    return errors_of(source, ABUNDANT, tmp_path_factory.mktemp("abundant"))


def z_score(errors, rule, keep_fraction, baseline="random"):
    """Error of a rule less that of the baseline, paired by seed, over its standard error."""
    at = errors.sel(keep_fraction=keep_fraction)
    difference = effect((at.sel(rule=rule) - at.sel(rule=baseline)).values)
    return difference.value / difference.standard_error


def test_a_point_is_the_recipe_written_out(source, tmp_path):
    plan = Plan(pool_sizes=(250,), keep_fractions=(0.4,), n_seeds=2)
    found = errors_of(source, plan, tmp_path).sel(rule="hard", keep_fraction=0.4, seed=1)
    data = load_fashion_mnist()
    pool = np.random.default_rng([1, 250]).choice(15_000, 250, replace=False)
    mean = data.train_embeddings[pool].mean(axis=0)
    scale = np.sqrt(((data.train_embeddings[pool] - mean) ** 2).mean())
    rows, labels = (data.train_embeddings[pool] - mean) / scale, data.train_labels[pool]
    kept = keep(score(rows, labels, metrics="margin", seed=1)["margin"], keep_fraction=0.4, labels=labels)
    head = fit_softmax(rows[kept], labels[kept], n_classes=10, ridge=1e-2)
    logits = (data.test_embeddings - mean) / scale @ head.weights + head.bias
    assert len(kept) == 100
    assert float(found) == pytest.approx(np.mean(logits.argmax(axis=1) != data.test_labels), abs=1e-12)


def test_equal_rows_cannot_be_standardised():
    with pytest.raises(ValueError, match="`embeddings` must not be equal in all rows; got zero variance"):
        standardise(np.ones((3, 2)), np.ones((3, 2)))


def test_scarce_data_favour_the_easy(scarce):
    """Measured at 20 of 100, 24 seeds: easy −.060 ± .011, hard +.155 ± .014 against random."""
    assert z_score(scarce, "easy", 0.2) < -3
    assert z_score(scarce, "hard", 0.2) > 3


@pytest.mark.slow
def test_abundant_data_favour_the_hard(abundant):
    """Measured at 1600 of 3200, 24 seeds: hard −.0097 ± .0009, easy +.0233 ± .0011 against random."""
    assert z_score(abundant, "hard", 0.5) < -3
    assert z_score(abundant, "easy", 0.5) > 3


@pytest.mark.slow
def test_hard_against_easy_turns_over(scarce, abundant):
    """Measured at f = .4, 24 seeds: hard − easy is +.095 ± .013 at 40 of 100, −.0265 ± .0015 at 1280 of 3200."""
    assert z_score(scarce, "hard", 0.4, baseline="easy") > 3
    assert z_score(abundant, "hard", 0.4, baseline="easy") < -3


def test_the_hardest_fifth_is_a_bad_training_set_at_any_size(abundant):
    """Measured at 640 of 3200, 24 seeds: +.271 ± .006 against random. The probe's own errors are among them."""
    assert z_score(abundant, "hard", 0.2) > 10


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest], ids=["hard", "easy"])
def test_random_scores_make_no_difference(source, rule):
    """The control: a rule that ranks by random scores is random keeping, and must look like it."""

    def error(pool, selection, seed):
        chance = np.random.default_rng(seed).random(len(pool.labels))
        kept = keep(chance, selection=selection, labels=pool.labels, seed=seed)
        predict = fit_present(STUDENTS["softmax"], pool.inputs[kept], pool.labels[kept], seed)
        return np.mean(predict(pool.test_inputs) != pool.test_labels)

    pools = [pool_of(source, 800, seed, 0) for seed in range(10)]
    differences = [error(pool, rule(0.5), pool.seed) - error(pool, KeepRandom(0.5), pool.seed) for pool in pools]
    difference = effect(np.array(differences))
    assert abs(difference.value / difference.standard_error) < 3.5


@pytest.mark.parametrize("metric", ["supervised_prototypes", "self_supervised_prototypes"], ids=str)
def test_prototypes_run_through_the_same_recipe(source, metric, tmp_path):
    plan = Plan(pool_sizes=(300,), keep_fractions=(0.5,), metrics=(metric,), n_seeds=2)
    assert bool(((errors := errors_of(source, plan, tmp_path)) > 0.1).all())
    assert bool((errors < 0.6).all())


def test_the_figures_experiments_hold_their_baseline():
    for settings in (QUICK, FULL):
        assert set(settings.embeddings.rules) == {"random", "hard", "easy"}
        assert max(settings.embeddings.pool_sizes) < 15_000
        assert settings.embeddings.n_seeds >= 5
