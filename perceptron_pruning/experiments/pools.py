"""The pools of an experiment: drawn from the training rows, standardised, and scored."""

import hashlib
import io
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.embeddings.score import score
from perceptron_pruning.experiments.source import Source
from perceptron_pruning.experiments.students.heads import Student
from perceptron_pruning.output.atomic import write_atomically

_POOLS = 8  # pools held by a process: neighbouring cells ask for the same ones
_DIGEST = hashlib.sha256().digest_size  # bytes


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Rows before pruning with what goes with them, all standardised by the pool's own mean and scale.

    Attributes:
        seed: The seed that drew it.
        rows: Places in the training rows.
        data: The data that the rows are from.
        inputs, labels: Embeddings of the rows, and their classes.
        test_inputs, test_labels: All test rows.
        validation_inputs, validation_labels: Rows of no pool, for metrics that need a test set.
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
        """The pool's own rows, whose mean and scale standardise all others."""
        if student.needs_images:
            return self.data.pixels.train[self.rows].astype(np.float32)
        return self.data.train_embeddings[self.rows].astype(np.float64)


@lru_cache(maxsize=_POOLS)
def pool_of(
    source: Source, pool_size: int, seed: int, n_validation: int, classes: tuple[int, ...] | None = None
) -> Pool:
    """The pool of a seed: rows drawn without replacement, of some classes or of all.

    Args:
        source: The data.
        pool_size: Rows to draw.
        seed: Decides which.
        n_validation: Training rows, the last ones, that are in no pool.
        classes: Labels of the rows offered; None for all.
    """
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


def drawn_rows(n_rows: int, pool_size: int, seed: int) -> np.ndarray:
    """The rows of a pool, (pool_size,), without replacement: the same for every rule, metric and student."""
    return np.random.default_rng([seed, pool_size]).choice(n_rows, pool_size, replace=False)


def standardise(embeddings: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Embeddings less the mean of the reference rows, over the root mean square of the centred reference.

    One scale for all coordinates keeps the geometry that the network gave them.

    Raises:
        ValueError: All reference rows are equal.
    """
    mean = reference.mean(axis=0)
    scale = _root_mean_square(reference - mean)
    if not scale > 0:
        raise ValueError("`embeddings` must not be equal in all rows; got zero variance")
    return (embeddings - mean) / scale


def _root_mean_square(values: np.ndarray) -> float:
    """Of all entries, in units of a power of two, so that no square leaves the numbers and no bit changes."""
    _, exponent = np.frexp(np.abs(values).max())
    return float(np.ldexp(np.sqrt(np.mean(np.ldexp(values, -exponent) ** 2)), exponent))


def _is_among(labels: np.ndarray, classes: tuple[int, ...] | None) -> np.ndarray:
    return np.ones(len(labels), bool) if classes is None else np.isin(labels, classes)


@dataclass(frozen=True, kw_only=True)
class PoolScores:
    """Scores of pools by some metrics, kept in files that all workers share.

    Attributes:
        metrics: All that an experiment compares; those of one family share their work.
        folder: Where the files are.
    """

    metrics: tuple[str, ...]
    folder: Path = field(repr=False)

    def of(self, metric: str, pool: Pool) -> np.ndarray:
        """Scores of a pool (pool_size,): read where some cell has left them, or computed with the metric's family.

        They are computed anew where their file is damaged, or of a version that left no digest in it.
        """
        family = [name for name in family_of(metric).metrics if name in self.metrics]
        path = self.folder / f"{'+'.join(family)}-{len(pool.labels)}-{pool.seed}.npy"
        with FileLock(path.with_suffix(".lock")):  # a second worker that needs it waits
            values = _read(path)
            if values is None:
                values = _scored(pool, family)
                _write(path, values)
        return values[family.index(metric)]


def _write(path: Path, values: np.ndarray) -> None:
    """An .npy file with a digest of its bytes after them, which `np.load` does not read."""
    content = io.BytesIO()
    np.save(content, values)
    body = content.getvalue()
    write_atomically(path, lambda file: file.write(body + hashlib.sha256(body).digest()))


def _read(path: Path) -> np.ndarray | None:
    """What `_write` wrote; None where that is not there, or not whole."""
    content = path.read_bytes() if path.exists() else b""
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    return np.load(io.BytesIO(body)) if hashlib.sha256(body).digest() == digest else None


def _scored(pool: Pool, metrics: list[str]) -> np.ndarray:
    """Scores (metrics, pool_size) by one family, which sees validation rows if it needs a test set."""
    tested = family_of(metrics[0]).test_set
    scores = score(
        pool.inputs,
        pool.labels,
        metrics=metrics,
        seed=pool.seed,
        test_embeddings=pool.validation_inputs if tested else None,
        test_labels=pool.validation_labels if tested else None,
    )
    return np.stack([scores[name] for name in metrics])
