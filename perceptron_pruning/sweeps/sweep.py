"""`sweep`: simulated students over a grid, as a study that survives."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from perceptron_pruning.simulation import Engine, engine_of, simulate
from perceptron_pruning.studies.study import Output, Study, stable_text
from perceptron_pruning.sweeps.grid import Cell, CellList, Grid

if TYPE_CHECKING:
    import xarray as xr

OUTPUTS = {
    "generalization_error": Output(long_name="test error ε on unpruned data"),
    "overlap": Output(long_name="overlap R of student and teacher"),
    "probe_overlap": Output(long_name="overlap ρ of student and probe"),
    "margin": Output(long_name="margin κ of the unit-norm student"),
    "probe_angles": Output(long_name="angle θ of probe and teacher", units="rad"),
    "norm": Output(long_name="length ‖w‖ of the student"),
    "training_loss": Output(long_name="mean loss of the kept examples"),
    "training_error": Output(long_name="share of the kept examples that the student misses"),
    "direction": Output(long_name="unit-norm student along and across the probe", dimensions={"axis": 4}),
}


def sweep(
    grid: Grid | CellList,
    path: str | Path,
    *,
    executor: Executor | None = None,
    task_seconds: float | None = None,
    engine: Literal["auto"] | Engine = "auto",
) -> "xr.Dataset":
    """Simulates every cell of a grid into a store; called again, it goes on where it stopped.

    Trial t of a cell is the draw that `simulate` gives for the cell's own seed (`Cell.seed`): it depends on the cell
    and the sweep's seed alone. So neither the executor, the order, the number of workers nor any kill changes a bit
    of the result, on one type of machine, and a cell has the same numbers in every grid.

    Args:
        grid: The cells.
        path: The store (Zarr), made if it is missing.
        executor: Any `concurrent.futures.Executor`; by default one process a core
            (`perceptron_pruning.parallel.ProcessExecutor`), or in the compiled engine this process, whose tasks are
            batches on all of JAX's devices. For a cluster see `perceptron_pruning.studies.cluster`.
        task_seconds: Seconds that a task should take, which is what a kill may cost; by default 2 to 60, growing with
            the sweep.
        engine: As in `simulate`; "auto" takes the compiled one where JAX has an accelerator and there is a program for
            all cells. A store has the draws of one engine: "jax" is named in its parameters, and no name means "numpy".

    Returns:
        Arrays ``generalization_error``, ``overlap``, ``probe_overlap``, ``margin``, ``probe_angles`` (radians) and
        all else that `simulate` gives of a trial, with one dimension for each axis of the grid (or ``cell``) and
        ``trial`` after them. ``done`` is true everywhere.

    Raises:
        ValueError: A parameter is out of range.
        StoreError: The store is another sweep's, another driver's or another version's, or cannot be written.
        SweepError: Cells could not be computed; they are named, and all others are in the store.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning import Grid, sweep
        >>> from replica_theory import KeepHardest, KeepRandom
        >>> grid = Grid(alpha_prune=(0.5, 1), selection=(KeepHardest(0.5), KeepRandom(0.5)), n_features=10, n_trials=4)
        >>> dataset = sweep(grid, f"{mkdtemp()}/errors.zarr", executor=ThreadPoolExecutor(1), engine="numpy")
        >>> dataset.generalization_error.mean("trial").dims[:2], bool(dataset.done.all())
        (('alpha_prune', 'selection'), True)
    """
    try:
        from perceptron_pruning.studies.run import run_study
    except ImportError as missing:
        raise ImportError(
            f'sweeps need one more package ({missing.name}): pip install "perceptron-pruning[sweep]"'
        ) from missing
    chosen = _engine(grid, engine)
    own = ThreadPoolExecutor(1) if chosen == "jax" and executor is None else nullcontext(executor)
    with own as workers:
        return run_study(study(grid, chosen), path, executor=workers, task_seconds=task_seconds)


def _engine(grid: Grid | CellList, engine: str) -> Engine:
    """The one engine of all cells."""
    engines = {engine_of(engine, cell.probe, cell.student, cell.selection, cell.label_noise) for cell in grid.cells}
    return "jax" if engines == {"jax"} else "numpy"


def study(grid: Grid | CellList, engine: Engine = "numpy") -> Study:
    """The grid's simulations by an engine, as `run_study` takes them."""
    return Study(
        name="simulation",
        function=SimulatedCell(seed=grid.seed, probe_epochs=grid.probe_epochs, engine=engine),
        cells=grid.cells,
        outputs=OUTPUTS,
        coordinates=_coordinates(grid.cells, grid.seed),
        dimensions=None if grid.axes is None else {name: len(values) for name, values in grid.axes.items()},
        n_trials=grid.n_trials,
        seconds=[trial_seconds(cell) for cell in grid.cells],
        parameters=_parameters(grid) | ({} if engine == "numpy" else {"engine": engine}),
    )


