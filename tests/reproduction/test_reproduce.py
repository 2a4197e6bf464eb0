"""The main job, end to end on small settings, interrupted and resumed, and from its command line."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from perceptron_pruning.cli import app, main
from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.figures.theory.collection import FIGURES
from perceptron_pruning.figures.theory.settings import QUICK
from perceptron_pruning.output.tables import read_table, write_table
from perceptron_pruning.reproduction import cache, run
from perceptron_pruning.reproduction.run import redraw, reproduce, reproduce_figures
from perceptron_pruning.reproduction.suites import PAPER, SUITES, no_claims
from perceptron_pruning.reproduction.timings import Timings
from perceptron_pruning.studies import StoreError
from perceptron_pruning.studies.status import status

SMALL = replace(
    QUICK,
    name="small",
    n_features=20,
    n_trials=6,
    sizes=(10, 20, 30),
    embeddings=Plan(pool_sizes=(100, 200), keep_fractions=(0.5,), n_seeds=2),
)


def one_figure(folder, name="1B", settings=SMALL, **options):
    reproduce_figures(folder, settings, [name], PAPER, **options)
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "timings.csv"}


@pytest.fixture(scope="module")
def figure_1b(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    return folder, one_figure(folder)


def test_one_figure_is_written_from_its_own_points(figure_1b):
    folder, files = figure_1b
    assert set(files) == {"figure_1b.csv", "figure_1b.png", "renderer.json"}
    assert files["figure_1b.png"][:4] == b"\x89PNG"
    n_cells = len(FIGURES["1B"].cells(SMALL))
    dots = [row for row in read_table(folder / "figure_1b.csv") if row["kind"] == "simulation"]
    assert len(dots) == len({row["cell_seed"] for row in dots}) == n_cells
    done = status(folder / "simulation.zarr")
    assert n_cells <= done.cells_done < done.n_cells
    assert not (folder / "experiments" / "embeddings.zarr").exists()


def test_the_same_figure_again_simulates_nothing_and_gives_the_same(figure_1b, monkeypatch):
    folder, files = figure_1b
    monkeypatch.setattr("perceptron_pruning.studies.run._run", lambda *_: pytest.fail("something is simulated again"))
    timed = (folder / "timings.csv").read_text()
    assert one_figure(folder) == files
    assert simulation_seconds(timed) == simulation_seconds((folder / "timings.csv").read_text())


def simulation_seconds(text):
    return text.splitlines()[1].split(",")[1]


def test_another_folder_gets_the_same_numbers(figure_1b, tmp_path):
    assert one_figure(tmp_path) == figure_1b[1]


def test_pictures_are_written_as_svg_too_where_that_is_asked_for(figure_1b):
    folder, files = figure_1b
    again = one_figure(folder, svg=True)
    assert b"</svg>" in again.pop("figure_1b.svg")
    assert again == files
    (folder / "figure_1b.png").unlink()
    assert one_figure(folder) == files  # drawn without, and no stale one stays


def test_other_settings_are_refused_and_nothing_is_lost(figure_1b):
    folder, files = figure_1b
    with pytest.raises(StoreError, match=r"has another study: .*give another path"):
        one_figure(folder, settings=replace(SMALL, n_trials=7))
    assert {name: (folder / name).read_bytes() for name in files} == files


def refuse(*_):
    pytest.fail("a finished figure is made again")


def test_a_finished_figure_is_neither_computed_nor_drawn_again(figure_1b, monkeypatch):
    folder, files = figure_1b
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("figure_1b.*")}
    monkeypatch.setattr(FIGURES["1B"], "compute", refuse)
    monkeypatch.setattr(FIGURES["1B"], "draw", refuse)
    assert one_figure(folder) == files
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("figure_1b.*")} == made


@pytest.mark.parametrize(
    "name", ["figure_1b.csv", "figure_1b.png", "narrow/figure_1b.png", "cache/figure_1b.csv"], ids=str
)
def test_a_file_that_was_changed_is_made_anew(name, figure_1b):
    folder, files = figure_1b
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before + b"1")
    assert one_figure(folder) == files
    assert (folder / name).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"\xff", b'{"drawn": 1}'], ids=repr)
def test_what_a_damaged_stamp_was_of_is_made_anew(content, figure_1b):
    folder, files = figure_1b
    stamp = folder / "cache" / "figure_1b.json"
    before = stamp.read_bytes()
    stamp.write_bytes(content)
    assert one_figure(folder) == files
    assert stamp.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"\xff\n", b"figure\n1B\n", b"figure,simulation,theory,drawing\n1B,1,x,2\n"], ids=repr
)
def test_damaged_timings_are_named(content, figure_1b):
    folder, files = figure_1b
    before = (folder / "timings.csv").read_bytes()
    (folder / "timings.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"timings.csv` is damaged: .*; put a whole copy in its place, or remove it"):
        one_figure(folder)
    (folder / "timings.csv").write_bytes(before)
    assert one_figure(folder) == files


@pytest.mark.parametrize("name", ["cache", "narrow"], ids=str)
def test_a_file_in_place_of_a_folder_is_refused_before_the_work(name, monkeypatch, tmp_path):
    (tmp_path / name).write_text("mine")
    monkeypatch.setattr(FIGURES["1B"], "compute", refuse)
    with pytest.raises(ValueError, match=rf"{name}` must be a folder of the reproduction; got a file"):
        one_figure(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("stage", ["compute", "draw"], ids=str)
def test_an_interrupt_keeps_the_finished_figure_that_other_code_would_replace(stage, figure_1b, monkeypatch):
    folder, files = figure_1b
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_packages", lambda: "other code")
        patch.setattr(FIGURES["1B"], stage, interrupt)
        with pytest.raises(KeyboardInterrupt):
            one_figure(folder)
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert one_figure(folder) == files


def test_a_figure_of_ones_own_is_made_anew_when_its_file_changes(tmp_path):
    (tmp_path / "own_figure.py").write_text("NAME = 'own'")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        figure = importlib.import_module("own_figure")
    write_table(tmp_path / "figure_own.csv", [{"a": 1}])
    stamps = cache.Cache(tmp_path, {"size": "1"}, {"own": figure})
    stamps.note_table("own", [])
    assert stamps.has_table("own")
    assert not cache.Cache(tmp_path, {"size": "2"}, {"own": figure}).has_table("own")
    (tmp_path / "own_figure.py").write_text("NAME = 'own'  # otherwise")
    cache._own.cache_clear()
    assert not stamps.has_table("own")


def test_lines_tell_how_far_it_is_where_there_is_no_terminal(tmp_path, capsys):
    one_figure(tmp_path, workers=1)
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("figure 1B: 0 % simulated") for line in lines)
    assert any(line.startswith("figure 1B: 100 % simulated") for line in lines)


def test_pictures_are_drawn_again_of_their_tables_alone(figure_1b, tmp_path):
    suite = replace(PAPER, figures={"1B": FIGURES["1B"]}, common_claims=no_claims)
    with pytest.raises(ValueError, match=r"`output` must have tables of figures; got .*, which has none"):
        redraw(tmp_path, SMALL, suite)
    (tmp_path / "figure_1b.csv").write_bytes(figure_1b[1]["figure_1b.csv"])
    assert redraw(tmp_path, SMALL, suite) == []
    assert (tmp_path / "figure_1b.png").read_bytes() == figure_1b[1]["figure_1b.png"]
    assert "Figure 1B" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert not (tmp_path / "simulation.zarr").exists()


@pytest.mark.parametrize(
    "damage",
    [lambda table: b"", lambda table: table[: len(table) // 2], lambda table: table.replace(b"1", b"x"),
     lambda table: table.split(b"\n")[0] + b"\n", lambda table: b"a,b\n1,2\n"],
    ids=["empty", "cut", "texts", "no rows", "another table"],
)  # fmt: skip
def test_a_damaged_table_is_named_and_not_drawn(damage, figure_1b, tmp_path):
    suite = replace(PAPER, figures={"1B": FIGURES["1B"]}, common_claims=no_claims)
    (tmp_path / "figure_1b.csv").write_bytes(damage(figure_1b[1]["figure_1b.csv"]))
    with pytest.raises(ValueError, match=r"figure_1b.csv` is damaged: .*; put a whole copy in its place, or remove it"):
        redraw(tmp_path, SMALL, suite)
    assert not (tmp_path / "figure_1b.png").exists()


@pytest.mark.parametrize(
    "content", [b"", b"cell_seed,probe,z_score\n", b"cell_seed,probe,z_score\n1,exact,x\n"], ids=repr
)
def test_damaged_points_are_named_and_not_left_out(content, figure_1b, tmp_path):
    suite = replace(PAPER, figures={"1B": FIGURES["1B"]}, common_claims=no_claims)
    (tmp_path / "figure_1b.csv").write_bytes(figure_1b[1]["figure_1b.csv"])
    (tmp_path / "simulation.csv").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"simulation.csv` is damaged: .*; put a whole copy in its place, or remove it"
    ):
        redraw(tmp_path, SMALL, suite)
    assert not (tmp_path / "report.html").exists()


def test_a_drawing_that_fails_of_a_table_as_it_was_written_is_no_damage(figure_1b, monkeypatch):
    folder, _ = figure_1b
    suite = replace(PAPER, figures={"1B": FIGURES["1B"]}, common_claims=no_claims)
    monkeypatch.setattr(FIGURES["1B"], "draw", lambda table: [][0])
    monkeypatch.setattr(cache, "_packages", lambda: "other code")
    with pytest.raises(IndexError, match="list index out of range"):
        redraw(folder, SMALL, suite)


@pytest.mark.parametrize("content", [b"mine", b"\xff"], ids=repr)
@pytest.mark.parametrize("made_by", [reproduce, redraw], ids=["reproduce", "redraw"])
def test_a_readme_of_another_hand_is_not_replaced(made_by, content, figure_1b, tmp_path):
    (tmp_path / "README.md").write_bytes(content)
    (tmp_path / "figure_1b.csv").write_bytes(figure_1b[1]["figure_1b.csv"])
    with pytest.raises(
        ValueError, match=r"`output` must be a folder of its own; got .*, which has a README.md already"
    ):
        made_by(tmp_path, SMALL, PAPER)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "figure_1b.csv"]


def test_an_unknown_figure_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`names` must be among 1A, .*; got '9Z'"):
        reproduce_figures(tmp_path, SMALL, ["1A", "9Z"], PAPER)


def test_timings_go_on_where_they_stopped(tmp_path):
    for seconds in (0.02, 0.03):
        with Timings(tmp_path / "t.csv").measured("1A", "simulation", more=True):
            time.sleep(seconds)
    with pytest.raises(ArithmeticError, match="stopped"), Timings(tmp_path / "t.csv").measured("1A", "theory"):
        raise ArithmeticError("stopped")
    (row,) = Timings(tmp_path / "t.csv").rows
    assert row["figure"] == "1A"
    assert row["simulation"] >= 0.04


# the whole


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Interrupted once, in the middle of a figure, and then finished."""
    folder = tmp_path_factory.mktemp("reproduction")
    for name in ("report.html", "claims.csv", "figure_1b.png"):
        (folder / name).write_text("from another time")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FIGURES["1C"], "draw", interrupt)
        with pytest.raises(KeyboardInterrupt):
            reproduce(folder, SMALL, PAPER)
    left = {path.name for path in folder.iterdir()}
    return folder, left, reproduce(folder, SMALL, PAPER)


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupt_leaves_whole_figures_and_nothing_of_another_time(finished):
    assert {"figure_1a.png", "figure_1b.png", "simulation.zarr", "timings.csv"} <= finished[1]
    assert not {"figure_1c.png", "report.html", "README.md", "claims.csv", "manifest.json"} & finished[1]


