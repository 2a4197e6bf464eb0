"""The command `theory`: its files hold what the theory says, and bad input is one line."""

import json
import math
import re
import shlex
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from perceptron_pruning import cli
from perceptron_pruning.output.tables import read_table
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    max_margin,
    pareto_frontier,
    version_space,
)

ROOT = Path(__file__).parents[2]
HARDEST = ("--keep-fraction", "0.2", "--alpha-prune", "0.5:20:6")
ALPHAS = np.geomspace(0.5, 20, 6)


@pytest.fixture
def theory(monkeypatch, capsys):
    """Runs the command; gives its exit status and what it printed, errors last."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["perceptron-pruning", "theory", *map(str, arguments)])
        with pytest.raises(SystemExit, match=r"^(None|\d+)?$") as left:
            cli.main()
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out + printed.err

    return run


def column(rows, name):
    return np.array([row[name] for row in rows])


def test_csv_holds_every_digit_of_max_margin(theory, tmp_path):
    output = tmp_path / "curve.csv"
    assert theory(*HARDEST, "--probe-angle-degrees", 10, "--output", output)[0] == 0
    solution = max_margin(ALPHAS, selection=KeepHardest(0.2), probe_angle=math.radians(10))
    rows = read_table(output)
    for name in ("alpha_prune", "generalization_error", "overlap", "probe_overlap", "margin", "scaling_exponent"):
        assert column(rows, name).tolist() == getattr(solution, name).tolist()
    assert column(rows, "alpha_total") == pytest.approx(ALPHAS / 0.2)
    assert not list(tmp_path.glob("*.partial"))


def about(output: Path) -> dict:
    """What made a file, read from it."""
    data = output.read_bytes()
    if output.suffix == ".parquet":
        metadata = pytest.importorskip("pyarrow.parquet").read_schema(output).metadata
        return json.loads(metadata[b"perceptron-pruning theory"])
    if output.suffix == ".json":
        return json.loads(data)["perceptron-pruning theory"]
    text = data.decode("latin-1").replace("&quot;", '"').replace("\\(", "(").replace("\\)", ")")
    return json.JSONDecoder().raw_decode(text[re.search("perceptron-pruning theory\n?(# | )", text).end() :])[0]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet", ".png", ".svg", ".pdf"], ids=str)
def test_every_format_is_written_over_the_old_and_says_what_made_it(theory, tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    output = tmp_path / f"curve{suffix}"
    output.write_text("from another time")
    status, printed = theory(*HARDEST, "--output", output)
    assert status == 0, printed
    assert b"another time" not in output.read_bytes()
    made_by = about(output)
    assert made_by["keep_fraction"] == [0.2]
    assert made_by["alpha"] == ALPHAS.tolist()
    assert {"perceptron-pruning", "numpy", "scipy"} == set(made_by["versions"])
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_json_and_parquet_hold_the_same_rows(theory, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for suffix in ("json", "parquet"):
        theory(*HARDEST, "--output", tmp_path / f"curve.{suffix}")
    rows = json.loads((tmp_path / "curve.json").read_text())["rows"]
    assert parquet.read_table(tmp_path / "curve.parquet").to_pylist() == rows
    assert column(rows, "generalization_error").tolist() == (
        max_margin(ALPHAS, selection=KeepHardest(0.2)).generalization_error.tolist()
    )


@pytest.mark.parametrize(
    ("arguments", "selection", "angle"),
    [
        (("--rule", "easiest", "--keep-fraction", 0.3, "--label-aware"), KeepEasiest(0.3, True), 0.0),
        (("--rule", "random", "--keep-fraction", 0.3), KeepRandom(0.3), 0.0),
        (("--rule", "between", "--lower", 0.1, "--upper", 0.4), KeepBetween(0.1, 0.4), 0.0),
        (("--keep-fraction", 0.3, "--calibrated-share", 0.2), Calibrated(KeepHardest(0.3), 0.2), 0.0),
        (("--keep-fraction", 1, "--probe-angle-degrees", 90), KeepHardest(1.0), math.pi / 2),
    ],
    ids=["easiest, label-aware", "random", "between", "calibrated", "useless probe"],
)
def test_rules_are_those_of_the_theory(theory, tmp_path, arguments, selection, angle):
    assert theory(*arguments, "--alpha-prune", 2, "--output", tmp_path / "c.csv")[0] == 0
    (row,) = read_table(tmp_path / "c.csv")
    solution = max_margin(np.array([2.0]), selection=selection, probe_angle=angle)
    assert row["generalization_error"] == solution.generalization_error[0]


def test_several_rules_fractions_and_angles_are_a_curve_each(theory, tmp_path):
    several = ("--rule", "hardest", "easiest", "--keep-fraction", "0.2,0.5", "--probe-angle-degrees", 0, 10)
    assert theory(*several, "--alpha-total", 3, 30, "--output", tmp_path / "c.csv")[0] == 0
    rows = read_table(tmp_path / "c.csv")
    assert len(rows) == 2 * 2 * 2 * 2
    assert set(column(rows, "alpha_total")) == {3.0, 30.0}
    assert column(rows, "alpha_prune") == pytest.approx(column(rows, "alpha_total") * column(rows, "keep_fraction"))


def test_other_quantities(theory, tmp_path):
    output = tmp_path / "c.csv"
    assert (
        theory("--quantity", "version-space", "--keep-fraction", 0.3, "--alpha-prune", 1, 4, "--output", output)[0] == 0
    )
    space = version_space(np.array([1.0, 4.0]), selection=KeepHardest(0.3))
    assert column(read_table(output), "entropy").tolist() == space.entropy.tolist()
    frontier = ("--quantity", "frontier", "--min-keep-fraction", 0.1)
    assert theory(*frontier, "--alpha-prune", 1, 4, "--output", output)[0] == 0
    best = pareto_frontier(np.array([1.0, 4.0]), min_keep_fraction=0.1)
    assert column(read_table(output), "keep_fraction").tolist() == best.keep_fraction.tolist()


def test_a_range_of_fractions_is_a_map_of_many_colours(theory, tmp_path):
    surface = ("--keep-fraction", "0.05:1:6", "--alpha-total", "1:100:8")
    assert theory(*surface, "--output", tmp_path / "map.png")[0] == 0
    pixels = matplotlib.image.imread(tmp_path / "map.png")[::4, ::4, :3].reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 200
    assert theory(*HARDEST, "--draw", "margin", "--output", tmp_path / "margin.svg")[0] == 0
    assert theory(*HARDEST, "--output", tmp_path / "error.svg")[0] == 0
    assert (tmp_path / "margin.svg").stat().st_size > 5000
    assert (tmp_path / "margin.svg").read_text() != (tmp_path / "error.svg").read_text()


def test_without_an_output_the_table_is_printed(theory):
    status, printed = theory("--keep-fraction", 0.2, "--alpha-prune", 3)
    assert status == 0
    exact = max_margin(3.0, selection=KeepHardest(0.2)).generalization_error
    assert printed.split()[: printed.split().index("residual") + 1][-1] == "residual"
    assert f"{exact:.6g}" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "`--keep-fraction` must be given"),
        (("--keep-fraction", 1.5), "`keep_fraction` must be in (0, 1]; got 1.5"),
        (("--keep-fraction", "0.1:x:3"), "`--keep-fraction` must be numbers, or a range lo:hi:n"),
        (("--keep-fraction", 0.2, "--alpha-prune", "9:1:5"), "`--alpha-prune` must be numbers, or a range"),
        (("--keep-fraction", 0.2, "--alpha-prune", "nan"), "`alpha_prune` must be finite and > 0"),
        (("--keep-fraction", 0.2, "--alpha-prune", 1, "--alpha-total", 1), "exclude each other"),
        (("--keep-fraction", 0.2, "--probe-angle-degrees", 91), "`--probe-angle-degrees` must be in [0, 90]; got 91"),
        (("--rule", "between"), "`--lower` and `--upper` must be given"),
        (("--rule", "between", "--lower", 0.2), "`--lower` and `--upper` must be given"),
        (("--rule", "between", "--lower", 0.5, "--upper", 0.2), "0 <= lower < upper <= 1"),
        (("--keep-fraction", 0.2, "--calibrated-share", 2), "`--calibrated-share` must be in [0, 1]; got 2"),
        (("--quantity", "frontier"), "`--min-keep-fraction` must be given"),
        (("--quantity", "frontier", "--min-keep-fraction", 0.1, "--keep-fraction", 0.2), "finds the best fraction"),
        (("--quantity", "version-space", "--keep-fraction", 0.2, "--probe-angle-degrees", 5), "must be 0"),
        ((*HARDEST, "--output", "curve.txt"), "`--output` must end in .csv, .json, .parquet"),
        ((*HARDEST, "--output", "/nowhere/curve.csv"), "`--output` must lie in a folder that exists"),
        ((*HARDEST, "--draw", "beauty", "--output", "c.png"), "`--draw` must be one of generalization_error"),
        ((*HARDEST, "--draw", "margin"), "`--draw` takes an --output that is a picture"),
        (("--keep-fraction", 0.2, "--alpha-prune", 1, "--output", "c.png"), "a picture takes a range of α"),
        (("--keep-fraction", "0.1:1:3", "--rule", "hardest", "easiest", "--output", "c.png"), "takes one --rule"),
        (("--rule", "softest"), "softest"),
        (("--conjure",), "--conjure"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line(theory, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, printed = theory(*arguments)
    assert status > 0
    assert message in " ".join(printed.split())
    assert "Traceback" not in printed
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_output_before_anything_is_solved(theory, tmp_path, monkeypatch):
    monkeypatch.setattr("perceptron_pruning.commands.theory.command.solved", None)
    (tmp_path / "folder.csv").mkdir()
    status, printed = theory(*HARDEST, "--output", tmp_path / "folder.csv")
    assert status == 1
    assert "folder.csv is a folder" in " ".join(printed.split())


def test_parquet_without_its_package_is_one_line(theory, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, printed = theory(*HARDEST, "--output", tmp_path / "c.parquet")
    assert status == 1
    assert 'pip install "perceptron-pruning[parquet]"' in printed


def test_help_shows_an_example(theory):
    status, printed = theory("--help")
    assert status == 0
    assert "Example: perceptron-pruning theory --rule hardest easiest" in " ".join(printed.split())


def test_the_readmes_example_works(theory, tmp_path, monkeypatch):
    (line,) = re.findall("^perceptron-pruning theory (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    monkeypatch.chdir(tmp_path)
    assert theory(*shlex.split(line))[0] == 0
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
