"""Scores: how hard every example is, from embeddings of a frozen network; high means hard means keep."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import checked_ids, common_rows
from perceptron_pruning.embeddings.io.open import open_sources
from perceptron_pruning.embeddings.io.rows import chosen_rows
from perceptron_pruning.embeddings.metrics.registry import MetricFamily
from perceptron_pruning.embeddings.metrics.request import (
    MetricRequest,
    RequestedMetrics,
    check_feasible,
    requested_metrics,
    with_unseen,
)
from perceptron_pruning.embeddings.runtime.checkpoint import (
    Checkpoint,
    FolderCheckpoint,
    NoCheckpoint,
    load_everywhere,
    process_checkpoint,
)
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.cost import check_budget, matrix_rate, plan_text
from perceptron_pruning.embeddings.runtime.manifest import fingerprint
from perceptron_pruning.embeddings.runtime.prepare import ScoringInputs, Sources, scoring_context
from perceptron_pruning.embeddings.runtime.process_group import current_process_group
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import MEMORY_BUDGET, ScoreSettings
from perceptron_pruning.embeddings.scores import Scores
from perceptron_pruning.parallel.blas_threads import one_blas_thread


def score(
    embeddings: Sources,
    labels: ArrayLike | None = None,
    *,
    metrics: MetricRequest = "all",
    out_of_fold: bool = False,
    drop_rare: bool = False,
    test_embeddings: Sources | None = None,
    test_labels: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    n_clusters: int | None = None,
    n_models: int | None = None,
    seed: int | None = None,
    settings: ScoreSettings | None = None,
    memory_budget: float = MEMORY_BUDGET,
    checkpoint: str | Path | None = None,
    keep_checkpoint: bool = False,
    progress: Progress | None = None,
) -> Scores:
    """Pruning metrics of every example; a high score means hard, to be kept.

    ===================================  =======================================================  ===============
    metric                               score of example i                                       needs
    ===================================  =======================================================  ===============
    self_supervised_prototypes           min_k ‖x_i − centroid_k‖, k-means
    supervised_prototypes                ‖x_i − mean of the class of i‖                           labels
    margin                               −(p_y − max_{c≠y} p_c) of a linear probe                 labels
    margin_label_agnostic                −(p₁ − p₂), its two largest probabilities                labels
    el2n, el2n_1                         ‖p − onehot‖₂ early in training, mean of M heads, one    labels
    grand                                ‖p − onehot‖₂ √(‖x‖² + 1): gradient of a head's loss     labels
    forgetting                           times right turned to wrong; never learnt is highest     labels
    ddd                                  share of M heads that are wrong                          labels
    active_learning_entropy              entropy of the heads' mean probabilities (nats)          labels
    active_learning_mutual_information   that less the mean of their entropies (nats) †           labels
    active_learning                      1 for the 80 % of largest entropy, else 0                labels
    memorization                         own score with i in training minus without, exact        labels
    memorization_subsets                 the same from heads on 70 % subsets                      labels
    influence_max, influence_sum_abs     the same at a test point: maximum, Σ of sizes            labels, test set
    random                               uniform in [0, 1)
    margin_out_of_fold, …                the same by heads that did not see the row (by name)     labels
    knn_disagreement                     share of the 10 nearest rows with another label          labels
    knn_shapley                          what the row is worth as its neighbours' neighbour       labels
    ===================================  =======================================================  ===============

    † runs against hardness on real sets; `prune` warns of it.

    Metrics of one family share their work: ask for them in one call. Arithmetic is in single precision, in double
    where the embeddings are. Files are read in blocks; the result does not depend on the memory budget.

    A metric of one's own is a function of the embeddings and the labels that returns one number a row. It sees all
    rows at once, in memory; its cost is not known beforehand, and its scores are not stored in a checkpoint::

        def norm(embeddings, labels):
            return np.linalg.norm(embeddings, axis=1)

        score(embeddings, labels, metrics={"norm": norm, "margin": "margin"})

    Args:
        embeddings: (n, d) finite: an array, a file or folder (`.npy`, `.npz`, Parquet, safetensors, shards,
            clip-retrieval's layout), or a list of those: several networks' embeddings of the same examples.
        labels: (n,), any values that can be sorted; two classes at least.
        metrics: "all" (all that labels and test set allow), a name, a sequence of names, or a mapping from names in
            the result to built-in names or to functions f(embeddings (n, d), labels (n,) or None) → (n,).
        out_of_fold: Also the four metrics of heads that did not see the row.
        drop_rare: Leave out rows whose class has no other example; the identifiers say which rows are left.
        test_embeddings, test_labels: For influence: (n_test, d) and (n_test,), labels among those of the pool.
        ids: (n,) all different; carried into what is saved. Row numbers by default.
        n_clusters, n_models, seed: Instead of those in `settings`. k is the number of classes by default, 10
            without labels.
        settings: How the metrics are computed.
        memory_budget: Bytes that may be held. A metric that needs more is refused before the work.
        checkpoint: Folder of finished work: an interrupted call, repeated, resumes there.
        keep_checkpoint: Whether finished work stays until `Scores.discard_checkpoint`, when the scores are in place.
        progress: Told of the plan with its costs, and of every pass.

    Returns:
        Metric name → scores, (n,) float64; under `jax.distributed`, of the rows of this process.

    Raises:
        ValueError: The inputs do not match or are not finite (file and row are named), a metric is unknown or lacks
            its labels or test set, a metric of one's own does not return n finite numbers, a class has one example,
            a setting is out of range, or the budget is too small.
        ArithmeticError: A built-in metric is not finite for a row.
        LostProcessError: Another process died.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, and those of each metric in its module.

    Example:
        >>> from perceptron_pruning.embeddings import load_fashion_mnist, score
        >>> data = load_fashion_mnist()
        >>> hardness = score(data.train_embeddings[:300], data.train_labels[:300], metrics="margin")["margin"]
        >>> hardness.shape, bool((abs(hardness) <= 1).all())
        ((300,), True)
    """
    if drop_rare:
        embeddings, labels, ids = _without_rare(embeddings, labels, ids)
    if out_of_fold:
        metrics = with_unseen(metrics, labelled=labels is not None, tested=test_embeddings is not None)
    requested = requested_metrics(metrics, labelled=labels is not None, tested=test_embeddings is not None)
    context = scoring_context(
        ScoringInputs(embeddings=embeddings, labels=labels, test_embeddings=test_embeddings, test_labels=test_labels),
        settings=_with_overrides(settings or ScoreSettings(), n_clusters, n_models, seed),
        group=current_process_group(),
        progress=progress or NoProgress(),
        need_pairs=any(family.pairs for family in requested.families),
    )
    check_feasible(requested, context)
    own_ids = None if ids is None else _own_ids(ids, context)
    _check_costs(requested, context, memory_budget)
    store = _checkpoint(checkpoint, requested, context)
    computed, seconds = _compute(requested, replace(context, checkpoint=store))
    if isinstance(store, FolderCheckpoint) and not keep_checkpoint:
        store.remove()
    return Scores(
        scores=requested.named(computed),
        ids=own_ids,
        labels=context.labels,
        context=replace(context, progress=NoProgress()),
        checkpoint=store if keep_checkpoint else NoCheckpoint(),
        origins=requested.origins,
        seconds=seconds,
    )


def score_again(scores: Scores, seed: int) -> dict[str, np.ndarray]:
    """The same built-in metrics of the same rows with another seed, (n,) each."""
    settings = replace(scores.context.settings, seed=seed)
    requested = RequestedMetrics(sources=scores.origins)
    computed, _ = _compute(requested, replace(scores.context, settings=settings, checkpoint=NoCheckpoint()))
    return requested.named(computed)


def _without_rare(
    embeddings: Sources, labels: ArrayLike | None, ids: ArrayLike | None
) -> tuple[Sources, ArrayLike, ArrayLike]:
    """The rows whose class has another example, their labels and identifiers."""
    if labels is None:
        raise ValueError("`drop_rare` needs `labels`; got None")
    networks = open_sources(embeddings)
    n_rows = len(networks[0])
    left = common_rows(labels, n_rows)
    names = np.arange(n_rows) if ids is None else checked_ids(ids, n_rows)
    return [chosen_rows(rows, left) for rows in networks], np.asarray(labels)[left], names[left]


def _with_overrides(
    settings: ScoreSettings, n_clusters: int | None, n_models: int | None, seed: int | None
) -> ScoreSettings:
    if n_clusters is not None:
        settings = replace(settings, kmeans=replace(settings.kmeans, n_clusters=n_clusters))
    if n_models is not None:
        settings = replace(settings, heads=replace(settings.heads, n_models=n_models))
    return settings if seed is None else replace(settings, seed=seed)


def _check_costs(requested: RequestedMetrics, context: ScoringContext, memory_budget: float) -> None:
    """Shows the plan; raises a `ValueError` if the memory budget is too small."""
    costs = requested.costs(context)
    check_budget(costs, context.rows.dtype, memory_budget)
    if type(context.progress) is not NoProgress:  # the rate is measured only for a plan that is shown
        context.progress.say(plan_text(costs, context, matrix_rate(context.rows.dtype)))


def _checkpoint(folder: str | Path | None, requested: RequestedMetrics, context: ScoringContext) -> Checkpoint:
    """The store of this process's finished work."""
    if folder is None:
        return NoCheckpoint()
    _check_disk(Path(folder), requested, context)
    computation = {**fingerprint(context), "settings": context.settings.as_dict(), "metrics": requested.built_in}
    return process_checkpoint(folder, context.group, computation)


def _check_disk(folder: Path, requested: RequestedMetrics, context: ScoringContext) -> None:
    """Raises an `OSError` unless scores, their file, and the largest state of a metric fit on the disk."""
    names = max(1, len(requested.sources))
    states = [cost.state_bytes for cost in requested.costs(context).values()]
    needed = 2 * 8.0 * len(context.rows) * names + max(states, default=0.0)
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise OSError(f"finished work and scores need {needed / 1e9:.2g} GB in {place}, {free / 1e9:.2g} GB are free")


def _compute(requested: RequestedMetrics, context: ScoringContext) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Scores of every metric, (n,) each, and wall seconds of every family, under its first metric."""
    scores: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    for family, names in requested.families.items():
        begun = time.perf_counter()
        scores |= _family_scores(family, names, context)
        seconds[names[0]] = round(time.perf_counter() - begun, 3)
    return scores, seconds


def _family_scores(family: MetricFamily, names: Sequence[str], context: ScoringContext) -> dict[str, np.ndarray]:
    """The family's scores: from the checkpoint, if every process has them there, or computed."""
    if not family.checkpointed:
        return family.run(context, set(names))
    entry = f"done_{family.metrics[0]}"
    stored = load_everywhere(context.checkpoint, entry, context.group)
    if stored is not None:
        return stored
    with one_blas_thread():  # others would wait, and busily, for the next product
        computed = family.run(context, set(names))
    scores = {name: _finite(name, computed[name], context) for name in names}
    context.checkpoint.save(entry, **scores)
    return scores


def _finite(metric: str, values: np.ndarray, context: ScoringContext) -> np.ndarray:
    """The scores as float64; an `ArithmeticError` names the first row without a finite one."""
    values = np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ArithmeticError(
            f"{metric} came out as {values[bad[0]]} for {context.rows.where(int(bad[0]))} ({bad.size} such rows); "
            "double-precision embeddings or a larger ridge may help"
        )
    return values


def _own_ids(ids: ArrayLike, context: ScoringContext) -> np.ndarray:
    """Identifiers of the rows of this process."""
    return checked_ids(ids, context.standardisation.n_rows)[context.rows.start : context.rows.stop]