@pytest.mark.slow
def test_everything_is_written(finished):
    folder, _, claims = finished
    for name in FIGURES:
        assert (folder / f"{file_stem(name)}.png").read_bytes()[:4] == b"\x89PNG"
        assert read_table(folder / f"{file_stem(name)}.csv")
    assert len(read_table(folder / "simulation.csv")) == status(folder / "simulation.zarr").n_cells
    verdicts = [(row["claim"], row["verdict"]) for row in read_table(folder / "claims.csv")]
    assert list(dict.fromkeys(verdicts)) == list(dict.fromkeys((claim.statement, claim.verdict) for claim in claims))
    assert {row["figure"] for row in read_table(folder / "timings.csv")} == set(FIGURES)
    assert not list(folder.glob("*.partial"))
    assert status(folder / "simulation.zarr").complete
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["settings"]["n_trials"] == "6"
    assert manifest["engine"] == "numpy"
    assert "engine" not in status(folder / "simulation.zarr").study  # of the same draws: only others are named
    assert {"python", "numpy", "scipy", "jax", "perceptron-pruning"} <= set(manifest["versions"])


@pytest.mark.slow
def test_the_report_shows_everything(finished):
    folder, _, claims = finished
    page, text = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "README.md"))
    assert page.count("<img ") == page.count("<source ") == len(FIGURES) + 1
    for figure in FIGURES.values():
        assert escape(figure.TITLE) in page
        assert figure.TITLE in text
    for claim in claims:
        assert claim.statement in text


