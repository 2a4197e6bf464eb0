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

    Example::

        plan = Plan(pool_sizes=(100, 400, 1600), keep_fractions=(0.5, 1.0), metrics=("margin", "el2n"))
        table = experiment(load_fashion_mnist(), plan, "experiment")
        table.test_error.sel(student="softmax", metric="margin").mean("seed")

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
    """
    from perceptron_pruning.studies.run import run_study

    folder = Path(folder)
    source = given_source(data, folder)
    plan.check(source.load())
    scores = scores_folder(folder, source, plan)
    flat = run_study(study(source, plan, scores), folder / STORE, executor=executor, task_seconds=task_seconds)
    return table(flat, plan)


def given_source(data: Embeddings | Source, folder: Path) -> Source:
    """The source of an experiment's data: arrays are written into its folder."""
    return data if isinstance(data, Source) else saved_source(data, folder / DATA)


def scores_folder(folder: Path, source: Source, plan: Plan, *kind: str) -> Path:
    """Where an experiment of a kind keeps the scores of its pools, made if it is missing."""
    scores = folder / SCORES / "-".join([source.digest[:16], str(plan.n_validation), *kind])
    scores.mkdir(parents=True, exist_ok=True)
    return scores


def study(source: Source, plan: Plan, scores: Path) -> Study:
    """The experiment as `run_study` takes it."""
    retraining = Retraining(source=source, metrics=plan.metrics, n_validation=plan.n_validation, scores=scores)
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
    """Numbers of one row as a student sees it."""
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
