"""Costs of the families of metrics: flops of their matrix products, passes over the rows, bytes of their state.

n rows, d features, C classes, k centroids; see `Cost` for the units. Of P processes each receives a sum of floats P
times, once from each of them; a sum of integers, or what one process sends to all, twice.

What is no product was measured on cores of 2.6 GHz, with rows in half precision: .8 to 4 ns for a number that is read,
widened and standardised, 3 to 8 for a probability, .3 to 1.2 for a feature that a head copies; and so was compilation.
"""

from collections.abc import Set

from perceptron_pruning.embeddings.runtime.cost import Cost, ProblemSize
from perceptron_pruning.embeddings.runtime.settings import (
    ADDED_NUMBERS,
    EARLY_METRICS,
    GROUP_NUMBERS,
    HEAD_BY_HEAD_CLASSES,
    LISTED_NEIGHBOURS,
    MARGIN_PROBE_ITERATIONS,
    MULTIPLIED_BYTES,
    PASSING_ROWS,
    SEARCHING_THREADS,
    SEEN_COMPONENTS,
    TEST_ROWS_AT_ONCE,
    UNSEEN_EVALUATIONS,
    ScoreSettings,
    rounds_together,
)
from perceptron_pruning.parallel.cores import usable_cores

NANO = 1e-9  # seconds


def kmeans_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n d k flops a step, and once more for the distances; sums, centroids and their temporaries are held."""
    steps = settings.kmeans.iterations + 1
    return Cost(
        flops=2.0 * size.n * size.d * size.n_clusters * steps,
        passes=steps + 1,
        state_bytes=8.0 * size.n + 40.0 * size.n_clusters * size.d,
        received_bytes=8.0 * size.n_clusters * (size.d + 1) * (steps - 1) * size.senders,
        core_seconds=0.8 * NANO * size.n * size.d * (steps + 1),
        start_seconds=1.6,
    )


def class_means_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """A pass for the means and one for the distances."""
    sums = 8.0 * size.n_classes * size.d
    return Cost(
        flops=6.0 * size.n * size.d,
        passes=2,
        state_bytes=2 * sums,
        received_bytes=sums * size.senders,
        core_seconds=8.0 * NANO * size.n * size.d,
        start_seconds=0.3,
    )


def margin_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """4 n (d + 1) C flops an evaluation of loss and gradient; L-BFGS holds about 30 vectors of the parameters."""
    evaluations = MARGIN_PROBE_ITERATIONS + 3
    parameters = (size.d + 1) * size.n_classes
    return Cost(
        flops=(4.0 * evaluations + 2) * size.n * parameters,
        passes=evaluations + 1,
        state_bytes=8.0 * 30 * parameters + 16.0 * size.n,
        received_bytes=8.0 * parameters * evaluations * size.senders,
        core_seconds=NANO * evaluations * size.n * (3.5 * size.d + 8.0 * size.n_classes),
        start_seconds=0.2,
    )


def ensemble_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """4 n d C M flops an epoch, half as many for each measurement; four arrays of weights and the logs are held.

    From 32 classes on only the features that a head sees count, which it copies for each batch. That a host leaves out
    rows that no bootstrap has drawn makes up for the steps of the weights.

    Of many processes each trains its share of the heads on the rows of all, whose embeddings, classes, bootstrap
    weights and visits it receives, and measures its own rows.
    """
    heads = settings.heads
    epochs = heads.epochs if names - EARLY_METRICS else heads.early_epochs
    own_heads = -(-heads.n_models // size.processes)
    weights = size.d * size.n_classes
    seen = (1 + (heads.n_models - 1) * heads.subspace) / heads.n_models
    head_by_head = size.n_classes >= HEAD_BY_HEAD_CLASSES
    multiplied = weights * (seen if head_by_head else 1.0)
    of_visit = NANO * (1.2 * seen * size.d + 3.0 * size.n_classes if head_by_head else 100.0 + 0.3 * size.d)
    measurements = bool(names & EARLY_METRICS) + bool(names - EARLY_METRICS - {"forgetting"})
    visited = size.n_all * (size.sent_bytes * size.d + 8.0 + 2 * heads.n_models) if size.processes > 1 else 0.0
    group = 12.0 * GROUP_NUMBERS if size.processes > 1 else 0.0
    return Cost(
        flops=4.0 * epochs * size.n_all * multiplied * own_heads
        + 2.0 * measurements * size.n * multiplied * heads.n_models,
        passes=epochs + measurements,
        state_bytes=16.0 * weights * heads.n_models + 4.0 * size.n * heads.n_models + group,
        received_bytes=epochs * visited,
        core_seconds=of_visit * (epochs * size.n_all * own_heads + 0.5 * measurements * size.n * heads.n_models),
        start_seconds=1.8,
    )


def ridge_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n d² flops each for XᵀX and for the leverages, d³ for the factor."""
    return Cost(
        flops=4.0 * size.n * size.d**2 + size.d**3,
        passes=2,
        state_bytes=40.0 * size.d**2 + 24.0 * size.d * size.n_classes,
        received_bytes=8.0 * size.d * (size.d + size.n_classes) * size.senders,
        core_seconds=6.0 * NANO * size.n * size.d,
        start_seconds=0.4,
    )