# the command


def claim_of(measured, theory):
    """The claim that an effect is positive."""
    number = Measurement(
        quantity="gain", effect=Effect(value=measured, standard_error=1.0), criterion="above", theory=theory
    )
    return Claim(statement="the claim", measurements=(number,), figure="1A")


@pytest.mark.parametrize(
    ("measured", "theory", "code"),
    [(-9.0, 1.0, 1), (9.0, -1.0, 1), (0.5, 1.0, 0), (9.0, 1.0, 0), (-9.0, None, 0)],
    ids=["refuted against theory", "confirmed against theory", "undecided", "as predicted", "theory is silent"],
)
def test_the_exit_status_follows_from_the_verdicts(measured, theory, code, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "reproduce", lambda folder, settings, suite, **_: [claim_of(measured, theory)])
    assert app(["reproduce", "--output", str(tmp_path)], result_action="return_value") == code
    assert ("Error: the claim" in capsys.readouterr().err) == bool(code)


def test_an_interrupted_command_says_how_to_go_on(monkeypatch, tmp_path, capsys):
    def interrupted(folder, settings, suite, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "reproduce", interrupted)
    assert app(["reproduce", "--output", str(tmp_path)], result_action="return_value") == 130
    assert f"Interrupted: 0% of the work and 0 figures are in {tmp_path}" in capsys.readouterr().err


