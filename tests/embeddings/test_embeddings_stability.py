"""Rank correlations from seed to seed."""

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr
from sklearn.datasets import load_digits

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import score, seed_stability
from perceptron_pruning.embeddings.stability import correlation, stability_text


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True)
    return rows[:300].astype(np.float32), labels[:300]


def test_stability_is_spearmans_correlation(digits):
    names = ["margin", "memorization_subsets", "random"]
    found = seed_stability(*digits, metrics=names, seeds=(3, 4))
    first, second = (score(*digits, metrics=names, seed=seed) for seed in (3, 4))
    for name in names:
        assert found[name] == pytest.approx(spearmanr(first[name], second[name])[0], abs=1e-4)
    assert found["margin"] == 1
    assert abs(found["random"]) < 0.2


def test_a_metric_that_is_the_same_for_all_has_no_correlation():
    assert np.isnan(correlation(rankdata(np.ones(5)), rankdata(np.arange(5))))


def test_unstable_metrics_are_said_first():
    lines = stability_text({"sure": 0.98, "shaky": 0.4}, (0, 1)).splitlines()
    assert lines[1].startswith("shaky")
    assert lines[1].endswith("0.40  what is kept depends on the seed")
    assert lines[2].endswith("0.98")


@pytest.mark.parametrize("seeds", [(0,), (1, 1)], ids=["one", "twice the same"])
def test_two_seeds_are_needed(digits, seeds):
    with pytest.raises(ValueError, match="`seeds` must be two at least, all different"):
        seed_stability(*digits, seeds=seeds)


def test_the_command_prints_it(digits, tmp_path, capsys):
    np.save(tmp_path / "rows.npy", digits[0])
    np.save(tmp_path / "labels.npy", digits[1])
    words = ["score", tmp_path / "rows.npy", "--labels", tmp_path / "labels.npy", "--metrics", "margin", "random"]
    words += ["--output", tmp_path / "scores.npz", "--stability"]
    assert app([str(word) for word in words], result_action="return_value") == 0
    said = capsys.readouterr().out
    assert "Rank correlations between seeds 0 and 1" in said
    assert "margin   1.00" in said
