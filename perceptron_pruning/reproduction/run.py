"""The main job: every figure, its table, a verdict on every claim, and a report of it all."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from pathlib import Path

from tqdm import tqdm

from perceptron_pruning.evidence.calibration import calibration
from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures import z_scores
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.output.provenance import commit
from perceptron_pruning.output.style import write_renderer
from perceptron_pruning.output.tables import Row, TableError, read_table, write_table
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.parallel.worker import can_be_sent
from perceptron_pruning.reproduction.cache import FOLDER, Cache
from perceptron_pruning.reproduction.manifest import MANIFEST, write_manifest
from perceptron_pruning.reproduction.names import CLAIMS, HTML, MARKDOWN, NARROW, POINTS, TIMINGS, Z_SCORES
from perceptron_pruning.reproduction.report import write_reports
from perceptron_pruning.reproduction.reporting.content import Reproduction, beside
from perceptron_pruning.reproduction.reporting.markdown import WRITTEN
from perceptron_pruning.reproduction.stores import Computed, FigureData, Stores, computed
from perceptron_pruning.reproduction.suites import FigureT, SettingsT, Suite
from perceptron_pruning.reproduction.timings import Timings
from perceptron_pruning.reproduction.writing import FigureWriter, changed_tables_named, save_all
from perceptron_pruning.studies.progress import progress_bar

_OF_THE_WHOLE = (  # nothing of an earlier run may pass for what this one has changed
    *(POINTS, CLAIMS, HTML, MARKDOWN, MANIFEST, f"{Z_SCORES}.png", f"{Z_SCORES}.svg"),
)


def reproduce(
    output: Path,
    settings: SettingsT,
    suite: Suite[SettingsT, FigureT],
    *,
    svg: bool = False,
    workers: int | None = None,
) -> list[Claim]:
    """Runs everything and writes it into a folder; called again, it goes on where it stopped.

    Writes what `reproduce_figures` does for every figure of the suite, ``claims.csv``, ``report.html`` (one file that
    needs no other), ``README.md`` (the same for a forge), and ``manifest.json`` with what made them; where points are
    simulated, also ``simulation.csv`` with all of them and a histogram of their z-scores.

    Args:
        output: Folder, made if need be.
        settings: The suite's quick or full ones.
        suite: Which figures.
        svg: Whether to write every picture as SVG, too.
        workers: Processes; by default one a core.

    Returns:
        The claims with their verdicts.

    Raises:
        StoreError: The folder has a reproduction of other settings or of another version, or cannot be written.
        SweepError: Points could not be simulated.
        ValueError: The folder has a README.md of another hand.
    """
    names = list(suite.figures)
    _refuse_to_replace(output / MARKDOWN)

    def changing() -> None:
        for name in _OF_THE_WHOLE:
            (output / name).unlink(missing_ok=True)

    writer = _write_figures(output, settings, names, suite, svg=svg, workers=workers, changing=changing)
    points = list({seed: row for name in names for seed, row in writer.points(name).items()}.values())
    if points:
        write_table(output / POINTS, points)
    return report_on(output, settings, suite, svg=svg)


def report_on(output: Path, settings: SettingsT, suite: Suite[SettingsT, FigureT], *, svg: bool = False) -> list[Claim]:
    """Judges the claims by the tables of a folder, and writes what says it all; see `reproduce`."""
    points = _points(output / POINTS)
    claims = suite.judge(read_tables(output, suite), points)
    write_table(output / CLAIMS, [row for claim in claims for row in claim.rows])
    scatter = calibration([row for row in points if row["probe"] == "exact"]) if points else None
    if scatter is not None:
        save_all(z_scores.draw, scatter, output, Z_SCORES, svg)
    timings = Timings(output / TIMINGS).rows
    write_reports(
        output,
        Reproduction(
            suite=suite,
            settings=settings,
            claims=claims,
            calibration=scatter,
            timings=timings,
            beside=beside(output),
        ),
    )
    write_manifest(output, settings.parameters)
    return claims


def _points(path: Path) -> list[Row]:
    """All simulated points of a folder; none where nothing is simulated, and there is no such file."""
    points = read_table(path) if path.exists() else []
    if path.exists() and not points:
        raise TableError(path, "it has no points")
    return points


def reproduce_figures(
    output: Path,
    settings: SettingsT,
    names: Sequence[str],
    suite: Suite[SettingsT, FigureT],
    *,
    svg: bool = False,
    workers: int | None = None,
) -> None:
    """Writes some figures into a folder, computing only what they show; called again, it goes on where it stopped.

    Writes a table (CSV) and a picture (PNG) for each figure, as soon as it is finished, and ``timings.csv``.

    Args:
        output: Folder, made if need be. It keeps what was simulated or trained, in stores (``*.zarr``).
        settings: The suite's quick or full ones.
        names: Figures of the suite.
        suite: Which figures they are of.
        svg: Whether to write every picture as SVG, too.
        workers: Processes; by default one a core.

    Raises:
        ValueError: There is no such figure.
        StoreError, SweepError: As for `reproduce`.
    """
    _write_figures(output, settings, names, suite, svg=svg, workers=workers, changing=lambda: None)


def redraw(output: Path, settings: SettingsT, suite: Suite[SettingsT, FigureT], *, svg: bool = False) -> list[Claim]:
    """Draws every figure that has a table again, judges the claims, and writes the report; nothing is computed.

    Args:
        output: Folder with tables of an earlier run; its stores need not be there.
        settings: Those of the tables.
        suite: Which figures.
        svg: Whether to write every picture as SVG, too.

    Returns:
        The claims with their verdicts.

    Raises:
        ValueError: The folder has no table of the suite, a README.md of another hand, or a table that is damaged.
    """
    _refuse_to_replace(output / MARKDOWN)
    names = [name for name in suite.figures if (output / f"{file_stem(name)}.csv").exists()]
    if not names:
        raise ValueError(f"`output` must have tables of figures; got {output}, which has none")
    writer = _writer(output, settings, suite, svg, lambda: None)
    for name in names:
        writer.pictures(name)
    write_renderer(output)
    changed = [output / f"{file_stem(name)}.csv" for name in names if not writer.cache.is_unchanged(name)]
    with changed_tables_named([*changed, *(path for path in [output / POINTS] if path.exists())]):
        return report_on(output, settings, suite, svg=svg)


def read_tables(folder: Path, suite: Suite[SettingsT, FigureT]) -> dict[str, list[Row]]:
    """The tables of all figures that a folder has."""
    return {name: read_table(folder / f"{file_stem(name)}.csv") for name in finished_figures(folder, suite.figures)}


def finished_figures(folder: Path, names: Iterable[str]) -> list[str]:
    """Those of the figures that a folder has: table and pictures, of which the PNG is written last."""
    return [name for name in names if (folder / f"{file_stem(name)}.png").exists()]


def _opened(output: Path, settings: SettingsT, suite: Suite[SettingsT, FigureT]) -> Stores:
    """The folder's stores, refused before anything is written if they are not of these settings."""
    stores = suite.stores(output, settings)
    if not stores.work(list(suite.figures))[1]:  # times of what is no longer there
        (output / TIMINGS).unlink(missing_ok=True)
    return stores


