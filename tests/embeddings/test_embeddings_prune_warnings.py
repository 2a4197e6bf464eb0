"""`prune` says what is wrong with a kept set, and says nothing where nothing is."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import class_audit, keep, score
from perceptron_pruning.embeddings.prune_warnings import (
    doubtful_rows,
    doubtful_warning,
    floor_warning,
    kept_set_probe,
    metric_warning,
    probe_warning,
    ties_warning,
)
from perceptron_pruning.evidence.effect import Effect
from replica_theory import KeepRandom


@pytest.fixture(scope="module")
def flipped():
    """Digits with a tenth of the labels wrong."""
    rows, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.choice(1000, 100, replace=False)
    given = labels[:1000].copy()
    given[wrong] = (given[wrong] + rng.integers(1, 10, 100)) % 10
    return rows[:1000], given, wrong


@pytest.fixture(scope="module")
def scores(flipped, tmp_path_factory):
    path = tmp_path_factory.mktemp("scores")
    result = score(flipped[0], flipped[1], metrics="margin", out_of_fold=True)
    np.save(path / "rows.npy", flipped[0])
    return result, result.save(path / "scores.csv")


def prune(path, *words: str):
    return app(["prune", str(path), "--output", str(path.with_name("kept.npy")), *words], result_action="return_value")


def test_the_hardest_rows_with_wrong_labels_are_warned_of(scores, flipped, capsys):
    """On flipped labels the hardest 30 % keep every flip, and lose to random rows."""
    result, path = scores
    arguments = ["--metric", "margin_out_of_fold", "--keep-fraction", "0.3"]
    assert prune(path, *arguments, "--embeddings", str(path.with_name("rows.npy"))) == 0
    said = capsys.readouterr().err
    n = int(doubtful_rows(result["margin_out_of_fold"]).sum())
    assert f"Warning: {n} of {n} rows whose label is in doubt (out-of-fold margin below -0.7) are kept" in said
    assert "loses to random rows by" in said
    assert np.isin(flipped[2], np.load(path.with_name("kept.npy"))).mean() > 0.9


def test_suspects_are_dropped_on_request(scores, flipped, capsys):
    result, path = scores
    assert prune(path, "--metric", "margin_out_of_fold", "--keep-fraction", "0.3", "--drop-suspects") == 0
    kept = np.load(path.with_name("kept.npy"))
    doubtful = doubtful_rows(result["margin_out_of_fold"])
    assert len(kept) == round(0.3 * (~doubtful).sum())
    assert not doubtful[kept].any()
    assert "whose label is in doubt" not in capsys.readouterr().err


def test_random_rows_are_not_warned_of(scores, flipped):
    result, _ = scores
    kept = keep(result["margin"], selection=KeepRandom(0.5), seed=1)
    effect = kept_set_probe(flipped[0], flipped[1], kept)
    assert effect.low < 0 < effect.high
    assert probe_warning(effect) is None
    assert probe_warning(Effect(value=0.05, standard_error=0.01)) is not None
    assert ties_warning(kept, np.random.default_rng(0).random(1000), 0) is None


def test_the_metric_that_runs_against_hardness_is_flagged():
    assert "runs against hardness" in str(metric_warning("active_learning_mutual_information"))
    assert metric_warning("el2n") is None


def test_scores_are_a_frame(scores, flipped):
    frame = scores[0].to_frame()
    assert list(frame.columns) == ["label", *scores[0]]
    assert frame.index.name == "id"
    np.testing.assert_array_equal(frame["margin"], scores[0]["margin"])
    hard = keep(frame["margin"], keep_fraction=0.2)  # a Series is scores like any other
    np.testing.assert_array_equal(hard, keep(scores[0]["margin"], keep_fraction=0.2))


def test_ties_are_counted():
    values = np.repeat([2.0, 1.0, 0.0], [10, 50, 40])
    kept = keep(values, keep_fraction=0.3)
    assert ties_warning(kept, values, 7) == "50 rows have the score 1, and 20 of them are kept, drawn with seed 7"
    assert ties_warning(np.arange(10), values, 7) is None


def test_classes_at_their_floor_are_named():
    labels = np.repeat(["cat", "dog"], 50)
    values = np.where(labels == "cat", 1.0, 0.0) + np.linspace(0, 0.1, 100)
    kept = keep(values, keep_fraction=0.5, labels=labels)
    audits = class_audit(kept, labels, keep_fraction=0.5)
    assert floor_warning(audits) == "1 of 2 classes are at their floor: dog (13 of 50)"
    assert floor_warning(class_audit(np.arange(100), labels, keep_fraction=1.0)) is None


def test_doubtful_rows_within_their_share_are_no_news():
    doubtful = np.arange(100) < 10
    assert doubtful_warning(np.arange(0, 100, 2), doubtful) is None
    assert "10 of 10 rows" in str(doubtful_warning(np.arange(50), doubtful))


BAD = {
    "no suspects": (["--metric", "x", "--drop-suspects"], "needs the column margin_out_of_fold"),
    "no labels": (["--metric", "x", "--embeddings", "rows.npy"], "`--embeddings` needs labels for its probe"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_what_is_missing_is_named(tmp_path, words, message):
    np.savez(tmp_path / "scores.npz", x=np.arange(20.0))
    with pytest.raises(ValueError, match=message):
        prune(tmp_path / "scores.npz", "--keep-fraction", "0.5", *words)
    assert not (tmp_path / "kept.npy").exists()


def test_a_probe_needs_rows():
    with pytest.raises(ValueError, match="must have 100 rows and two classes for a probe; got 20 and 2"):
        kept_set_probe(np.eye(20), np.arange(20) % 2, np.arange(5))
