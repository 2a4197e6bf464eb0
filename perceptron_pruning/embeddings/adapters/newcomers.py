"""Rows that come later, scored against a pool that need not be read again.

A reference holds the pool's principal components, a softmax head trained on all its rows, and its out-of-fold margins.
A newcomer was not seen by that head: its margin is out of fold like theirs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.npy import DAMAGED_ARCHIVE
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.metrics.margin import probability_margin, top_two_margin
from perceptron_pruning.embeddings.recommendation.difficulty import SCORING_RIDGE, SIGNED, out_of_fold
from perceptron_pruning.embeddings.recommendation.heads import Head, fit_head
from perceptron_pruning.embeddings.recommendation.principal_components import Projection, measure_projection, projected
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS, check_seed
from perceptron_pruning.output.atomic import write_atomically
from perceptron_pruning.parallel.blas_threads import one_blas_thread


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A pool as newcomers need it.

    Attributes:
        projection: Rows → principal components.
        head: Trained on all rows.
        class_names: Labels of the classes, (C,).
        margins: Out-of-fold margins p_y − max_{c≠y} p_c of the pool, ascending, (n,).

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> from perceptron_pruning.embeddings.adapters.newcomers import Reference, reference
        >>> data = load_fashion_mnist()
        >>> path = reference(data.train_embeddings[:500], data.train_labels[:500]).save(Path(mkdtemp()) / "pool.npz")
        >>> newcomers = Reference.load(path).score(data.train_embeddings[500:600], data.train_labels[500:600])
        >>> newcomers["percentile"].shape
        (100,)
    """

    projection: Projection
    head: Head
    class_names: np.ndarray
    margins: np.ndarray

    def score(self, embeddings: Sources, labels: ArrayLike) -> dict[str, np.ndarray]:
        """Scores of newcomers, (m,) each; high = hard = keep.

        Args:
            embeddings: (m, d), of the network that made the pool's.
            labels: (m,), among those of the pool.

        Returns:
            margin_out_of_fold, margin_label_agnostic_out_of_fold, el2n_out_of_fold as `score` defines them, and
            percentile: share of the pool's rows that are easier.

        Raises:
            ValueError: The inputs do not match the pool's, or are not finite.

        Example:
            >>> from perceptron_pruning.embeddings import load_fashion_mnist
            >>> from perceptron_pruning.embeddings.adapters.newcomers import reference
            >>> data = load_fashion_mnist()
            >>> pool = reference(data.train_embeddings[:500], data.train_labels[:500])
            >>> sorted(pool.score(data.train_embeddings[500:600], data.train_labels[500:600]))
            ['el2n_out_of_fold', 'margin_label_agnostic_out_of_fold', 'margin_out_of_fold', 'percentile']
        """
        rows = open_rows(embeddings)  # pyright: ignore[reportArgumentType]
        if rows.n_features != len(self.projection.mean):
            raise ValueError(
                f"`embeddings` must be {len(self.projection.mean)} wide, as the pool; got {rows.n_features}"
            )
        numbers, names = encoded(labels, len(rows))
        unknown = ~np.isin(names, self.class_names)
        if unknown.any():
            raise ValueError(f"`labels` must be among those of the pool; got {names[unknown][0]}")
        classes = np.searchsorted(self.class_names, names)[numbers]
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):  # such rows are named below
            probabilities = self.head.probabilities(projected(rows, self.projection, NoProgress()))
        margin = probability_margin(probabilities, classes).astype(float)
        if not np.isfinite(margin).all():
            row = np.flatnonzero(~np.isfinite(margin))[0]
            raise ValueError(f"`embeddings` must be finite, and on the pool's scale; row {row} is not")
        errors = probabilities.copy()
        errors[np.arange(len(classes)), classes] -= 1
        return {
            SIGNED: -margin,
            "margin_label_agnostic_out_of_fold": -top_two_margin(probabilities).astype(float),
            "el2n_out_of_fold": np.sqrt(np.einsum("ij,ij->i", errors, errors)).astype(float),
            "percentile": 1 - np.searchsorted(self.margins, margin) / len(self.margins),
        }

    def save(self, path: str | Path) -> Path:
        """Writes a `.npz`, whole or not at all."""
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(f"`path` must end in .npz; got {path}")
        contents = {
            "mean": self.projection.mean,
            "axes": self.projection.axes,
            "parameters": self.head.parameters,
            "present": self.head.present,
            "class_names": self.class_names,
            "margins": self.margins,
        }
        write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **contents))
        return path

    @staticmethod
    def load(path: str | Path) -> "Reference":
        """A reference that `save` wrote.

        Raises:
            ValueError: It is none.
            OSError: It cannot be read.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                parts = dict(stored)
            stored_reference = Reference(
                projection=Projection(mean=parts["mean"], axes=parts["axes"]),
                head=Head(parameters=parts["parameters"], present=parts["present"], n_evaluations=0),
                class_names=parts["class_names"],
                margins=parts["margins"],
            )
            stored_reference._check()
        except (*DAMAGED_ARCHIVE, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"`{path}` is no saved reference: {error}") from error
        return stored_reference

    def _check(self) -> None:
        """Raises a `ValueError` unless the arrays are finite numbers whose shapes fit each other."""
        (n_features, n_components), n_classes = self.projection.axes.shape, len(self.class_names)
        shapes = {
            "mean": (self.projection.mean, (n_features,)),
            "parameters": (self.head.parameters, ((n_components + 1) * n_classes,)),
            "present": (self.head.present, (n_classes,)),
            "margins": (self.margins, (self.margins.size,)),
        }
        for name, (values, shape) in shapes.items():
            numbers = values.dtype.kind in "fb" and values.size > 0 and np.isfinite(values).all()
            if values.shape != shape or not numbers:
                raise ValueError(f"{name} must be finite numbers of shape {shape}; got {values.dtype} {values.shape}")


def reference(embeddings: Sources, labels: ArrayLike, *, seed: int = 0) -> Reference:
    """What newcomers are scored against.

    Args:
        embeddings: (n ≥ 10, d), an array or a path as for `score`.
        labels: (n,), two classes at least.
        seed: Draws the folds.

    Raises:
        ValueError: The inputs do not match or are not finite.

    Example:
        >>> from perceptron_pruning.embeddings.adapters.newcomers import reference
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> data = load_fashion_mnist()
        >>> pool = reference(data.train_embeddings[:1000], data.train_labels[:1000])
        >>> hard = pool.score(data.train_embeddings[1000:1500], data.train_labels[1000:1500])
        >>> bool(0.3 < hard["percentile"].mean() < 0.7)
        True
    """
    rows = open_rows(embeddings)  # pyright: ignore[reportArgumentType]
    classes, names = encoded(labels, len(rows))
    if len(names) < 2 or len(rows) < 10:
        raise ValueError(f"`labels` must have two classes and 10 rows; got {len(names)} and {len(rows)}")
    check_seed(seed)
    with one_blas_thread():
        projection = measure_projection(rows, SEEN_COMPONENTS, NoProgress())
        inputs = projected(rows, projection, NoProgress())
        probabilities, heads = out_of_fold(inputs, classes, len(names), seed)
        head = fit_head(inputs, classes, n_classes=len(names), ridge=SCORING_RIDGE, start=heads[-1].parameters)
    margins = np.sort(probability_margin(probabilities, classes).astype(float))
    return Reference(projection=projection, head=head, class_names=names, margins=margins)
