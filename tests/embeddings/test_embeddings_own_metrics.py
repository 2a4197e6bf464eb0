"""Metrics of one's own, beside the built-in ones."""

import json
from functools import partial

import numpy as np
import pytest

from perceptron_pruning.embeddings import keep, load_fashion_mnist, score
from perceptron_pruning.embeddings.report import compute
from perceptron_pruning.embeddings.runtime.progress import NoProgress


@pytest.fixture(scope="module")
def rows():
    return load_fashion_mnist().train_embeddings[:120, :16]


@pytest.fixture(scope="module")
def labels():
    return load_fashion_mnist().train_labels[:120]


def length(embeddings, labels):
    """‖x‖."""
    return np.linalg.norm(embeddings, axis=1)


def rarity(embeddings, labels):
    """Minus the share of the own class."""
    names, classes = np.unique(labels, return_inverse=True)
    return -np.bincount(classes, minlength=len(names))[classes] / len(labels)


class Scaled:
    """A metric that is an object."""

    def __call__(self, embeddings, labels):
        return 2 * embeddings[:, 0]


def test_a_function_stands_beside_built_in_metrics(rows, labels):
    scores = score(rows, labels, metrics={"length": length, "margin": "margin", "probe": "margin", "rarity": rarity})
    assert list(scores) == ["length", "margin", "probe", "rarity"]
    np.testing.assert_array_equal(scores["length"], np.linalg.norm(rows, axis=1))
    np.testing.assert_array_equal(scores["margin"], score(rows, labels, metrics="margin")["margin"])
    np.testing.assert_array_equal(scores["probe"], scores["margin"])
    np.testing.assert_array_equal(scores["rarity"], rarity(rows, labels))
    assert keep(scores["length"], keep_fraction=0.5, labels=labels).size == 60


def test_a_metric_needs_no_labels(rows):
    np.testing.assert_array_equal(score(rows, metrics={"length": length})["length"], length(rows, None))


def test_labels_come_as_they_were_given(rows, labels):
    names = np.array([f"class {label}" for label in labels])
    seen = []
    score(rows, names, metrics={"own": lambda embeddings, labels: seen.append(labels) or np.zeros(len(embeddings))})
    np.testing.assert_array_equal(seen[0], names)


def test_embeddings_of_a_file_are_whole_and_cannot_be_changed(tmp_path, rows):
    np.save(tmp_path / "rows.npy", rows.astype(np.float16))

    def spoil(embeddings, labels):
        embeddings[0, 0] = 1e9
        return embeddings[:, 0]

    values = score(tmp_path / "rows.npy", metrics={"first": lambda embeddings, labels: embeddings[:, 0]})["first"]
    np.testing.assert_array_equal(values, rows[:, 0].astype(np.float16))
    with pytest.raises(ValueError, match="read-only"):
        score(rows, metrics={"spoil": spoil})
    assert rows.flags.writeable


def test_the_manifest_names_the_function(tmp_path, rows, labels):
    metrics = {"length": length, "part": partial(length), "scaled": Scaled(), "margin": "margin"}
    path = score(rows, labels, metrics=metrics).save(tmp_path / "scores.npz")
    assert json.loads(path.with_name("scores.npz.json").read_text())["metrics"] == {
        "length": f"{__name__}.length",
        "part": f"{__name__}.length",
        "scaled": f"{__name__}.Scaled",
        "margin": "margin",
    }


def test_the_report_shows_it(rows, labels):
    report = compute(score(rows, labels, metrics={"length": length, "margin": "margin"}))
    assert report.metrics == ["length", "margin"]
    assert np.isfinite(report.spearman).all()


class Plan(NoProgress):
    """Keeps what is said."""

    text = ""

    def say(self, text):
        self.text += text


def test_the_plan_says_that_the_cost_is_unknown(rows, labels):
    plan = Plan()
    score(rows, labels, metrics={"length": length, "margin": "margin"}, progress=plan)
    line = next(line for line in plan.text.splitlines() if line.startswith("length"))
    assert line.split()[1:] == ["unknown", "1", "0", "unknown", "unknown"]
    assert plan.text.endswith("+ unknown")


def test_rows_of_a_file_count_in_the_memory_budget(tmp_path, rows):
    np.save(tmp_path / "rows.npy", rows.astype(np.float32))
    score(tmp_path / "rows.npy", metrics={"length": length}, memory_budget=0.7e9)
    with pytest.raises(ValueError, match=r"`memory_budget` must be at least 0.63 GB for length; got 0.60 GB"):
        score(tmp_path / "rows.npy", metrics={"length": length}, memory_budget=0.6e9)


def test_an_interrupted_call_computes_it_again(tmp_path, rows, labels):
    def fail(embeddings, labels):
        raise KeyboardInterrupt("stopped by the test")

    metrics = {"margin": "margin", "own": fail}
    with pytest.raises(KeyboardInterrupt, match="stopped by the test"):
        score(rows, labels, metrics=metrics, checkpoint=tmp_path / "partial")
    scores = score(rows, labels, metrics=metrics | {"own": length}, checkpoint=tmp_path / "partial")
    np.testing.assert_array_equal(scores["own"], length(rows, None))
    assert not (tmp_path / "partial").exists()


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (np.zeros(119), r"got shape \(119,\) of float64"),
        (np.zeros((120, 2)), r"got shape \(120, 2\) of float64"),
        (np.array(["a"] * 120), r"got shape \(120,\) of <U1"),
        (None, r"got shape \(\) of object"),
        (np.where(np.arange(120) == 7, np.nan, 0.0), "got nan for row 7"),
    ],
    ids=["short", "two columns", "text", "nothing", "nan"],
)
def test_what_is_no_score_is_refused(rows, returned, problem):
    def constant(value, embeddings, labels):
        return value

    message = r"the metric `mine` \(.*constant\) must return finite numbers of shape \(120,\), one a row; " + problem
    with pytest.raises(ValueError, match=message):
        score(rows, metrics={"mine": partial(constant, returned)})


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"margin": length}, "by a text that is not taken; got 'margin'"),
        ({"label": length}, "by a text that is not taken; got 'label'"),
        ({"": length}, "by a text that is not taken; got ''"),
        ({3: length}, "by a text that is not taken; got 3"),
        ({"mine": 3}, "must map names to built-in names or functions; got 3 for mine"),
        ({"mine": "el3n"}, r"`metrics` must be among .*; got \['el3n'\]"),
        ({"mine": length, "margin": "margin"}, "`labels` must be given for the metric margin"),
        ({}, r"`metrics` must be among .*; got \[\]"),
    ],
    ids=["built-in name", "column", "empty name", "number", "no function", "unknown", "unlabelled", "no metric"],
)
def test_requests_without_sense_are_refused(rows, metrics, message):
    with pytest.raises(ValueError, match=message):
        score(rows, metrics=metrics)
