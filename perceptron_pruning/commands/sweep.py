"""The commands ``sweep`` and ``status``."""

import sys
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

from perceptron_pruning.commands.preflight import check_file
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies.errors import SweepError


def sweep_command(
    config: Path,
    *,
    output: Path | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    engine: Literal["auto", "numpy", "jax"] = "auto",
    task_seconds: float | None = None,
    netcdf: Path | None = None,
) -> int:
    """Simulate a grid of cells into a store that survives interruption.

    Stop it however you like; the same command goes on where it stopped, and finished cells are never computed again.
    The numbers do not depend on where or how the cells were run.

    Example: perceptron-pruning sweep sweep.toml --output sweep.zarr, where sweep.toml holds

    alpha_total = [1.5, 3, 6, 12]

    selection = ["KeepHardest(0.3)", "KeepEasiest(0.3)", "KeepRandom(0.3)"]

    probe_angle_degrees = [0, 10]

    n_features = 200

    n_trials = 100

    Parameters
    ----------
    config
        TOML. Further keys are alpha_prune (instead of alpha_total), seed and probe; [[cells]] begins a block with axes
        of its own.
    output
        The store (Zarr). Default: CONFIG with the suffix .zarr.
    scheduler
        A Dask scheduler's file or address, instead of this machine's cores: perceptron_pruning.studies.cluster has the
        launch files.
    workers
        Processes on this machine, for the engine "numpy". Default: one a core.
    engine
        "numpy", on CPU cores; "jax", in compiled programs on JAX's devices; or "auto", the latter where JAX has an
        accelerator and programs for all cells. The store has the draws of one, and says which.
    task_seconds
        Seconds that a task should take, which is what a kill may cost. Default: 2 to 60, growing with the sweep.
    netcdf
        Also write the results to this file, replaced if it exists.
    """
    from perceptron_pruning.sweeps.config import read_grid
    from perceptron_pruning.sweeps.sweep import sweep

    if scheduler is not None and workers is not None:
        raise ValueError("`--workers` must be left out with `--scheduler`, which has its own")
    if workers is not None and engine == "jax":
        raise ValueError("`--workers` must be left out with `--engine jax`, which has all devices in one process")
    if netcdf is not None:
        check_file(netcdf, "--netcdf")
    grid = read_grid(config)
    store = output or config.with_suffix(".zarr")
    try:
        with _executor(scheduler, workers) as executor:
            chosen = "numpy" if workers is not None else engine
            dataset = sweep(grid, store, executor=executor, task_seconds=task_seconds, engine=chosen)
    except SweepError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        from perceptron_pruning.studies.status import status

        share = f"{status(store).share_done:.1%}" if store.exists() else "nothing"
        print(f"Interrupted: {share} is done, in {store}; the same command goes on there", file=sys.stderr)
        return 130
    if netcdf is not None:
        from perceptron_pruning.studies.dataset import write_netcdf

        write_netcdf(dataset, netcdf)
    cells, trials = dataset.done.size // grid.n_trials, grid.n_trials
    print(f"{cells} cells of {trials} trials are in {store}" + (f" and {netcdf}" if netcdf else ""))
    return 0


def status_command(store: Path) -> None:
    """Show how far a sweep's store is, and what made it.

    Example: perceptron-pruning status sweep.zarr

    Parameters
    ----------
    store
        The store; it may be in use.
    """
    from perceptron_pruning.studies.status import status

    print(status(store))


def _executor(scheduler: str | None, workers: int | None) -> AbstractContextManager[Executor | None]:
    if scheduler is None:
        return nullcontext() if workers is None else ProcessExecutor(workers)
    from perceptron_pruning.studies.cluster import cluster

    return cluster(scheduler)
