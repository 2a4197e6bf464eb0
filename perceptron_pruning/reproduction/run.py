"""The main job: every figure, its table, a verdict on every claim, and a report of it all."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from perceptron_pruning.figures import FIGURES, file_stem
from perceptron_pruning.figures.settings import Settings
from perceptron_pruning.figures.simulated import Simulated
from perceptron_pruning.reproduction.calibration import calibration
from perceptron_pruning.reproduction.calibration import draw as draw_calibration
from perceptron_pruning.reproduction.claims import Claim, judge
from perceptron_pruning.reproduction.manifest import MANIFEST, write_manifest
from perceptron_pruning.reproduction.report import HTML, MARKDOWN, Z_SCORES, Reproduction, write_reports
from perceptron_pruning.reproduction.stores import SIMULATION, Stores
from perceptron_pruning.reproduction.style import save_figure, write_renderer
from perceptron_pruning.reproduction.tables import Row, read_table, write_table
from perceptron_pruning.reproduction.timings import Timings
from perceptron_pruning.sweeps import Workers
from perceptron_pruning.sweeps.run import work_bar

POINTS, CLAIMS, TIMINGS = "simulation.csv", "claims.csv", "timings.csv"
_OF_THE_WHOLE = (POINTS, CLAIMS, HTML, MARKDOWN, MANIFEST, f"{Z_SCORES}.png", f"{Z_SCORES}.svg")


def reproduce(output: Path, settings: Settings) -> list[Claim]:
    """Runs everything and writes it into a folder; called again, it goes on where it stopped.

    Writes what `reproduce_figures` does for every figure, ``simulation.csv`` with every point, ``claims.csv``,
    a histogram of all z-scores, ``report.html`` (one file that needs no other), ``report.md``, and ``manifest.json``
    with what made them.

    Args:
        output: Folder, made if need be.
        settings: `QUICK` or `FULL`.

    Returns:
        The claims with their verdicts.

    Raises:
        StoreError: The folder has a reproduction of other settings or of another version, or cannot be written.
        SweepError: Points could not be simulated.
    """
    stores = _opened(output, settings, list(FIGURES))
    for name in _OF_THE_WHOLE:  # nothing of an earlier run may pass for this one's
        (output / name).unlink(missing_ok=True)
    points = _write_figures(output, settings, list(FIGURES), stores)
    write_table(output / POINTS, points)
    return report_on(output, settings)


def report_on(output: Path, settings: Settings) -> list[Claim]:
    """Judges the claims by the tables of a folder, and writes what says it all; see `reproduce`."""
    points = read_table(output / POINTS)
    claims = judge(read_tables(output), points)
    write_table(output / CLAIMS, [asdict(claim) for claim in claims])
    found = calibration([row for row in points if row["probe"] == "exact"])
    save_figure(draw_calibration(found), output, Z_SCORES)
    timings = Timings(output / TIMINGS).rows
    write_reports(
        output,
        Reproduction(settings=settings, claims=claims, calibration=found, timings=timings),
    )
    write_manifest(output, settings)
    return claims


def reproduce_figures(output: Path, settings: Settings, names: Sequence[str]) -> None:
    """Writes some figures into a folder, simulating only what they show; called again, it goes on where it stopped.

    Writes a table (CSV) and pictures (PNG, SVG) for each figure, as soon as it is finished, and ``timings.csv``.

    Args:
        output: Folder, made if need be. It keeps what was simulated, in ``simulation.zarr`` and ``embeddings.zarr``.
        settings: `QUICK` or `FULL`.
        names: Of figures, as in `FIGURES`.

    Raises:
        ValueError: There is no such figure.
        StoreError, SweepError: As for `reproduce`.
    """
    _write_figures(output, settings, names, _opened(output, settings, names))


def read_tables(folder: Path) -> Mapping[str, list[Row]]:
    """The tables of all figures that a folder has."""
    return {name: read_table(folder / f"{file_stem(name)}.csv") for name in finished_figures(folder)}


def finished_figures(folder: Path) -> list[str]:
    """Names of the figures that a folder has: table and pictures, of which the SVG is written last."""
    return [name for name in FIGURES if (folder / f"{file_stem(name)}.svg").exists()]


def _opened(output: Path, settings: Settings, names: Sequence[str]) -> Stores:
    """The folder's stores, refused before anything is written if they are not of these settings."""
    for name in names:
        if name not in FIGURES:
            raise ValueError(f"`names` must be among {', '.join(FIGURES)}; got {name!r}")
    output.mkdir(parents=True, exist_ok=True)
    stores = Stores(output, settings)
    stores.work(names)
    if not (output / SIMULATION).exists():
        (output / TIMINGS).unlink(missing_ok=True)
    return stores


def _write_figures(output: Path, settings: Settings, names: Sequence[str], stores: Stores) -> list[Row]:
    """Figure by figure, so that an interrupt leaves whole ones; gives every simulated point once."""
    timings, points = Timings(output / TIMINGS), {}
    for name in names:
        _remove(output, name)
    with Workers() as workers, work_bar("reproduction", *stores.work(names)) as bar:
        for name in names:
            bar.set_description_str(f"figure {name}")
            whole, done = stores.work([name])
            with timings.measured(name, "simulation", more=True) if done < whole else nullcontext():
                simulated = stores.run(name, executor=workers, bar=bar)
            _write_figure(output, name, settings, simulated, timings)
            points |= {row["cell_seed"]: row for row in simulated.all_rows}
    write_renderer(output)
    return list(points.values())


def _write_figure(output: Path, name: str, settings: Settings, simulated: Simulated, timings: Timings) -> None:
    """Computes and writes a figure's table, and draws the figure from what was written."""
    figure, path = FIGURES[name], output / f"{file_stem(name)}.csv"
    with timings.measured(name, "theory"):
        write_table(path, figure.compute(settings, simulated))
    with timings.measured(name, "drawing"):
        save_figure(figure.draw(read_table(path)), output, file_stem(name))


def _remove(output: Path, name: str) -> None:
    for kind in ("csv", "png", "svg"):
        (output / f"{file_stem(name)}.{kind}").unlink(missing_ok=True)
