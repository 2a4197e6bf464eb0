"""`experiment`: students retrained on pruned pools of embeddings, as a study that survives."""

import math
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.experiments.plan import AXES, SEED, Plan, n_kept
from perceptron_pruning.experiments.pools import PoolScores
from perceptron_pruning.experiments.retraining import OUTPUTS, Retraining
from perceptron_pruning.experiments.source import Source, saved_source
from perceptron_pruning.experiments.students.heads import Student
from perceptron_pruning.studies.study import Output, Study

if TYPE_CHECKING:
    import xarray as xr

STORE, SCORES, DATA = "results.zarr", "scores", "data"


def experiment(
    data: Embeddings | Source,
    plan: Plan,
    folder: str | Path,
    *,
    executor: Executor | None = None,
    task_seconds: float | None = None,
) -> "xr.Dataset":
    """Test errors of students retrained from scratch on pruned pools; called again, it goes on where it stopped.

    For every pool size and seed a pool is drawn at random from the training rows, without replacement; inputs are
    standardised by its mean and scale. The pool is ranked by every metric, every rule keeps its fraction, and every
    student is trained on that by its one recipe (`STUDENTS`), and tested on all test rows. What differs between two
    rules is the rule alone. Metrics see embeddings, also where a student sees pixels: all students get the same rows.

    Args:
        data: Labelled embeddings and a test set: arrays, or a `source_of` files.
        plan: What is compared.
        folder: Holds the store, the scores of the pools, and arrays that were given as such.
        executor: Any; by default one process a core (`perceptron_pruning.parallel.ProcessExecutor`). Its processes
            must see the folder.
        task_seconds: What a task should take, about: what a kill may cost.

    Returns:
        Arrays ``test_error`` and ``train_error`` with the dimensions student, metric, rule, class_floor, pool_size,
        keep_fraction and seed, and the coordinate ``kept`` (examples after pruning). Where nothing distinguishes two
        points (random keeping under two metrics, a fraction of 1 under two rules) they are the same numbers.

    Raises:
        ValueError: The data have too few rows for the plan.
        StoreError: The folder holds another experiment.
        SweepError: Cells could not be computed; they are named, and all others are kept.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.experiments import Plan, experiment, source_of
        >>> plan = Plan(pool_sizes=(200,), keep_fractions=(0.5,), students=("ridge",), rules=("hard",), n_seeds=2)
        >>> table = experiment(source_of("fashion-mnist"), plan, mkdtemp(), executor=ThreadPoolExecutor(1))
        >>> table.test_error.sel(rule="hard").size, bool((table.test_error < 0.6).all())
        (2, True)
    """
    from perceptron_pruning.studies.run import run_study

    folder = Path(folder)
    source = given_source(data, folder)
    plan.check(source.load())
    flat = run_study(study(source, plan, folder), folder / STORE, executor=executor, task_seconds=task_seconds)
    return table(flat, plan)


def given_source(data: Embeddings | Source, folder: Path) -> Source:
    """The source of an experiment's data: arrays are written into its folder."""
    return data if isinstance(data, Source) else saved_source(data, folder / DATA)


def scores_of(folder: Path, source: Source, plan: Plan, *kind: str) -> PoolScores:
    """The scores of a plan's pools, in a folder of experiments; those of another kind of pool stand apart."""
    scores = folder / SCORES / "-".join([source.digest[:16], str(plan.n_validation), *kind])
    scores.mkdir(parents=True, exist_ok=True)
    return PoolScores(metrics=plan.metrics, folder=scores)


def study(source: Source, plan: Plan, folder: Path) -> Study:
    """The experiment as `run_study` takes it; scores of its pools are kept in the folder."""
    retraining = Retraining(source=source, scores=scores_of(folder, source, plan), n_validation=plan.n_validation)
    return study_of(retraining, plan, OUTPUTS)


def study_of(function: Retraining, plan: Plan, outputs: Mapping[str, Output]) -> Study:
    """What a function of cells computes for all cells and seeds of a plan."""
    data, cells = function.source.load(), plan.cells
    n_classes = int(data.train_labels.max()) + 1
    return Study(
        function=function,
        cells=cells,
        outputs=outputs,
        coordinates={name: [getattr(cell, name) for cell in cells] for name in (*AXES, "kept")},
        n_trials=plan.n_seeds,
        trial=SEED,
        seconds=[cell.recipe.seconds(cell.kept, n_features(data, cell.recipe), n_classes) for cell in cells],
        parameters={"data": function.source.digest, "plan": asdict(plan)},
    )


def n_features(data: Embeddings, student: Student) -> int:
    """Number of inputs of a student: d of embeddings, h × w × channels of pixels."""
    return math.prod((data.pixels.train if student.needs_images else data.train_embeddings).shape[1:])


def table(flat: "xr.Dataset", plan: Plan) -> "xr.Dataset":
    """The stored cells as a table with one dimension an axis."""
    import xarray as xr

    place = {cell: number for number, cell in enumerate(plan.cells)}
    shape = [len(values) for values in plan.axes.values()]
    index = np.array([place[plan.cell(point)] for point in plan.points()]).reshape(shape)
    unfolded = flat[list(flat.attrs["outputs"])].drop_vars([*AXES, "kept"]).isel(cell=xr.DataArray(index, dims=AXES))
    kept = np.array([[n_kept(size, f) for f in plan.keep_fractions] for size in plan.pool_sizes])
    labels = {name: list(values) for name, values in plan.axes.items()}
    return unfolded.assign_coords(labels | {SEED: np.arange(plan.n_seeds), "kept": (AXES[-2:], kept)})
