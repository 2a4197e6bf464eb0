"""The metrics that a caller asks for: built-in names and functions of one's own, gathered into families."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from perceptron_pruning.embeddings.metrics.own import OwnMetric, own_metric_family, qualified_name
from perceptron_pruning.embeddings.metrics.registry import (
    METRICS,
    UNSEEN_METRICS,
    MetricFamily,
    family_of,
    metric_names,
)
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.cost import Cost, problem_size
from perceptron_pruning.embeddings.runtime.standardise import check_varied

MetricRequest = str | Sequence[str] | Mapping[str, str | OwnMetric]
"""A name, several names, or name in the result → built-in name or function of embeddings and labels."""

RESERVED_NAMES = ("all", "file", "id", "image", "label", *METRICS)  # with a meaning of their own in requests or files


@dataclass(frozen=True, kw_only=True)
class RequestedMetrics:
    """The scores to compute.

    Attributes:
        sources: Name in the result → built-in metric, or function of one's own.
    """

    sources: Mapping[str, str | OwnMetric]

    @property
    def origins(self) -> dict[str, str]:
        """Name in the result → built-in metric, or qualified name of the function."""
        return {
            name: source if isinstance(source, str) else qualified_name(source) for name, source in self.sources.items()
        }

    @property
    def built_in(self) -> list[str]:
        """The built-in metrics among them."""
        return [source for source in self.sources.values() if isinstance(source, str)]

    @cached_property
    def families(self) -> dict[MetricFamily, tuple[str, ...]]:
        """The families that compute them, each with the metrics asked of it, in its own order."""
        asked = set(self.built_in)
        built_in = list(dict.fromkeys(family_of(name) for name in METRICS if name in asked))
        own = [own_metric_family(name, source) for name, source in self.sources.items() if not isinstance(source, str)]
        families = {family: tuple(name for name in family.metrics if name in asked) for family in built_in}
        return families | {family: family.metrics for family in own}

    def costs(self, context: ScoringContext) -> dict[str, Cost]:
        """Cost of each family, under the names of its metrics."""
        size = problem_size(context)
        return {
            ", ".join(names): family.cost(size, context.settings, set(names)) for family, names in self.families.items()
        }

    def named(self, computed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The scores under their names in the result, in the order of the request."""
        return {name: computed[source if isinstance(source, str) else name] for name, source in self.sources.items()}


def requested_metrics(metrics: MetricRequest, *, labelled: bool, tested: bool) -> RequestedMetrics:
    """The metrics that the argument of `score` stands for.

    Raises:
        ValueError: A name is unknown or reserved, a value is no function, or labels or a test set are lacking.
    """
    if not isinstance(metrics, Mapping):
        return RequestedMetrics(
            sources={name: name for name in metric_names(metrics, labelled=labelled, tested=tested)}
        )
    sources = cast(Mapping[str, str | OwnMetric], metrics)
    for name, source in sources.items():
        _check_entry(name, source)
    built_in = [source for source in sources.values() if isinstance(source, str)]
    if built_in or not sources:
        metric_names(built_in, labelled=labelled, tested=tested)
    return RequestedMetrics(sources=dict(sources))


def with_unseen(metrics: MetricRequest, *, labelled: bool, tested: bool) -> MetricRequest:
    """The request and the four metrics of heads that did not see the row."""
    unseen = {name: name for name in UNSEEN_METRICS}
    if isinstance(metrics, Mapping):
        return {**cast(Mapping[str, str | OwnMetric], metrics), **unseen}
    return list(dict.fromkeys([*metric_names(metrics, labelled=labelled, tested=tested), *unseen]))


def _check_entry(name: object, source: object) -> None:
    """Raises a `ValueError` unless the name is free for its source, and the source a name or a function."""
    if not isinstance(source, str) and not callable(source):
        raise ValueError(f"`metrics` must map names to built-in names or functions; got {source!r} for {name}")
    if not isinstance(name, str) or not name or (name in RESERVED_NAMES and source != name):
        raise ValueError(
            f"`metrics` must name each metric of one's own by a text that is not taken; got {name!r} "
            f"(taken: {', '.join(RESERVED_NAMES)})"
        )


def check_feasible(requested: RequestedMetrics, context: ScoringContext) -> None:
    """Raises a `ValueError` for what would stop a metric: every complaint comes before the first is computed."""
    for family in requested.families:
        if context.group.size > 1 and not family.many_processes:
            raise ValueError(
                f"`metrics` must be computed by one process for {family.metrics[0]}; got {context.group.size}"
            )
        if family.labels and context.n_classes < 2:
            raise ValueError(f"`labels` must have at least two classes; got {context.n_classes}")
        if family.labels and family.metrics[0] != "supervised_prototypes":
            check_varied(context.standardisation)
    _check_counts(set(requested.built_in), context)


def _check_counts(names: set[str], context: ScoringContext) -> None:
    """Raises a `ValueError` if there are fewer rows than clusters or folds."""
    n_rows, folds = context.standardisation.n_rows, context.settings.ridge.folds
    if "self_supervised_prototypes" in names and not 1 <= context.n_clusters <= n_rows:
        raise ValueError(f"`n_clusters` must be in [1, {n_rows}], the number of rows; got {context.n_clusters}")
    if "memorization_subsets" in names and n_rows < folds:
        raise ValueError(f"`folds` must be at most {n_rows}, the number of rows; got {folds}")