def _refuse_to_replace(path: Path) -> None:
    """A README that a reproduction did not write is somebody's."""
    if path.is_file() and not path.read_bytes().startswith(WRITTEN.encode()):
        raise ValueError(f"`output` must be a folder of its own; got {path.parent}, which has a {path.name} already")


def _writer(
    output: Path, settings: SettingsT, suite: Suite[SettingsT, FigureT], svg: bool, changing: Callable[[], None]
) -> FigureWriter:
    commit()  # noted before anything is written: the folder may be part of the checkout
    cache = Cache(output, settings.parameters, suite.figures)
    return FigureWriter(output, suite.figures, cache, Timings(output / TIMINGS), svg, changing)


def _write_figures(
    output: Path,
    settings: SettingsT,
    names: Sequence[str],
    suite: Suite[SettingsT, FigureT],
    *,
    svg: bool,
    workers: int | None,
    changing: Callable[[], None],
) -> FigureWriter:
    """Figure by figure, so that an interrupt leaves whole ones; what is there and would be made of the same stays.

    While a figure is simulated, the theory of those before it is computed beside it.
    """
    for name in names:
        if name not in suite.figures:
            raise ValueError(f"`names` must be among {', '.join(suite.figures)}; got {name!r}")
    output.mkdir(parents=True, exist_ok=True)
    for folder in (output / FOLDER, output / NARROW):
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"`{folder}` must be a folder of the reproduction; got a file, which must go first")
    cache = Cache(output, settings.parameters, suite.figures)
    changed = [name for name in names if not cache.has_table(name)]
    stores = _opened(output, settings, suite) if changed else None
    writer = _writer(output, settings, suite, svg, changing)
    for name in (name for name in names if name not in changed):
        writer.pictures(name)
    if stores is not None:
        with (
            ProcessExecutor(workers) as processes,
            progress_bar("reproduction", *stores.work(changed), lines=True) as bar,
        ):
            _compute_figures(changed, stores, writer, processes, bar)
    write_renderer(output)
    return writer


def _compute_figures(
    names: Sequence[str], stores: Stores, writer: FigureWriter, processes: ProcessExecutor, bar: tqdm
) -> None:
    """Simulates, computes, writes and draws every one of some figures."""
    waiting: dict[str, Future[Computed]] = {}

    def write(name: str) -> None:
        writer.table(name, waiting.pop(name).result())
        writer.pictures(name)

    for name in names:
        bar.set_description_str(f"figure {name}")
        whole, done = stores.work([name])
        with writer.timings.measured(name, "simulation", more=True) if done < whole else nullcontext():
            data = stores.run(name, executor=processes, bar=bar)
        waiting[name] = _submitted(data, processes) if len(names) > 1 else _finished(data)
        for ready in [other for other, table in waiting.items() if table.done()]:
            write(ready)
    for name in list(waiting):
        bar.set_description_str(f"theory of figure {name}")
        write(name)


def _submitted(data: FigureData, workers: Executor) -> "Future[Computed]":
    """The figure's table, computed in a worker if one can be told how, or here."""
    return workers.submit(computed, data) if can_be_sent(data.table) else _finished(data)


def _finished(data: FigureData) -> "Future[Computed]":
    """The figure's table, computed here and now."""
    here: Future[Computed] = Future()
    here.set_result(computed(data))
    return here
