"""Metrics of one's own: functions of embeddings and labels, beside the built-in ones.

    def norm(embeddings, labels):
        return np.linalg.norm(embeddings, axis=1)

    score(embeddings, labels, metrics={"norm": norm, "margin": "margin"})

The function gets all rows at once, in memory: (n, d) in single precision, or double where the embeddings are stored so,
read-only; and the labels as they were given, (n,), or None. It returns n finite numbers, high = hard = keep.
"""

from collections.abc import Set
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.metrics.costs import own_metric_cost
from perceptron_pruning.embeddings.metrics.registry import MetricFamily
from perceptron_pruning.embeddings.runtime.context import ScoringContext


class OwnMetric(Protocol):
    """A function of embeddings (n, d) and labels (n,) or None that returns scores (n,)."""

    def __call__(self, embeddings: np.ndarray, labels: np.ndarray | None, /) -> ArrayLike: ...


def own_metric_family(name: str, function: OwnMetric) -> MetricFamily:
    """A family of one metric, computed by one process and not stored: the function may change between calls."""
    return MetricFamily(
        metrics=(name,),
        run=partial(_run, name, function),
        cost=own_metric_cost,
        labels=False,
        pairs=False,
        many_processes=False,
        checkpointed=False,
    )


def qualified_name(function: OwnMetric) -> str:
    """``module.name`` of a function (of a partial one, that of the whole), or of the class of another callable."""
    while isinstance(function, partial):
        function = function.func
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _run(name: str, function: OwnMetric, context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    embeddings = context.rows.read(0, len(context.rows)).view()
    embeddings.flags.writeable = False
    with context.progress.task(name, total=len(embeddings), unit="row") as advance:
        values = function(embeddings, context.labels)
        advance(len(embeddings))
    return {name: _checked(values, name, function, len(embeddings))}


def _checked(values: ArrayLike, name: str, function: OwnMetric, n_rows: int) -> np.ndarray:
    """The scores as float64.

    Raises:
        ValueError: They are not n finite numbers; the metric is named.
    """
    scores = np.asarray(values)
    if scores.shape != (n_rows,) or scores.dtype.kind not in "buif":
        problem = f"shape {scores.shape} of {scores.dtype}"
    elif not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores))[0])
        problem = f"{scores[row]} for row {row}"
    else:
        return scores.astype(np.float64)
    raise ValueError(
        f"the metric `{name}` ({qualified_name(function)}) must return finite numbers of shape ({n_rows},), "
        f"one a row; got {problem}"
    )
