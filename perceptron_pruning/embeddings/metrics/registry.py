"""All metrics: what each needs, what it costs, and who computes it. Metrics that share their work are one family."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.metrics.chance import random
from perceptron_pruning.embeddings.metrics.ensemble import EARLY, ensemble_metrics
from perceptron_pruning.embeddings.metrics.influence import influence
from perceptron_pruning.embeddings.metrics.margin import PROBE_ITERATIONS, margins
from perceptron_pruning.embeddings.metrics.memorization import memorization
from perceptron_pruning.embeddings.metrics.memorization_subsets import memorization_subsets
from perceptron_pruning.embeddings.metrics.prototypes import self_supervised_prototypes, supervised_prototypes
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.cost import Cost, Size
from perceptron_pruning.embeddings.runtime.settings import ScoreSettings


@dataclass(frozen=True, kw_only=True)
class Family:
    """Metrics that come from one piece of work.

    Attributes:
        metrics: Their names.
        run: Computes those that are asked: pool, names → scores.
        cost: Before the work: size, settings, names → cost.
        labels, test_set, pairs: Whether it needs labels, a test set, two examples of every class.
        many_processes: Whether processes can share the work.
    """

    metrics: tuple[str, ...]
    run: Callable[[Pool, Set[str]], dict[str, np.ndarray]]
    cost: Callable[[Size, ScoreSettings, Set[str]], Cost]
    labels: bool = True
    test_set: bool = False
    pairs: bool = True
    many_processes: bool = True


def _prototypes_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    steps = settings.kmeans.iterations + 1
    return Cost(
        flops=2.0 * size.n * size.d * size.n_clusters * steps,
        passes=steps + 1,
        state_bytes=8.0 * size.n + 40.0 * size.n_clusters * size.d,
    )


def _class_means_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    return Cost(flops=6.0 * size.n * size.d, passes=2, state_bytes=16.0 * size.n_classes * size.d)


def _probe_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    evaluations = PROBE_ITERATIONS + 3
    numbers = (size.d + 1) * size.n_classes
    return Cost(
        flops=(4.0 * evaluations + 2) * size.n * numbers,
        passes=evaluations + 1,
        state_bytes=8.0 * 30 * numbers + 16.0 * size.n,
    )


def _heads_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    heads = settings.heads
    epochs = heads.epochs if names - EARLY else heads.early_epochs
    outputs = size.d * size.n_classes * heads.n_models
    looks = bool(names & EARLY) + bool(names - EARLY - {"forgetting"})
    return Cost(
        flops=(4.0 * epochs + 2 * looks) * size.n * outputs,
        passes=epochs + looks,
        state_bytes=16.0 * outputs + 4.0 * size.n * heads.n_models,
    )


def _ridge_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    return Cost(
        flops=4.0 * size.n * size.d**2 + size.d**3,
        passes=2,
        state_bytes=40.0 * size.d**2 + 24.0 * size.d * size.n_classes,
    )


def _influence_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    fit = _ridge_cost(size, settings, names)
    width = size.n_test + size.n_classes
    return Cost(
        flops=fit.flops + 2.0 * size.n * size.d * width,
        passes=1 + -(-size.n_test // 8192),
        state_bytes=fit.state_bytes + 12.0 * 8192 * size.d,
    )


def _subsets_cost(size: Size, settings: ScoreSettings, names: Set[str]) -> Cost:
    ridge = settings.ridge
    per_round = 2.0 * size.n * size.d**2 + ridge.folds * (size.d**3 / 3 + 2.0 * size.d**2 * size.n_classes)
    return Cost(
        flops=ridge.rounds * (per_round + 2.0 * size.n * size.d * ridge.folds),
        passes=2 * ridge.rounds,
        state_bytes=24.0 * ridge.folds * size.d**2 + 16.0 * ridge.folds * size.d * size.n_classes,
    )


FAMILIES = (
    Family(
        metrics=("self_supervised_prototypes",),
        run=lambda pool, names: self_supervised_prototypes(pool),
        cost=_prototypes_cost,
        labels=False,
        pairs=False,
    ),
    Family(
        metrics=("supervised_prototypes",),
        run=lambda pool, names: supervised_prototypes(pool),
        cost=_class_means_cost,
    ),
    Family(
        metrics=("margin", "margin_label_agnostic"),
        run=lambda pool, names: margins(pool),
        cost=_probe_cost,
        pairs=False,
    ),
    Family(
        metrics=(
            "el2n",
            "el2n_1",
            "forgetting",
            "ddd",
            "active_learning",
            "active_learning_entropy",
            "active_learning_mutual_information",
        ),
        run=ensemble_metrics,
        cost=_heads_cost,
        many_processes=False,
    ),
    Family(metrics=("memorization",), run=lambda pool, names: memorization(pool), cost=_ridge_cost),
    Family(
        metrics=("memorization_subsets",),
        run=lambda pool, names: memorization_subsets(pool),
        cost=_subsets_cost,
        many_processes=False,
    ),
    Family(
        metrics=("influence_max", "influence_sum_abs"),
        run=lambda pool, names: influence(pool),
        cost=_influence_cost,
        test_set=True,
    ),
    Family(
        metrics=("random",),
        run=lambda pool, names: random(pool),
        cost=lambda size, settings, names: Cost(flops=0.0, passes=0, state_bytes=8.0 * size.n),
        labels=False,
        pairs=False,
    ),
)
METRICS = tuple(name for family in FAMILIES for name in family.metrics)


def metric_names(metrics: str | Sequence[str], *, labelled: bool, tested: bool) -> list[str]:
    """The names that ``metrics`` stands for; "all" is all that labels and test set allow.

    Raises:
        ValueError: A name is unknown, or its metric lacks labels or a test set.
    """
    if isinstance(metrics, str) and metrics == "all":
        able = [f for f in FAMILIES if (labelled or not f.labels) and (tested or not f.test_set)]
        return [name for family in able for name in family.metrics]
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


def family_of(name: str) -> Family:
    """The family of a metric."""
    return next(family for family in FAMILIES if name in family.metrics)
