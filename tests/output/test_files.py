"""Files are whole or not there, errors name them, and what made them is told the same way everywhere."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from perceptron_pruning.output import provenance
from perceptron_pruning.output.atomic import temporary_beside, write_atomically, write_json_atomically
from perceptron_pruning.output.style import save_picture, write_renderer
from perceptron_pruning.output.tables import TableError, read_table, write_table

WRITERS = {
    "bytes": lambda path: write_atomically(path, lambda file: file.write(b"new")),
    "JSON": lambda path: write_json_atomically(path, {"new": 1}),
    "table": lambda path: write_table(path, [{"new": 1}]),
    "picture": lambda path: save_picture(Figure(), path.with_suffix(".png")),
    "renderer": lambda path: write_renderer(path.parent),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_folder_that_is_not_there_is_an_error_with_the_path(tmp_path, write):
    path = tmp_path / "missing" / "file.csv"
    with pytest.raises(OSError, match=rf"`{path.parent}/\S+` could not be written: No such file"):
        write(path)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_else_is_left_beside_the_file(tmp_path, write):
    write(tmp_path / "file.csv")
    write(tmp_path / "file.csv")
    assert len(list(tmp_path.iterdir())) == 1


def half_write(path: Path, error: BaseException) -> None:
    with temporary_beside(path) as temporary:
        temporary.write_text("half")
        raise error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), "^$"),
        (OSError(28, "No space left on device"), "file` could not be written: No space left"),
    ],
    ids=["Ctrl-C", "full disk"],
)
def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, error, message):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(type(error), match=message):
        half_write(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"a,b\n1,2\n3,", "it ends within a line"),
        (b"a,b\n1,2\n3\n", "row 2 has 1 cells for 2 columns"),
        (b"a\n1,2\n", "row 1 has 2 cells for 1 columns"),
        (b"a\n\xe9\n", "'utf-8' codec can't decode"),
    ],
    ids=["empty", "cut", "a cell lacks", "a cell too many", "bytes"],
)
def test_a_damaged_table_is_named(content, why, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(TableError, match=rf"t.csv` is damaged: {why}.*; put a whole copy in its place, or remove it"):
        read_table(tmp_path / "t.csv")


def test_a_table_without_rows_comes_back(tmp_path):
    write_table(tmp_path / "t.csv", [])
    assert read_table(tmp_path / "t.csv") == []


def test_a_row_leaves_empty_what_it_lacks(tmp_path):
    write_table(tmp_path / "t.csv", [{"a": 1}, {"b": 0.1}], comments=["made here"], digits=17)
    assert (tmp_path / "t.csv").read_bytes() == b"# made here\na,b\r\n1,\r\n,0.10000000000000001\r\n"


def test_provenance_is_json_with_versions_commit_and_machine():
    made = json.loads(json.dumps(provenance.provenance("python", provenance.PACKAGE, "numpy", "no-such-package")))
    assert set(made["versions"]) == {"python", "perceptron-pruning", "numpy"}
    assert re.search(r"\d+ cores, \w+ \S+, Python 3\.\d+", made["machine"])


def test_the_commit_is_that_of_the_checkout():
    root = Path(provenance.__file__).parents[2]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    if head.returncode:
        assert provenance.commit() is None
    else:
        assert re.sub("-dirty$", "", str(provenance.commit())) == head.stdout.strip()


def test_an_installed_package_has_no_commit_even_within_a_repository(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    installed = tmp_path / "lib" / "perceptron_pruning" / "output" / "provenance.py"
    monkeypatch.setattr(provenance, "__file__", str(installed))
    assert provenance.commit.__wrapped__() is None