def test_only_takes_names_in_any_case(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "reproduce_figures", lambda folder, settings, names, suite, **_: asked.extend(names))
    for names in (["1a", "2CDE"], ["1d", "5BC"]):
        words = ["reproduce", "--only", *names, "--output", str(tmp_path)]
        assert app(words, result_action="return_value") == 0
    assert asked == ["1A", "2CDE", "1D", "5BC"]


def test_workers_are_handed_on(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "reproduce", lambda folder, settings, suite, **how: asked.append(how) or [])
    app(["reproduce", "--workers", "3", "--output", str(tmp_path)], result_action="return_value")
    assert asked == [{"svg": False, "workers": 3}]


def test_redraw_computes_nothing(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "redraw", lambda folder, settings, suite, **how: asked.append(how) or [])
    app(["reproduce", "--redraw", "--output", str(tmp_path)], result_action="return_value")
    assert asked == [{"svg": False}]


def test_the_default_folder_is_that_of_the_settings(monkeypatch):
    folders = []
    monkeypatch.setattr(run, "reproduce", lambda folder, settings, suite, **_: folders.append(folder) or [])
    for words in ([], ["--full"], ["--real-data"], ["--real-data", "--full"]):
        app(["reproduce", *words], result_action="return_value")
    assert folders == [Path("reproduction") / name for name in ("quick", "full", "real-data-quick", "real-data-full")]


