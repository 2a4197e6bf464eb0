"""All built-in metrics: what each needs, what it costs, and the function that computes it.

Metrics that share their work are one family. A family's module is imported when the family is run, so that the
registry does not load JAX. To add a metric: a module beside this one, a function of the context here, a cost in
`costs`, and an entry in `FAMILIES`.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.metrics import costs
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.cost import Cost, ProblemSize
from perceptron_pruning.embeddings.runtime.settings import ScoreSettings


@dataclass(frozen=True, kw_only=True)
class MetricFamily:
    """Metrics that come from one piece of work.

    Attributes:
        metrics: Their names.
        run: Computes the asked ones: context, names → scores, (n,) each.
        cost: Cost before the work: size, settings, names → cost.
        labels, test_set, pairs: Whether it needs labels, a test set, two examples of every class.
        many_processes: Whether processes can share the work.
        checkpointed: Whether finished scores are stored, for an interrupted call to resume from.
        in_all: Whether "all" asks for them; the others are asked for by name.
    """

    metrics: tuple[str, ...]
    run: Callable[[ScoringContext, Set[str]], dict[str, np.ndarray]]
    cost: Callable[[ProblemSize, ScoreSettings, Set[str]], Cost]
    labels: bool = True
    test_set: bool = False
    pairs: bool = True
    many_processes: bool = True
    checkpointed: bool = True
    in_all: bool = True


def _self_supervised_prototypes(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.prototypes import self_supervised_prototypes

    return self_supervised_prototypes(context)


def _supervised_prototypes(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.prototypes import supervised_prototypes

    return supervised_prototypes(context)


def _margins(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.margin import margins

    return margins(context)


def _ensemble_metrics(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.ensemble import ensemble_metrics

    return ensemble_metrics(context, names)


def _memorization(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.memorization import memorization

    return memorization(context)


def _memorization_subsets(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.memorization_subsets import memorization_subsets

    return memorization_subsets(context)


def _influence(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.influence import influence

    return influence(context)


def _unseen_metrics(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.unseen import unseen_metrics

    return unseen_metrics(context)


def _neighbour_metrics(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.neighbours import neighbour_metrics

    return neighbour_metrics(context)


def _uniform_scores(context: ScoringContext, names: Set[str]) -> dict[str, np.ndarray]:
    from perceptron_pruning.embeddings.metrics.uniform import uniform_scores

    return uniform_scores(context)


FAMILIES = (
    MetricFamily(
        metrics=("self_supervised_prototypes",),
        run=_self_supervised_prototypes,
        cost=costs.kmeans_cost,
        labels=False,
        pairs=False,
    ),
    MetricFamily(metrics=("supervised_prototypes",), run=_supervised_prototypes, cost=costs.class_means_cost),
    MetricFamily(metrics=("margin", "margin_label_agnostic"), run=_margins, cost=costs.margin_cost, pairs=False),
    MetricFamily(
        metrics=(
            "el2n",
            "el2n_1",
            "grand",
            "forgetting",
            "ddd",
            "active_learning",
            "active_learning_entropy",
            "active_learning_mutual_information",
        ),
        run=_ensemble_metrics,
        cost=costs.ensemble_cost,
    ),
    MetricFamily(metrics=("memorization",), run=_memorization, cost=costs.ridge_cost),
    MetricFamily(metrics=("memorization_subsets",), run=_memorization_subsets, cost=costs.subsets_cost),
    MetricFamily(
        metrics=("influence_max", "influence_sum_abs"), run=_influence, cost=costs.influence_cost, test_set=True
    ),
    MetricFamily(metrics=("random",), run=_uniform_scores, cost=costs.uniform_cost, labels=False, pairs=False),
    MetricFamily(
        metrics=(
            "margin_out_of_fold",
            "margin_label_agnostic_out_of_fold",
            "el2n_out_of_fold",
            "memorization_out_of_fold",
        ),
        run=_unseen_metrics,
        cost=costs.unseen_cost,
        pairs=False,
        in_all=False,
    ),
    MetricFamily(
        metrics=("knn_disagreement", "knn_shapley"),
        run=_neighbour_metrics,
        cost=costs.neighbours_cost,
        pairs=False,
        in_all=False,
    ),
)
METRICS = tuple(name for family in FAMILIES for name in family.metrics)


UNSEEN_METRICS = tuple(name for name in METRICS if name.endswith("_out_of_fold"))


def family_of(name: str) -> MetricFamily:
    """The family of a built-in metric."""
    return next(family for family in FAMILIES if name in family.metrics)


def metric_names(metrics: str | Sequence[str], *, labelled: bool, tested: bool) -> list[str]:
    """The built-in metrics that ``metrics`` stands for; "all" is all that labels and test set allow.

    Raises:
        ValueError: A name is unknown, or its metric lacks labels or a test set.
    """
    if isinstance(metrics, str) and metrics == "all":
        possible = [f for f in FAMILIES if f.in_all and (labelled or not f.labels) and (tested or not f.test_set)]
        return [name for family in possible for name in family.metrics]
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"`metrics` must be among {', '.join(METRICS)}, or all; got {unknown or names}")
    for name in names:
        family = family_of(name)
        if family.labels and not labelled:
            raise ValueError(f"`labels` must be given for the metric {name}; got None")
        if family.test_set and not tested:
            raise ValueError(f"`test_embeddings` and `test_labels` must be given for the metric {name}; got None")
    return names