def influence_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """The ridge fit, and 2 n d flops for each test row and class."""
    fit = ridge_cost(size, settings, names)
    assert fit.flops is not None
    return Cost(
        flops=fit.flops + 2.0 * size.n * size.d * (size.n_test + size.n_classes),
        passes=1 + -(-size.n_test // TEST_ROWS_AT_ONCE),
        state_bytes=fit.state_bytes + 12.0 * TEST_ROWS_AT_ONCE * size.d,
        received_bytes=fit.received_bytes,
        core_seconds=fit.core_seconds,
        start_seconds=fit.start_seconds,
    )


def subsets_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """A round takes 2 n d² flops for the folds' moments, a factor and C solutions a head, 2 n d for the scores.

    Where two rounds share a pass, the moments of both and the rows that are multiplied together are held; of many
    processes, a process's own and those of all.
    """
    ridge, together = settings.ridge, rounds_together(settings.ridge, size.d)
    moments = together * (2 if size.processes > 1 else 1)
    held = min(MULTIPLIED_BYTES, size.n * size.d * size.sent_bytes) if together > 1 else 0.0
    passes = -(-ridge.rounds // together) + 1
    fits = 2.0 * size.n * size.d**2 + ridge.folds * (size.d**3 / 3 + 2.0 * size.d**2 * size.n_classes)
    return Cost(
        flops=ridge.rounds * (fits + 2.0 * size.n * size.d),
        passes=passes,
        state_bytes=ridge.folds * size.d * (8.0 * (1 + moments) * size.d + 16.0 * moments * size.n_classes) + held,
        received_bytes=8.0 * ridge.rounds * ridge.folds * size.d * (size.d + size.n_classes) * size.senders,
        core_seconds=3.0 * NANO * size.n * size.d * passes,
        start_seconds=0.8,
    )


def uniform_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """One number a row."""
    return Cost(flops=0.0, passes=0, state_bytes=8.0 * size.n)


def own_metric_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """All rows in memory; the arithmetic of a function of one's own is not known."""
    return Cost(flops=None, passes=1, state_bytes=size.loaded_bytes)


def unseen_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """Six heads on k ≤ 128 components, 4 n k C flops an evaluation, about 60 of them each; components are held twice.

    A sum of many processes is three integers a parameter; the parameters go round before it.
    """
    components = min(size.d, SEEN_COMPONENTS)
    parameters = (components + 1) * size.n_classes
    evaluations = 6.0 * UNSEEN_EVALUATIONS
    added = 40.0 * max(parameters, min(ADDED_NUMBERS, size.n // 256 * parameters))
    return Cost(
        flops=4.0 * 5 * UNSEEN_EVALUATIONS * size.n * components * size.n_classes + _projection_flops(size),
        passes=3,
        state_bytes=size.n * (8.0 * components + 40) + 8.0 * size.n_all + 640.0 * parameters + added + 40.0 * size.d**2,
        received_bytes=evaluations * parameters * (48.0 + 16) * (size.processes > 1) + _projection_received(size),
    )


def neighbours_cost(size: ProblemSize, settings: ScoreSettings, names: Set[str]) -> Cost:
    """2 n² k flops on at most 128 components; components, lists of 100 and a block of distances are held.

    Of many processes each compares its rows with those of all, which it receives.
    """
    components = min(size.d, SEEN_COMPONENTS)
    passing = min(PASSING_ROWS, size.n_all)
    others = size.n_all * (8.0 * components + 2 + 16)
    return Cost(
        flops=2.0 * size.n * size.n_all * components + _projection_flops(size),
        passes=3,
        state_bytes=size.n * (4.0 * components + 52 * LISTED_NEIGHBOURS)
        + 4.0 * size.n_all
        + 8.0 * 1024 * passing * min(usable_cores(), SEARCHING_THREADS)
        + 40.0 * size.d**2,
        received_bytes=(others if size.processes > 1 else 0.0) + _projection_received(size),
    )


def near_duplicates_cost(size: ProblemSize) -> Cost:
    """n² d flops; the numbers of the groups of all rows are held, and the rows that pass.

    Of many processes each compares its rows with those of half of the others, and receives those of all. An eighth of a
    process's rows pass at a time, and it reads its own for each.
    """
    passing = max(PASSING_ROWS, size.n // 8)
    return Cost(
        flops=1.0 * size.n * size.n_all * size.d,
        passes=2 + size.n_all / 2 / passing,
        state_bytes=4.0 * size.d * (2 * min(passing, size.n) + 2 * 2048) + 8.0 * size.n_all,
        received_bytes=8.0 * size.n_all * size.d if size.processes > 1 else 0.0,
    )


def covering_cost(size: ProblemSize, keep_fraction: float) -> Cost:
    """k-centre greedy or herding in every class: 2 f n_c² k flops on at most 128 components, of equal classes.

    Of many processes each takes C/P of the classes, rounded up; the components of all pass by, a class at a time.
    """
    components, classes = min(size.d, SEEN_COMPONENTS), max(1, size.n_classes)
    members = size.n_all / classes
    own_classes = -(-classes // size.processes)
    return Cost(
        flops=2.0 * keep_fraction * members**2 * components * own_classes + _projection_flops(size),
        passes=3,
        state_bytes=4.0 * components * (size.n + 3 * members) + 8.0 * size.n_all + 40.0 * size.d**2,
        received_bytes=(4.0 * components + 8 * keep_fraction) * size.n_all * (size.processes > 1)
        + _projection_received(size),
    )


def _projection_received(size: ProblemSize) -> float:
    """Of the sums of the covariance, three integers each, where there are more features than components."""
    return 48.0 * size.d**2 if size.d > SEEN_COMPONENTS and size.processes > 1 else 0.0


def _projection_flops(size: ProblemSize) -> float:
    """Of the covariance and of the projection, where there are more features than components."""
    return 2.0 * size.n * size.d * (size.d + SEEN_COMPONENTS) if size.d > SEEN_COMPONENTS else 0.0
