"""Windows of the ranking and the influence of its bins: theory beside students, and verdicts that turn."""

import math
from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments.analysis.window import bins_of, slope, windows_of
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.experiments.real_pool import real_pool
from perceptron_pruning.experiments.window import WindowSettings, bin_changes, seeds_pool, window_errors, window_pair
from perceptron_pruning.figures.real_data import figure_window as figure
from replica_theory.selection import KeepEasiest, KeepHardest

SETTINGS = WindowSettings(
    classes=(2, 4),
    n_features=32,
    alpha_prune=(4.0,),
    skipped=(0.0, 0.1, 0.3, 0.6),
    draws=6,
    n_bins=5,
    bin_alpha=(4.0,),
    bin_draws=20,
    n_seeds=3,
)


@pytest.fixture(scope="module")
def pair():
    return window_pair(load_fashion_mnist(), SETTINGS)


@pytest.fixture(scope="module")
def numbers(pair):
    pools = [seeds_pool(pair, SETTINGS, seed) for seed in range(SETTINGS.n_seeds)]
    return [window_errors(pool, SETTINGS, rng) | bin_changes(pool, SETTINGS, rng) for pool, rng in pools]


def mean(numbers, name):
    return np.mean([seed[name] for seed in numbers], axis=0)


def test_theory_is_near_students_of_every_window(numbers):
    measured, predicted = mean(numbers, "test_error"), mean(numbers, "predicted")
    assert measured.shape == (1, 1 + len(SETTINGS.skipped))
    assert np.all(np.abs(np.log(measured / predicted)) < 0.15)
    assert np.ptp(np.log(measured)) > 0.3  # which means something
    assert np.all(np.abs(np.log(measured / mean(numbers, "left_out"))) < 0.3)


def test_what_a_bin_does_is_told_by_its_influence(numbers):
    changes, influences = mean(numbers, "change"), mean(numbers, "influence")
    assert influences[0, 0] > 0.1 > influences[0].min()  # the hardest, mislabelled or ambiguous
    for told in (influences, mean(numbers, "told")):
        assert np.corrcoef(changes[0], told[0])[0, 1] > 0.8


def test_more_of_all_rows_is_nothing(numbers):
    """At a fixed number of rows, equal chances of all change nothing."""
    for seed in numbers:
        assert seed["influence"].sum(axis=1) == pytest.approx(np.zeros(1), abs=1e-8)


def test_the_ends_of_the_windows_are_hard_and_easy(pair):
    pool, rng = seeds_pool(pair, SETTINGS, 0)
    hardest, easiest = SETTINGS.selections[1], SETTINGS.selections[-1]
    for window, rule in ((hardest, KeepHardest(0.4, True)), (easiest, KeepEasiest(0.4, True))):
        first, second = (s.choose(pool.field, pool.labels, count=300, rng=rng) for s in (window, rule))
        np.testing.assert_array_equal(first, second)


def test_the_probe_has_seen_none_of_the_pool(pair):
    pool, _ = seeds_pool(pair, SETTINGS, 0)
    assert len(pool.labels) == len(pair.labels) - SETTINGS.probe_rows
    assert np.linalg.norm(pool.probe) == pytest.approx(1)
    np.testing.assert_allclose(pool.field, pool.inputs @ pool.probe)
    assert pool.error_of(np.arange(len(pool.labels)), 0.05) < 0.2


def test_refusals(pair):
    with pytest.raises(ValueError, match="the largest pool at most"):
        window_pair(load_fashion_mnist(), replace(SETTINGS, alpha_prune=(100.0,)))
    with pytest.raises(ValueError, match="`step` must be one of real inputs; got 'gaussian'"):
        real_pool(pair, "gaussian", probe_rows=100, rng=np.random.default_rng(0))


# verdicts that turn

SKIPPED = (0.0, 0.1, 0.2, 0.6)


def best_inside(skipped):
    """The best window skips a tenth; random is worse by 0.2 in ln ε."""
    return -2.0 if skipped is None else -2.2 + 2 * abs(skipped - 0.1)


