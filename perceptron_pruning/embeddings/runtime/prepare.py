"""From what a caller gives to the context of scoring: files opened, rows shared out and measured, labels encoded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import check_pairs, encoded
from perceptron_pruning.embeddings.io.open import EmbeddingSource, open_sources
from perceptron_pruning.embeddings.io.rows import Rows, array_rows
from perceptron_pruning.embeddings.io.side_by_side import SideBySide, side_by_side
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup
from perceptron_pruning.embeddings.runtime.progress import Progress
from perceptron_pruning.embeddings.runtime.settings import ScoreSettings
from perceptron_pruning.embeddings.runtime.standardise import check_magnitude, check_varied, measure_standardisation

Sources = EmbeddingSource | Sequence[EmbeddingSource]
"""Embeddings of the same examples by one network or by several."""


@dataclass(frozen=True, kw_only=True)
class ScoringInputs:
    """Data as the caller of `score` gives them.

    Attributes:
        embeddings: (n, d), arrays or paths.
        labels: (n,), or None.
        test_embeddings, test_labels: (n_test, d) and (n_test,), or both None.
    """

    embeddings: Sources
    labels: ArrayLike | None
    test_embeddings: Sources | None
    test_labels: ArrayLike | None


def scoring_context(
    inputs: ScoringInputs, *, settings: ScoreSettings, group: ProcessGroup, progress: Progress, need_pairs: bool
) -> ScoringContext:
    """The context of scoring, every input checked.

    Args:
        inputs: Embeddings, labels and test set.
        settings: How the metrics are computed.
        group: Process group; each process gets its part of the rows.
        progress: Progress reporter.
        need_pairs: Whether every class must have two examples.

    Raises:
        ValueError: The inputs do not match or are not finite.
    """
    all_rows = _one_row_per_example(open_sources(inputs.embeddings), group, progress)
    rows = all_rows.part(group.rank, group.size)
    classes, names = (None, None) if inputs.labels is None else encoded(inputs.labels, len(all_rows))
    if classes is not None and names is not None and need_pairs:
        check_pairs(classes, names, all_rows.where)
    context = ScoringContext(
        rows=rows,
        standardisation=measure_standardisation(rows, group=group, progress=progress),
        settings=settings,
        classes=None if classes is None else classes[rows.start : rows.stop],
        class_names=names,
        class_sizes=None if classes is None else np.bincount(classes),
        group=group,
        progress=progress,
    )
    check_magnitude(context.standardisation, rows)
    return _with_test_set(context, inputs)


def _one_row_per_example(networks: list[Rows], group: ProcessGroup, progress: Progress) -> Rows:
    """The rows of one network as they are; those of several side by side, each at unit scale."""
    if len(networks) == 1:
        return networks[0]
    scales = []
    for number, rows in enumerate(networks, start=1):
        measured = measure_standardisation(rows, group=group, progress=progress, label=f"reading network {number}")
        check_varied(measured)
        scales.append(measured.scale)
    return side_by_side(networks, scales)


def _with_test_set(context: ScoringContext, inputs: ScoringInputs) -> ScoringContext:
    """The context with its test set, whose classes are numbered like those of the rows."""
    if inputs.test_embeddings is None and inputs.test_labels is None:
        return context
    if inputs.test_embeddings is None or inputs.test_labels is None or context.class_names is None:
        raise ValueError("`test_embeddings`, `test_labels` and `labels` must be given together")
    rows = _test_rows(open_sources(inputs.test_embeddings), context)
    classes = _test_classes(inputs.test_labels, len(rows), context.class_names)
    measure_standardisation(rows, group=context.group, progress=context.progress, label="reading the test set")
    return replace(context, test_rows=_in_precision(rows, context.rows.dtype), test_classes=classes)


def _test_rows(networks: list[Rows], context: ScoringContext) -> Rows:
    """The test rows, scaled as those that are scored."""
    rows = networks[0]
    if len(networks) > 1:
        scored = context.rows
        scales = scored.scales if isinstance(scored, SideBySide) else (1.0,) * len(networks)
        rows = side_by_side(networks, scales)
    if rows.n_features != context.rows.n_features:
        raise ValueError(
            f"`test_embeddings` must be {context.rows.n_features} wide, as `embeddings`; got {rows.n_features}"
        )
    return rows


def _test_classes(labels: ArrayLike, n_rows: int, class_names: np.ndarray) -> np.ndarray:
    numbers, names = encoded(labels, n_rows, "test_labels")
    unknown = ~np.isin(names, class_names)
    if unknown.any():
        raise ValueError(f"`test_labels` must be among `labels`; got {names[unknown][0]}")
    return np.searchsorted(class_names, names)[numbers]


def _in_precision(rows: Rows, dtype: np.dtype) -> Rows:
    return rows if rows.dtype == dtype else array_rows(rows.read(0, len(rows)).astype(dtype))