def test_tables_come_back_as_they_were(tmp_path):
    rows = [{"name": "a", "count": 3, "value": 1 / 3, "missing": None}]
    write_table(tmp_path / "t.csv", rows)
    (back,) = read_table(tmp_path / "t.csv")
    assert back == {"name": "a", "count": 3, "value": pytest.approx(1 / 3, rel=1e-11), "missing": None}


@pytest.fixture
def shell(monkeypatch, capsys):
    """Runs the command and gives its exit status and all that it printed."""

    def ran(*arguments):
        monkeypatch.setattr(sys, "argv", ["perceptron-pruning", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out + printed.err

    return ran


def test_help_shows_examples(shell):
    code, printed = shell("reproduce", "--help")
    assert code == 0
    text = " ".join(printed.split())
    assert "Example: perceptron-pruning reproduce --quick" in text
    assert "Example: perceptron-pruning reproduce --full --only 1A" in text
    for suite in SUITES:
        assert ", ".join(suite.figures) in text.replace("│ │ ", "").replace("-- ", "--")


@pytest.mark.parametrize("command", ["reproduce", "theory", "sweep", "status", "score", "prune", "experiment"], ids=str)
def test_every_command_shows_an_example(command, shell):
    code, printed = shell(command, "--help")
    assert code == 0
    assert f"Example: perceptron-pruning {command} " in " ".join(printed.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reproduce", "--quick", "--full"), "exclude each other"),
        (("reproduce", "--only", "9Z"), "`--only` must be among 1A, "),
        (("reproduce", "--only"), "`--only` must name a figure at least; got none"),
        (("reproduce", "--only", "1A", "--output", __file__), "`--output` must be a folder; "),
        (("reproduce", "--only", "1A", "1D"), "`--only` must name figures of theory, real data or the field alone"),
        (("reproduce", "--fast"), "--fast"),
        (("reproduce", "--workers", "0"), "`--workers` must be >= 1; got 0"),
        (("reproduce", "--redraw", "--only", "1A"), "`--redraw` and `--only` exclude each other"),
        (("reproduce", "--output", "/dev/null/folder"), "/dev/null"),
        (("conjure",), "conjure"),
    ],
    ids=[
        "both sizes",
        "unknown figure",
        "no figure",
        "file",
        "both kinds",
        "unknown option",
        "no worker",
        "redraw some",
        "bad folder",
        "unknown command",
    ],
)
def test_bad_input_gives_one_error(arguments, message, shell):
    code, printed = shell(*arguments)
    assert code > 0
    assert message in printed


@pytest.mark.slow
def test_ctrl_c_on_the_command_and_the_same_again(tmp_path):
    words = ["reproduce", "--quick", "--only", "1A", "--output", str(tmp_path)]
    script = [sys.executable, "-m", "perceptron_pruning.cli", *words]
    running = subprocess.Popen(script, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (tmp_path / "simulation.zarr").exists() or not status(tmp_path / "simulation.zarr").cells_done:
        assert running.poll() is None
        time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "the same command goes on there" in errors
    assert "Traceback" not in errors
    done = status(tmp_path / "simulation.zarr").cells_done
    assert subprocess.run(script, check=False).returncode == 0
    assert status(tmp_path / "simulation.zarr").cells_done >= done
    assert (tmp_path / "figure_1a.png").exists()


@pytest.mark.slow
def test_sigterm_ends_it_cleanly_though_ctrl_c_is_ignored(tmp_path):
    words = ["reproduce", "--quick", "--only", "1A", "--output", str(tmp_path)]
    script = [sys.executable, "-m", "perceptron_pruning.cli", *words]
    ignoring = "trap '' INT; exec \"$@\""  # as a shell does in the background
    running = subprocess.Popen(
        ["sh", "-c", ignoring, "sh", *script], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (tmp_path / "simulation.zarr").exists() or not status(tmp_path / "simulation.zarr").cells_done:
        assert running.poll() is None
        time.sleep(0.2)
    running.terminate()
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "the same command goes on there" in errors
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError, match="No such process"):
        os.killpg(running.pid, 0)  # nobody of its group is left