def made_up(error=best_inside, predicted=None, change=None, told=None, noise=0.01):
    """Measured rows of functions of the window's place, and of the bin."""
    rng = np.random.default_rng(0)
    theirs = predicted or error
    harm = change or (lambda number: 0.2 - 0.1 * number)
    theory_of_bins = told or harm
    rows = []
    for seed in range(6):
        at = {"kind": "measured", "pair": "sneaker-boot", "alpha_prune": 4.0, SEED: seed}
        for skipped in (None, *SKIPPED):
            window = {"rule": "random"} if skipped is None else {"rule": "window", "skipped": skipped}
            value = math.exp(error(skipped) + noise * rng.standard_normal())
            theory = math.exp(theirs(skipped))
            rows.append(at | window | {"test_error": value, "predicted": theory, "left_out": theory})
        for number in range(5):
            found = harm(number) + noise * rng.standard_normal()
            rows.append(
                at | {"bin": number, "change": found, "told": theory_of_bins(number), "influence": harm(number)}
            )
    return rows


def verdicts(**functions):
    rows = made_up(**functions)
    found = figure.claims(rows + figure.derived(rows))
    assert {claim.figure for claim in found} == {figure.NAME}
    return {claim.statement: claim.verdict for claim in found}


BEATS = "A window that skips the hardest, chosen by theory without test rows, beats hard, easy and random"
FINDS = "The whole law finds the best window, hard, easy and random among the choices"
HARMS = "Keeping the rows of least signed margin makes students worse"
TELLS = "The whole law tells what keeping a bin's rows does"


def test_a_right_theory_is_confirmed():
    assert verdicts() == dict.fromkeys((BEATS, FINDS, HARMS, TELLS), CONFIRMED)


@pytest.mark.parametrize(
    ("functions", "statement"),
    [
        ({"error": lambda s: -2.0 if s is None else -2.2 + s}, BEATS),
        ({"error": lambda s: -2.5 if s is None else best_inside(s)}, BEATS),
        ({"error": lambda s: -2.0 if s is None else -2.0 - s}, BEATS),
        ({"predicted": lambda s: -best_inside(s)}, FINDS),
        ({"change": lambda number: 0.1 * number - 0.2}, HARMS),
        ({"told": lambda number: 2 * (0.2 - 0.1 * number)}, TELLS),
        ({"told": lambda number: 0.1 * number - 0.2}, TELLS),
    ],
    ids=["hard is best", "random is best", "easy is best", "wrong window", "hardest help", "twice", "wrong sign"],
)
def test_data_that_say_otherwise_refute(functions, statement):
    assert verdicts(**functions)[statement] == REFUTED


def test_windows_and_bins_are_read_back():
    rows = made_up(noise=0.0)
    (windows,), (bins,) = windows_of(rows), bins_of(rows)
    assert windows.errors.shape == (6, len(SKIPPED))
    assert windows.gain("hard").value == pytest.approx(0.2)
    assert windows.gain("easy").value == pytest.approx(1.0)
    assert windows.gain("random").value == pytest.approx(0.2)
    assert list(windows.skipped[windows.inner_choice]) == [0.1] * 6
    assert windows.regret == pytest.approx(np.zeros(6))
    assert bins.changes.shape == (6, 5)
    assert slope([bins.changes] * 2, [bins.told] * 2).value == pytest.approx(1)


def test_the_picture_is_drawn():
    rows = made_up()
    table = rows + figure.derived(rows)
    assert [row["skipped"] for row in table if row.get("chosen")] == [0.1]
    assert len(figure.draw(table).axes) == 2


def test_settings_without_a_standard_error_or_a_logarithm_are_refused(pair):
    pool, rng = seeds_pool(pair, SETTINGS, 0)
    with pytest.raises(ValueError, match="`draws` must be at least 2, for a standard error; got 1"):
        window_errors(pool, replace(SETTINGS, draws=1), rng)
    with pytest.raises(ValueError, match="`probe_rows` must be at least 1; got 0"):
        seeds_pool(pair, replace(SETTINGS, probe_rows=0), 0)
    with pytest.raises(ValueError, match=r"`n_features` must be in \[1, 256\]"):
        window_pair(load_fashion_mnist(), replace(SETTINGS, n_features=0))
    easy = replace(pool, test_inputs=np.outer(pool.test_labels, pool.probe), test_labels=pool.test_labels)
    with pytest.raises(ValueError, match="errors must be > 0, whose logarithms change; got 0"):
        bin_changes(easy, replace(SETTINGS, n_bins=2, bin_draws=2), rng)


def test_classes_of_one_feature_make_a_pair():
    data = load_fashion_mnist()
    narrow = replace(data, train_embeddings=data.train_embeddings[:, :1], test_embeddings=data.test_embeddings[:, :1])
    assert window_pair(narrow, replace(SETTINGS, n_features=1)).inputs.shape[1] == 1
