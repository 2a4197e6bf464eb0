"""The sentence in which an experiment ends: it follows the table, and chance does not make a rule win."""

import numpy as np
import pytest
import xarray as xr

from perceptron_pruning.experiments.analysis.answer import answers, tried_rules
from perceptron_pruning.experiments.plan import AXES

SIZES, FRACTIONS, METRICS = [400, 1600], [0.25, 0.5, 1.0], ["margin", "el2n", "memorization"]


def errors(change, *, noise=0.001, seeds=6, fractions=FRACTIONS, seed=0):
    """.2 times 1 + change(metric, rule, fraction) in pools of 1600, times noise that seeds share in part."""
    rules = ["random", "hard", "easy"]
    values = [[[[[change(m, r, f) for f in fractions] for _ in SIZES] for _ in [0.5]] for r in rules] for m in METRICS]
    values = 0.2 * (1 + np.array(values))[None, ..., None]
    rng = np.random.default_rng(seed)
    drawn = values + noise * rng.standard_normal((*values.shape[:-1], seeds))
    drawn[:, :, :, :, :, -1] = drawn[:, :1, :1, :, :, -1] if fractions[-1] == 1 else drawn[:, :, :, :, :, -1]
    drawn[:, :, 0] = drawn[:, :1, 0]
    labels = dict(zip(AXES, (["softmax"], METRICS, rules, [0.5], SIZES, fractions), strict=True))
    return xr.DataArray(drawn, labels | {"seed": np.arange(seeds)}, dims=(*AXES, "seed"))


def good(m, r, f):
    return -0.2 if (m, r) == ("el2n", "hard") and f < 1 else 0.1 if f < 1 else 0.0


def harmful(m, r, f):
    return 0.5 * (1 - f)


def only_at_random(m, r, f):
    return (0.0 if r == "random" else 0.3) if f < 1 else 0.0


SENTENCES = {
    "a rule": (good, 0.001, "Keep 25 %, the hardest by el2n: -"),
    "all": (harmful, 0.001, "Keep all rows: to keep 50 % costs +5"),
    "random": (only_at_random, 0.0001, "Keep 25 % at random: "),
    "cannot tell": (lambda m, r, f: 0.0, 0.05, "Cannot tell within 0.5 points: these seeds fix differences to"),
}


@pytest.mark.parametrize(("change", "noise", "begins"), SENTENCES.values(), ids=SENTENCES)
def test_the_sentence_follows_the_table(change, noise, begins):
    (sentence,) = answers(errors(change, noise=noise))
    assert sentence.startswith(begins)
    assert sentence.endswith("; for softmax, 1600 rows in the pool, 6 seeds.")


def test_the_best_of_many_alike_is_not_said_to_gain():
    """The least of seven means is below random; seeds that did not choose it see no gain, on average."""
    gains = [
        tried_rules(errors(lambda m, r, f: 0.0, noise=0.01, seeds=5, seed=seed).isel(student=0))[0].against_random.value
        for seed in range(200)
    ]
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(len(gains))


def test_without_the_whole_pool_it_is_held_against_random_alone():
    (sentence,) = answers(errors(good, fractions=[0.25, 0.5]))
    assert "the hardest by el2n: -6.0" in sentence
    assert "add 1 to the kept fractions" in sentence


def test_few_seeds_are_said():
    (sentence,) = answers(errors(good, seeds=3))
    assert sentence.startswith("Cannot tell: 3 seeds are too few")
