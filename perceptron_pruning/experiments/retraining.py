"""One number of an experiment: draw a pool, rank it, keep a part, retrain a student, test it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.embeddings.experiment import drawn_rows, standardise
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.embeddings.score import score
from perceptron_pruning.experiments.plan import CHANCE, Cell
from perceptron_pruning.experiments.source import Source
from perceptron_pruning.experiments.students.heads import Student, fit_present
from perceptron_pruning.output.atomic import write_atomically
from perceptron_pruning.studies.study import Output

OUTPUTS = {
    "test_error": Output(long_name="share of the test rows that the retrained student gets wrong"),
    "train_error": Output(long_name="share of the kept rows that it gets wrong"),
}
_POOLS = 8  # held by a process: neighbouring cells ask for the same ones


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """Retrains the student of a cell, once for each seed.

    Attributes:
        source: The data.
        metrics: All that the experiment compares; those of one family share their work.
        n_validation: As in `Plan`.
        scores: Folder in which scores of pools are kept, for all cells that need them.
    """

    source: Source
    metrics: tuple[str, ...]
    n_validation: int
    scores: Path = field(repr=False)

    def __call__(self, cell: Cell, trials: range) -> dict[str, np.ndarray]:
        errors = np.array([self.errors(cell, seed) for seed in trials])
        return dict(zip(OUTPUTS, errors.T, strict=True))

    def errors(self, cell: Cell, seed: int) -> tuple[float, float]:
        """Of one student, on the test rows and on those that it was trained on."""
        pool = pool_of(self.source, cell.pool_size, seed, self.n_validation)
        kept = self.kept(cell, pool)
        inputs, test_inputs = pool.seen_by(cell.recipe)
        predict = fit_present(cell.recipe, inputs[kept], pool.labels[kept], seed)
        return (
            float(np.mean(predict(test_inputs) != pool.test_labels)),
            float(np.mean(predict(inputs[kept]) != pool.labels[kept])),
        )

    def kept(self, cell: Cell, pool: "Pool") -> np.ndarray:
        """Places in the pool of what the cell's rule keeps."""
        ranking = np.zeros(cell.pool_size) if cell.metric == CHANCE else self.ranking(cell.metric, pool)
        return keep(ranking, selection=cell.selection, labels=pool.labels, class_floor=cell.class_floor, seed=pool.seed)

    def ranking(self, metric: str, pool: "Pool") -> np.ndarray:
        """Scores of a pool (pool_size,): read where some cell has left them, or computed with the metric's family."""
        wanted = [name for name in family_of(metric).metrics if name in self.metrics]
        path = self.scores / f"{'+'.join(wanted)}-{len(pool.labels)}-{pool.seed}.npz"
        with FileLock(path.with_suffix(".lock")):  # of two workers that need it at once, one waits for the other
            if not path.exists():
                values: dict[str, Any] = {**_scored(pool, wanted)}
                write_atomically(path, lambda file: np.savez(file, **values))
        with np.load(path) as stored:
            return stored[metric]


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Rows before pruning with what goes with them, all standardised by the pool's own mean and scale.

    Attributes:
        seed: That drew it.
        rows: Places in the training rows.
        data: Where they come from.
        inputs, labels: Embeddings of the rows, and their classes.
        test_inputs, test_labels: All test rows.
        validation_inputs, validation_labels: For metrics that need a test set.
    """

    seed: int
    rows: np.ndarray
    data: Embeddings
    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    validation_inputs: np.ndarray
    validation_labels: np.ndarray

    def seen_by(self, student: Student) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and test inputs of a student: embeddings, or pixels standardised likewise.

        Whatever it sees, the pool is ranked by its embeddings, so that all students are trained on the same examples.
        """
        if not student.needs_images:
            return self.inputs, self.test_inputs
        return self.seen(student, self.rows), standardise(self.data.pixels.test, self._reference(student))

    def seen(self, student: Student, rows: np.ndarray) -> np.ndarray:
        """Any training rows as a student sees them."""
        values = self.data.pixels.train if student.needs_images else self.data.train_embeddings
        return standardise(values[rows], self._reference(student))

    def _reference(self, student: Student) -> np.ndarray:
        if student.needs_images:
            return self.data.pixels.train[self.rows].astype(np.float32)
        return self.data.train_embeddings[self.rows].astype(np.float64)


def _scored(pool: Pool, metrics: list[str]) -> Mapping[str, np.ndarray]:
    """Of one family, which sees validation rows if it needs a test set."""
    tested = family_of(metrics[0]).test_set
    return score(
        pool.inputs,
        pool.labels,
        metrics=metrics,
        seed=pool.seed,
        test_embeddings=pool.validation_inputs if tested else None,
        test_labels=pool.validation_labels if tested else None,
    )


@lru_cache(maxsize=_POOLS)
def pool_of(
    source: Source, pool_size: int, seed: int, n_validation: int, classes: tuple[int, ...] | None = None
) -> Pool:
    """The pool of a seed: rows drawn without replacement, of some classes or of all."""
    data = source.load()
    n_rows = len(data.train_labels) - n_validation
    offered = np.flatnonzero(_is_among(data.train_labels, classes))
    offered, validation = offered[offered < n_rows], offered[offered >= n_rows]
    rows = offered[drawn_rows(len(offered), pool_size, seed)]
    reference = data.train_embeddings[rows].astype(np.float64)
    return Pool(
        seed=seed,
        rows=rows,
        data=data,
        inputs=standardise(reference, reference),
        labels=data.train_labels[rows],
        test_inputs=standardise(data.test_embeddings, reference),
        test_labels=data.test_labels,
        validation_inputs=standardise(data.train_embeddings[validation], reference),
        validation_labels=data.train_labels[validation],
    )


def _is_among(labels: np.ndarray, classes: tuple[int, ...] | None) -> np.ndarray:
    return np.ones(len(labels), bool) if classes is None else np.isin(labels, classes)
