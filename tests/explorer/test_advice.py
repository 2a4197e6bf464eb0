"""The tab of one's own embeddings: what `recommend` says of files on this machine."""

import numpy as np
import pytest

from perceptron_pruning.embeddings import recommend

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def files(tmp_path):
    """Two classes in a plane and noise, 200 rows."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=200)
    embeddings = rng.normal(size=(200, 6)) + 1.5 * labels[:, None]
    np.save(tmp_path / "embeddings.npy", embeddings)
    np.save(tmp_path / "labels.npy", labels)
    return {"embeddings": str(tmp_path / "embeddings.npy"), "labels": str(tmp_path / "labels.npy")}


def test_files_get_the_recommendation_of_the_package(door, files):
    status, answer = door.post("advice", files, **JSON)
    expected = recommend(files["embeddings"], np.load(files["labels"]), quick=True)
    assert status == 200
    assert answer["sentence"] == expected.answer
    assert [row["rule"] for row in answer["table"]] == [row["rule"] for row in expected.table]
    assert "200 rows" in answer["about"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": ""}, "labels are missing: give both files"),
        ({"embeddings": ""}, "embeddings are missing: give both files"),
        ({"embeddings": "nowhere.npy"}, "nowhere.npy"),
    ],
    ids=["no labels", "no embeddings", "no such file"],
)
def test_files_that_cannot_be_read_are_one_line(door, files, changed, message):
    status, answer = door.post("advice", files | changed, **JSON)
    assert status == 400
    assert message in answer["error"]
    assert "\n" not in answer["error"]


def test_a_form_of_another_page_gets_no_advice(door, files):
    """A browser lets a page of another's post text without asking, but no JSON."""
    assert door.post("advice", files, **{"Content-Type": "text/plain"})[0] == 404
    assert door.post("advice", {}, **JSON) == (400, {"error": "'embeddings' is missing"})
