"""Costs of the families of metrics: flops of their matrix products, passes over the rows, bytes of their state.

n rows, d features, C classes, k centroids; see `Cost` for the units.
"""

from collections.abc import Set

from perceptron_pruning.embeddings.runtime.cost import Cost, ProblemSize
from perceptron_pruning.embeddings.runtime.settings import (
    EARLY_METRICS,
    LISTED_NEIGHBOURS,
    MARGIN_PROBE_ITERATIONS,
    SEEN_COMPONENTS,
    TEST_ROWS_AT_ONCE,
    UNSEEN_EVALUATIONS,
    ScoreSettings,
)


def kmeans_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n d k flops a step, and once more for the distances; sums, centroids and their temporaries are held."""
    steps = settings.kmeans.iterations + 1
    return Cost(
        flops=2.0 * size.n * size.d * size.n_clusters * steps,
        passes=steps + 1,
        state_bytes=8.0 * size.n + 40.0 * size.n_clusters * size.d,
    )


def class_means_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """A pass for the means and one for the distances."""
    return Cost(flops=6.0 * size.n * size.d, passes=2, state_bytes=16.0 * size.n_classes * size.d)


def margin_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """4 n (d + 1) C flops an evaluation of loss and gradient; L-BFGS holds about 30 vectors of the parameters."""
    evaluations = MARGIN_PROBE_ITERATIONS + 3
    parameters = (size.d + 1) * size.n_classes
    return Cost(
        flops=(4.0 * evaluations + 2) * size.n * parameters,
        passes=evaluations + 1,
        state_bytes=8.0 * 30 * parameters + 16.0 * size.n,
    )


def ensemble_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """4 n d C M flops an epoch, half as many for each measurement; four arrays of weights and the logs are held."""
    heads = settings.heads
    epochs = heads.epochs if names - EARLY_METRICS else heads.early_epochs
    weights = size.d * size.n_classes * heads.n_models
    measurements = bool(names & EARLY_METRICS) + bool(names - EARLY_METRICS - {"forgetting"})
    return Cost(
        flops=(4.0 * epochs + 2 * measurements) * size.n * weights,
        passes=epochs + measurements,
        state_bytes=16.0 * weights + 4.0 * size.n * heads.n_models,
    )


def ridge_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n d² flops each for XᵀX and for the leverages, d³ for the factor."""
    return Cost(
        flops=4.0 * size.n * size.d**2 + size.d**3,
        passes=2,
        state_bytes=40.0 * size.d**2 + 24.0 * size.d * size.n_classes,
    )


def influence_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """The ridge fit, and 2 n d flops for each test row and class."""
    fit = ridge_cost(size, settings, names)
    assert fit.flops is not None
    return Cost(
        flops=fit.flops + 2.0 * size.n * size.d * (size.n_test + size.n_classes),
        passes=1 + -(-size.n_test // TEST_ROWS_AT_ONCE),
        state_bytes=fit.state_bytes + 12.0 * TEST_ROWS_AT_ONCE * size.d,
    )


def subsets_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """A round takes 2 n d² flops for the folds' moments, a factor and C solutions a head, 2 n d a head for scores."""
    ridge = settings.ridge
    fits = 2.0 * size.n * size.d**2 + ridge.folds * (size.d**3 / 3 + 2.0 * size.d**2 * size.n_classes)
    return Cost(
        flops=ridge.rounds * (fits + 2.0 * size.n * size.d * ridge.folds),
        passes=2 * ridge.rounds,
        state_bytes=24.0 * ridge.folds * size.d**2 + 16.0 * ridge.folds * size.d * size.n_classes,
    )


def uniform_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """One number a row."""
    return Cost(flops=0.0, passes=0, state_bytes=8.0 * size.n)


def own_metric_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """All rows in memory; the arithmetic of a function of one's own is not known."""
    return Cost(flops=None, passes=1, state_bytes=size.loaded_bytes)


def unseen_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """Six heads on k ≤ 128 components, 4 n k C flops an evaluation, about 60 of them each; all components are held."""
    components = min(size.d, SEEN_COMPONENTS)
    return Cost(
        flops=4.0 * 5 * UNSEEN_EVALUATIONS * size.n * components * size.n_classes + _projection_flops(size),
        passes=3,
        state_bytes=4.0 * size.n * (2 * components + 5 * size.n_classes) + 16.0 * size.d**2,
    )


def neighbours_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n² k flops on at most 128 components; components, lists of 100 and a block of 1024 n distances are held."""
    components = min(size.d, SEEN_COMPONENTS)
    return Cost(
        flops=2.0 * size.n**2 * components + _projection_flops(size),
        passes=3,
        state_bytes=size.n * (4.0 * components + 16 * LISTED_NEIGHBOURS + 12 * 1024) + 16.0 * size.d**2,
    )


def _projection_flops(size: ProblemSize) -> float:
    """Of the covariance and of the projection, where there are more features than components."""
    return 2.0 * size.n * size.d * (size.d + SEEN_COMPONENTS) if size.d > SEEN_COMPONENTS else 0.0
