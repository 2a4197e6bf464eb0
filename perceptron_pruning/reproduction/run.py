"""The main job: every figure, its table, a verdict on every claim, and a report of it all."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perceptron_pruning.evidence.calibration import calibration
from perceptron_pruning.evidence.calibration import draw as draw_calibration
from perceptron_pruning.figures.figure import Figure, file_stem
from perceptron_pruning.output.style import save_figure, write_renderer
from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.reproduction.claims import Claim
from perceptron_pruning.reproduction.manifest import MANIFEST, write_manifest
from perceptron_pruning.reproduction.report import HTML, MARKDOWN, Z_SCORES, Reproduction, write_reports
from perceptron_pruning.reproduction.suites import PAPER, Group, Opened
from perceptron_pruning.reproduction.timings import Timings
from perceptron_pruning.studies.run import progress_bar

POINTS, CLAIMS, TIMINGS = "simulation.csv", "claims.csv", "timings.csv"
_OF_THE_WHOLE = (POINTS, CLAIMS, HTML, MARKDOWN, MANIFEST, f"{Z_SCORES}.png", f"{Z_SCORES}.svg")


def reproduce(output: Path, settings: Any, group: Group = PAPER) -> list[Claim]:
    """Runs everything and writes it into a folder; called again, it goes on where it stopped.

    Writes what `reproduce_figures` does for every figure of the group, ``claims.csv``, ``report.html`` (one file that
    needs no other), ``report.md``, and ``manifest.json`` with what made them; where points are simulated, also
    ``simulation.csv`` with all of them and a histogram of their z-scores.

    Args:
        output: Folder, made if need be.
        settings: The group's quick or full ones.
        group: Which figures.

    Returns:
        The claims with their verdicts.

    Raises:
        StoreError: The folder has a reproduction of other settings or of another version, or cannot be written.
        SweepError: Points could not be simulated.
    """
    stores = _opened(output, settings, list(group.figures), group)
    for name in _OF_THE_WHOLE:  # nothing of an earlier run may pass for this one's
        (output / name).unlink(missing_ok=True)
    points = _write_figures(output, list(group.figures), stores, group)
    if points:
        write_table(output / POINTS, points)
    return report_on(output, settings, group)


def report_on(output: Path, settings: Any, group: Group = PAPER) -> list[Claim]:
    """Judges the claims by the tables of a folder, and writes what says it all; see `reproduce`."""
    points = read_table(output / POINTS) if (output / POINTS).exists() else []
    claims = group.judge(read_tables(output, group), points)
    write_table(output / CLAIMS, [asdict(claim) for claim in claims])
    found = calibration([row for row in points if row["probe"] == "exact"]) if points else None
    if found is not None:
        save_figure(draw_calibration(found), output, Z_SCORES)
    timings = Timings(output / TIMINGS).rows
    write_reports(
        output,
        Reproduction(group=group, settings=settings, claims=claims, calibration=found, timings=timings),
    )
    write_manifest(output, settings.parameters)
    return claims


def reproduce_figures(output: Path, settings: Any, names: Sequence[str], group: Group = PAPER) -> None:
    """Writes some figures into a folder, computing only what they show; called again, it goes on where it stopped.

    Writes a table (CSV) and pictures (PNG, SVG) for each figure, as soon as it is finished, and ``timings.csv``.

    Args:
        output: Folder, made if need be. It keeps what was simulated or trained, in stores (``*.zarr``).
        settings: The group's quick or full ones.
        names: Of figures of the group.
        group: Which figures they are of.

    Raises:
        ValueError: There is no such figure.
        StoreError, SweepError: As for `reproduce`.
    """
    _write_figures(output, names, _opened(output, settings, names, group), group)


def read_tables(folder: Path, group: Group = PAPER) -> Mapping[str, list[Row]]:
    """The tables of all figures that a folder has."""
    return {name: read_table(folder / f"{file_stem(name)}.csv") for name in finished_figures(folder, group.figures)}


def finished_figures(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of the figures that a folder has: table and pictures, of which the SVG is written last."""
    return [name for name in names if (folder / f"{file_stem(name)}.svg").exists()]


def _opened(output: Path, settings: Any, names: Sequence[str], group: Group) -> Opened:
    """The folder's stores, refused before anything is written if they are not of these settings."""
    for name in names:
        if name not in group.figures:
            raise ValueError(f"`names` must be among {', '.join(group.figures)}; got {name!r}")
    output.mkdir(parents=True, exist_ok=True)
    stores = group.opened(output, settings)
    if not stores.work(list(group.figures))[1]:  # times of what is no longer there
        (output / TIMINGS).unlink(missing_ok=True)
    return stores


def _write_figures(output: Path, names: Sequence[str], stores: Opened, group: Group) -> list[Row]:
    """Figure by figure, so that an interrupt leaves whole ones; gives every simulated point once."""
    timings, points = Timings(output / TIMINGS), {}
    for name in names:
        _remove(output, name)
    with ProcessExecutor() as workers, progress_bar("reproduction", *stores.work(names)) as bar:
        for name in names:
            bar.set_description_str(f"figure {name}")
            whole, done = stores.work([name])
            with timings.measured(name, "simulation", more=True) if done < whole else nullcontext():
                found = stores.run(name, executor=workers, bar=bar)
            _write_figure(output, group.figures[name], stores, found, timings)
            points |= {row["cell_seed"]: row for row in stores.points(found)}
    write_renderer(output)
    return list(points.values())


def _write_figure(output: Path, figure: Figure, stores: Opened, found: Any, timings: Timings) -> None:
    """Computes and writes a figure's table, and draws the figure from what was written."""
    stem = file_stem(figure.NAME)
    with timings.measured(figure.NAME, "theory"):
        write_table(output / f"{stem}.csv", stores.table(figure.NAME, found))
    with timings.measured(figure.NAME, "drawing"):
        save_figure(figure.draw(read_table(output / f"{stem}.csv")), output, stem)


def _remove(output: Path, name: str) -> None:
    for kind in ("csv", "png", "svg"):
        (output / f"{file_stem(name)}.{kind}").unlink(missing_ok=True)
