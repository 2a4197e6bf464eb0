"""The main job: every figure, its table, and a verdict on every claim."""

import json
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from perceptron_pruning.reproduction import figure_1a, figure_1b, figure_2, figure_embeddings
from perceptron_pruning.reproduction.cells import finished, run_cell, seeded
from perceptron_pruning.reproduction.claims import Claim, judge
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import save_figure
from perceptron_pruning.reproduction.tables import Row, read_table, write_table
from perceptron_pruning.sweeps.workers import Workers

THEORY_FIGURES = (figure_1a, figure_1b, figure_2)
SIMULATION, EMBEDDINGS, CLAIMS = "simulation.csv", f"{figure_embeddings.NAME}.csv", "claims.csv"
SUMMARY, MANIFEST = "summary.md", "manifest.json"

Progress = Callable[[Iterable[list[Row]], int], Iterable[list[Row]]]


class Interrupted(Exception):
    """The job was interrupted; what was finished has been written."""


def reproduce(output: Path, settings: Settings, *, progress: Progress = lambda rows, total: rows) -> list[Claim]:
    """Runs everything and writes it into a folder.

    Writes a PNG, an SVG and CSV tables for each figure, ``claims.csv`` and ``summary.md``, and
    ``manifest.json`` with what made them.

    Args:
        output: Folder, made if need be.
        settings: `QUICK` or `FULL`.
        progress: Wraps the iterable of finished tasks, given their number.

    Returns:
        The claims with their verdicts.

    Raises:
        Interrupted: Ctrl-C. As with any other error of a task, which is raised as it is, tables,
            figures and claims of what was finished are there.
    """
    output.mkdir(parents=True, exist_ok=True)
    _clear(output)
    started = time.time()
    for figure in THEORY_FIGURES:
        write_table(output / f"{figure.NAME}_theory.csv", figure.theory())
    simulated: list[Row] = []
    embedded: list[Row] = []
    failure: BaseException | None = None
    try:
        _compute(settings, progress, simulated, embedded)
    except BaseException as error:  # whatever it is, it is raised again below, after nothing was lost
        failure = error
    claims = _write(output, settings, simulated, embedded)
    _write_manifest(output, settings, seconds=time.time() - started, complete=failure is None)
    if isinstance(failure, KeyboardInterrupt):
        raise Interrupted(f"{len(simulated)} simulated cells and {len(embedded)} embedding points are in {output}")
    if failure is not None:
        raise failure
    return claims


def _clear(output: Path) -> None:
    """Removes an earlier run's results, so that none of them can pass for this one's."""
    names = [SIMULATION, EMBEDDINGS, CLAIMS, SUMMARY, MANIFEST]
    names += [f"{figure.NAME}.{kind}" for figure in (*THEORY_FIGURES, figure_embeddings) for kind in ("png", "svg")]
    for name in names:
        (output / name).unlink(missing_ok=True)


def _compute(settings: Settings, progress: Progress, simulated: list[Row], embedded: list[Row]) -> None:
    """Fills the tables, task by task, in whatever order they are finished."""
    cells = seeded((cell for figure in THEORY_FIGURES for cell in figure.cells(settings)), settings.seed)
    cells.sort(key=lambda cell: -cell.alpha_prune)  # the longest first, so that no core waits for them
    tasks = figure_embeddings.tasks(settings)
    with Workers() as pool:
        futures = [pool.submit(figure_embeddings.run_task, task) for task in tasks]
        futures += [pool.submit(run_cell, cell) for cell in cells]
        for rows in progress(finished(futures), len(futures)):
            (embedded if "test_error" in rows[0] else simulated).extend(rows)


def _write(output: Path, settings: Settings, simulated: list[Row], embedded: list[Row]) -> list[Claim]:
    """Writes tables, draws figures from them, and judges the claims by them."""
    simulated.sort(key=lambda row: row["seed"])
    embedded.sort(key=lambda row: (row["pool_size"], row["seed"], row["keep_fraction"], row["selection"]))
    for name, rows in ((SIMULATION, simulated), (EMBEDDINGS, embedded)):
        if rows:
            write_table(output / name, rows)
    draw_all(output)
    claims = judge(simulated, embedded)
    write_table(output / CLAIMS, [asdict(claim) for claim in claims])
    (output / SUMMARY).write_text(_markdown(claims, settings), encoding="utf-8")
    return claims


def draw_all(folder: Path) -> None:
    """Draws every figure from the tables in a folder."""
    simulated = read_table(folder / SIMULATION) if (folder / SIMULATION).exists() else []
    for figure in THEORY_FIGURES:
        save_figure(figure.draw(read_table(folder / f"{figure.NAME}_theory.csv"), simulated), folder, figure.NAME)
    embedded = read_table(folder / EMBEDDINGS) if (folder / EMBEDDINGS).exists() else []
    if figure_embeddings.means(embedded):
        save_figure(figure_embeddings.draw(embedded), folder, figure_embeddings.NAME)


def _markdown(claims: Sequence[Claim], settings: Settings) -> str:
    head = [f"# Reproduction ({settings.name})", "", "| claim | theory | measured (95 %) | verdict | figure |"]
    lines = [f"| {c.claim} | {c.theory} | {c.measured} | **{c.verdict}** | {c.figure} |" for c in claims]
    return "\n".join([*head, "|---|---|---|---|---|", *lines, ""])


def _write_manifest(output: Path, settings: Settings, *, seconds: float, complete: bool) -> None:
    manifest = {
        "settings": vars(settings),
        "complete": complete,
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {name: version(name) for name in ("perceptron-pruning", "numpy", "scipy", "jax", "matplotlib")},
    }
    (output / MANIFEST).write_text(json.dumps(manifest, indent=1, default=str) + "\n", encoding="utf-8")
