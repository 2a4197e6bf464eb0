"""The main job: every figure, its table, and a verdict on every claim."""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from perceptron_pruning.figures import FIGURES, figure_embeddings, file_stem
from perceptron_pruning.figures.settings import Settings
from perceptron_pruning.figures.simulated import Simulated, simulate_cells
from perceptron_pruning.reproduction.claims import Claim, judge
from perceptron_pruning.reproduction.style import save_figure
from perceptron_pruning.reproduction.tables import Row, read_table, write_table
from perceptron_pruning.sweeps import Cell

SIMULATION, EMBEDDINGS = "simulation.zarr", "embeddings.zarr"
POINTS, CLAIMS, SUMMARY, MANIFEST = "simulation.csv", "claims.csv", "summary.md", "manifest.json"


def reproduce(output: Path, settings: Settings) -> list[Claim]:
    """Runs everything and writes it into a folder; called again, it goes on where it stopped.

    Writes a table (CSV) and pictures (PNG, SVG) for each figure, ``simulation.csv`` with every simulated point,
    ``claims.csv`` and ``summary.md``, and ``manifest.json`` with what made them.

    Args:
        output: Folder, made if need be. It keeps what was simulated, in ``simulation.zarr`` and ``embeddings.zarr``.
        settings: `QUICK` or `FULL`.

    Returns:
        The claims with their verdicts.
    """
    output.mkdir(parents=True, exist_ok=True)
    started = time.time()
    simulated = simulate_all(output, settings)
    write_table(output / POINTS, simulated.all_rows)
    tables = {name: _write_figure(output, name, settings, simulated) for name in FIGURES}
    claims = judge(tables, simulated.all_rows)
    write_table(output / CLAIMS, [asdict(claim) for claim in claims])
    (output / SUMMARY).write_text(_markdown(claims, settings), encoding="utf-8")
    _write_manifest(output, settings, seconds=time.time() - started)
    return claims


def all_cells(settings: Settings) -> list[Cell]:
    """The points of every figure, each once."""
    return list(dict.fromkeys(cell for figure in FIGURES.values() for cell in figure.cells(settings)))


def simulate_all(output: Path, settings: Settings) -> Simulated:
    """Simulated points and the experiment on real embeddings, each in its store."""
    from perceptron_pruning.sweeps.run import run_study  # loads what only a run needs

    simulated = simulate_cells(all_cells(settings), settings, output / SIMULATION)
    experiment = run_study(figure_embeddings.study(settings), output / EMBEDDINGS)
    return replace(simulated, embedded=figure_embeddings.rows_of_study(experiment, settings))


def _write_figure(output: Path, name: str, settings: Settings, simulated: Simulated) -> list[Row]:
    """Computes and writes a figure's table, draws the figure from it, and gives the table."""
    figure, path = FIGURES[name], output / f"{file_stem(name)}.csv"
    write_table(path, figure.compute(settings, simulated))
    table = read_table(path)
    save_figure(figure.draw(table), output, file_stem(name))
    return table


def read_tables(folder: Path) -> Mapping[str, list[Row]]:
    """The tables of all figures that a folder has."""
    paths = {name: folder / f"{file_stem(name)}.csv" for name in FIGURES}
    return {name: read_table(path) for name, path in paths.items() if path.exists()}


def _markdown(claims: Sequence[Claim], settings: Settings) -> str:
    head = [f"# Reproduction ({settings.name})", "", "| claim | theory | measured (95 %) | verdict | figure |"]
    lines = [f"| {c.claim} | {c.theory} | {c.measured} | **{c.verdict}** | {c.figure} |" for c in claims]
    return "\n".join([*head, "|---|---|---|---|---|", *lines, ""])


def _write_manifest(output: Path, settings: Settings, *, seconds: float) -> None:
    manifest = {
        "settings": vars(settings),
        "seconds": round(seconds, 1),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {name: version(name) for name in ("perceptron-pruning", "numpy", "scipy", "jax", "matplotlib")},
    }
    (output / MANIFEST).write_text(json.dumps(manifest, indent=1, default=str) + "\n", encoding="utf-8")
