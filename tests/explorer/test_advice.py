"""The tab of one's own embeddings: what `recommend` says of files on this machine."""

import numpy as np
import pytest

from perceptron_pruning.embeddings import recommend
from perceptron_pruning.explorer.measured import RIDGE, pair_of
from perceptron_pruning.explorer.server import _asked
from replica_theory import risk_on_data

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


def test_files_get_the_theory_of_their_rows(door, files, tmp_path):
    rng = np.random.default_rng(2)
    labels = np.load(files["labels"])
    np.save(tmp_path / "embeddings.npy", rng.normal(size=(200, 20)) + 0.5 * labels[:, None])
    theory = door.post("advice", files, **JSON)[1]["theory"]
    errors, spectrum = theory["charts"]
    pilot = pair_of(files["embeddings"], np.load(files["labels"])).pilot
    assert f"of the {pilot.n_rows} rows" in theory["about"]
    order, half = np.argsort(np.abs(pilot.inputs @ pilot.probe)), round(0.5 * pilot.n_rows)
    for name, rows in (("hardest", order[:half]), ("easiest", order[-half:])):
        kept = np.isin(np.arange(pilot.n_rows), rows)
        exact = risk_on_data(pilot.inputs, pilot.labels, keep_probability=kept, n_kept=half, ridge=RIDGE)
        (shown,) = (one for one in errors["series"] if one["key"] == name)
        assert shown["y"][-1] == pytest.approx(exact.left_out_error, rel=1e-6)
        dots = [mark["y"] for mark in errors["marks"] if mark["key"] == name]
        assert len(dots) == 4
        assert dots[0] == pytest.approx(exact.left_out_error, rel=0.4)  # of another theory, on 150 rows
    assert sum(spectrum["series"][0]["y"]) == pytest.approx(20.0)  # variances of mean 1, of all features


def test_rows_that_the_theory_cannot_take_say_so(door, files, tmp_path):
    np.save(tmp_path / "labels.npy", np.arange(200) % 10)
    answer = door.post("advice", files, **JSON)[1]
    assert answer["theory"] == {
        "about": "No theory of these rows: two classes must have 60 rows each",
        "charts": [],
    }
    assert answer["sentence"]


def test_the_two_classes_that_are_most_alike_are_taken():
    rng = np.random.default_rng(1)
    labels = rng.integers(3, size=600)
    rows = rng.normal(size=(600, 5)) + np.array([0.0, 1.0, 9.0])[labels][:, None]
    assert pair_of(rows, np.array(["near", "nearer", "far"])[labels]).names == ("near", "nearer")


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


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"embeddings": 5, "labels": "l.npy"}, "'embeddings' must be the name of a file; got 5"),
        ({"embeddings": "e.npy", "labels": {"a": 1}}, "'labels' must be the name of a file; got {'a': 1}"),
    ],
    ids=["number", "object"],
)
def test_a_question_of_other_things_is_one_line(door, asked, message):
    assert door.post("advice", asked, **JSON) == (400, {"error": message})


@pytest.mark.parametrize("body", [b"", b"embeddings", b"\xff{}", b"[" * 9000], ids=["nothing", "text", "bytes", "deep"])
def test_a_question_that_is_no_json_is_one_line(body):
    with pytest.raises(ValueError, match="the question must be JSON with embeddings and labels"):
        _asked(body)


def test_json_may_name_its_encoding(door):
    named = {"Content-Type": "application/json; charset=utf-8"}
    assert door.post("advice", {}, **named) == (400, {"error": "'embeddings' is missing"})


def test_a_form_of_another_page_gets_no_advice(door, files):
    """A browser lets a page of another's post text without asking, but no JSON."""
    assert door.post("advice", files, **{"Content-Type": "text/plain"})[0] == 404
    assert door.post("advice", {}, **JSON) == (400, {"error": "'embeddings' is missing"})
    assert door.post("advice", ["embeddings", "labels"], **JSON) == (400, {"error": "'embeddings' is missing"})
    assert door.post("advice", files, **JSON, **{"Content-Length": "-1"})[0] == 400