@dataclass(frozen=True, kw_only=True)
class SimulatedCell:
    """Simulates a range of a cell's trials."""

    seed: int
    probe_epochs: int
    engine: Engine = field(default="numpy", repr=False)  # named in the study's parameters

    def __call__(self, cell: Cell, trials: range) -> dict[str, np.ndarray]:
        result = simulate(
            cell.alpha_prune,
            selection=cell.selection,
            probe_angle=cell.probe_angle,
            n_features=cell.n_features,
            n_trials=len(trials),
            first_trial=trials.start,
            seed=cell.seed(self.seed),
            probe=cell.probe,
            probe_epochs=self.probe_epochs,
            student=cell.student,
            label_noise=cell.label_noise,
            engine=self.engine,
        )
        return {name: getattr(result, name) for name in OUTPUTS}


def trial_seconds(cell: Cell) -> float:
    """Estimated seconds t of a trial on one core, within a factor of two or so of measurements at N = 50 to 2000.

    Drawing and ranking the pool, and solving: the support grows with α up to α ≈ 2, the passes over the examples beyond
    it::

        t = 0.2 ms + 0.15 µs α_total N c + (29 ns N² + 56 ps N³) min(α, 2)² max(α/2, 1)^0.7

    with α = P/N, and c = 1 for an exact probe, N/8 for a trained one.
    """
    n, alpha = cell.n_features, cell.n_kept / cell.n_features
    pool = 1.5e-7 * cell.alpha_total * n * (1 if cell.probe == "exact" else n / 8)
    return 2e-4 + pool + (2.9e-8 * n**2 + 5.6e-11 * n**3) * min(alpha, 2.0) ** 2 * max(alpha / 2, 1.0) ** 0.7


def _coordinates(cells: Sequence[Cell], seed: int) -> dict[str, list[object]]:
    return {
        "alpha_prune": [cell.alpha_prune for cell in cells],
        "alpha_total": [cell.alpha_total for cell in cells],
        "selection": [stable_text(cell.selection) for cell in cells],
        "keep_fraction": [cell.keep_fraction for cell in cells],
        "probe_angle": [cell.probe_angle for cell in cells],
        "probe_angle_degrees": [round(math.degrees(cell.probe_angle), 9) for cell in cells],
        "n_features": [cell.n_features for cell in cells],
        "student": [cell.student if isinstance(cell.student, str) else stable_text(cell.student) for cell in cells],
        "probe": [cell.probe if isinstance(cell.probe, str) else stable_text(cell.probe) for cell in cells],
        "label_noise": [cell.label_noise for cell in cells],
        "n_kept": [cell.n_kept for cell in cells],
        "seed": [cell.seed(seed) for cell in cells],
    }


def _parameters(grid: Grid | CellList) -> dict[str, object]:
    axes = {} if grid.axes is None else {name: [_plain(v) for v in values] for name, values in grid.axes.items()}
    return {**axes, "seed": int(grid.seed), "probe_epochs": int(grid.probe_epochs)}


def _plain(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else stable_text(value)
