"""How hard every example is, from embeddings of a frozen network: high means hard means keep."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import check_pairs, checked_ids, encoded
from perceptron_pruning.embeddings.io.opening import open_all
from perceptron_pruning.embeddings.io.rows import Rows, array_rows, side_by_side
from perceptron_pruning.embeddings.metrics.registry import FAMILIES, Family, metric_names
from perceptron_pruning.embeddings.runtime.blocks import BLOCK_NUMBERS
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, FolderCheckpoint, NoCheckpoint, load_everywhere
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.cost import (
    RUNTIME_BYTES,
    Cost,
    check_budget,
    matrix_rate,
    plan_text,
    size_of,
)
from perceptron_pruning.embeddings.runtime.manifest import fingerprint
from perceptron_pruning.embeddings.runtime.process_group import World, current_world
from perceptron_pruning.embeddings.runtime.progress import Progress, Silent
from perceptron_pruning.embeddings.runtime.settings import ScoreSettings
from perceptron_pruning.embeddings.runtime.standardise import check_varied, statistics_of
from perceptron_pruning.embeddings.scores import Scores

MEMORY_BUDGET = 2e9


def score(
    embeddings: object,
    labels: ArrayLike | None = None,
    *,
    metrics: str | Sequence[str] = "all",
    test_embeddings: object = None,
    test_labels: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    n_clusters: int | None = None,
    n_models: int | None = None,
    seed: int | None = None,
    settings: ScoreSettings | None = None,
    memory_budget: float = MEMORY_BUDGET,
    checkpoint: str | Path | None = None,
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
    forgetting                           times right turned to wrong; never learnt is highest     labels
    ddd                                  share of M heads that are wrong                          labels
    active_learning_entropy              entropy of the heads' mean probabilities (nats)          labels
    active_learning_mutual_information   that less the mean of their entropies (nats)             labels
    active_learning                      1 for the 80 % of largest entropy, else 0                labels
    memorization                         own score with i in training minus without, exact        labels
    memorization_subsets                 the same from heads on 70 % subsets                      labels
    influence_max, influence_sum_abs     the same at a test point: maximum, Σ of sizes            labels, test set
    random                               uniform in [0, 1)
    ===================================  =======================================================  ===============

    Metrics of one family share their work: ask for them in one call. Arithmetic is in single precision, in double
    where the embeddings are. Files are read in blocks; the result does not depend on the memory budget.

    Args:
        embeddings: (n, d) finite: an array, a file or folder (`.npy`, `.npz`, Parquet, safetensors, shards,
            clip-retrieval's layout), or a list of those: several networks' embeddings of the same examples.
        labels: (n,), any values that can be sorted; two classes at least.
        metrics: "all" (all that labels and test set allow), a name, or a sequence of names.
        test_embeddings, test_labels: For influence: (n_test, d) and (n_test,), labels among those of the pool.
        ids: (n,) all different; carried into what is saved. Row numbers by default.
        n_clusters, n_models, seed: Instead of those in `settings`. k is the number of classes by default, 10
            without labels.
        settings: How the metrics are computed.
        memory_budget: Bytes that may be held. A metric that needs more is refused before the work.
        checkpoint: Folder in which finished work is kept: an interrupted call, repeated, goes on there.
        progress: Told of the plan with its costs, and of every pass.

    Returns:
        Metric name → scores, (n,) float64; under `jax.distributed`, of the rows of this process.

    Raises:
        ValueError: The inputs do not match or are not finite (file and row are named), a metric is unknown or lacks
            its labels or test set, a class has one example, a setting is out of range, or the budget is too small.
        LostProcessError: Another process died.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, and those of each metric in its module.
    """
    settings = _with(settings or ScoreSettings(), n_clusters, n_models, seed)
    names = metric_names(metrics, labelled=labels is not None, tested=test_embeddings is not None)
    world, progress = current_world(), progress or Silent()
    families = {family: set(names) & set(family.metrics) for family in FAMILIES if set(names) & set(family.metrics)}
    pairs = any(family.pairs for family in families)
    pool, own_labels = _pool(embeddings, labels, settings, world, progress, pairs=pairs)
    pool = _with_test_set(pool, test_embeddings, test_labels)
    _check(pool, families, names)
    costs = {", ".join(_ordered(family, wanted)): _cost(family, wanted, pool) for family, wanted in families.items()}
    check_budget(costs, 4.0 * BLOCK_NUMBERS * pool.rows.dtype.itemsize + RUNTIME_BYTES, memory_budget)
    if type(progress) is not Silent:
        progress.say(plan_text(costs, pool, matrix_rate(pool.rows.dtype)))
    kept = _checkpoint(checkpoint, pool, names)
    pool = replace(pool, checkpoint=kept)
    values, seconds = {}, {}
    for family, wanted in families.items():
        begun = time.perf_counter()
        values |= _computed(family, wanted, pool)
        seconds[_ordered(family, wanted)[0]] = round(time.perf_counter() - begun, 3)
    if isinstance(kept, FolderCheckpoint):
        kept.remove()
    finished = replace(pool, checkpoint=NoCheckpoint(), progress=Silent())
    own_ids = None if ids is None else checked_ids(ids, pool.statistics.n_rows)[pool.rows.start : pool.rows.stop]
    return Scores(
        scores={name: values[name] for name in names}, ids=own_ids, labels=own_labels, pool=finished, seconds=seconds
    )


def _with(settings: ScoreSettings, n_clusters: int | None, n_models: int | None, seed: int | None) -> ScoreSettings:
    if n_clusters is not None:
        settings = replace(settings, kmeans=replace(settings.kmeans, n_clusters=n_clusters))
    if n_models is not None:
        settings = replace(settings, heads=replace(settings.heads, n_models=n_models))
    return settings if seed is None else replace(settings, seed=seed)


def _pool(
    embeddings: object,
    labels: ArrayLike | None,
    settings: ScoreSettings,
    world: World,
    progress: Progress,
    *,
    pairs: bool,
) -> tuple[Pool, np.ndarray | None]:
    """The rows of this process with their statistics and classes, and their labels."""
    everything = _joined(open_all(embeddings), world, progress)
    classes, class_names = (None, None) if labels is None else encoded(labels, len(everything))
    rows = everything.part(world.rank, world.size)
    sizes = None
    if classes is not None and class_names is not None:
        if pairs:
            check_pairs(classes, class_names, everything.where)
        sizes, classes = np.bincount(classes), classes[rows.start : rows.stop]
    statistics = statistics_of(rows, world=world, progress=progress)
    pool = Pool(
        rows=rows,
        statistics=statistics,
        settings=settings,
        classes=classes,
        class_names=class_names,
        class_sizes=sizes,
        world=world,
        progress=progress,
    )
    return pool, None if classes is None or class_names is None else class_names[classes]


def _joined(backbones: list[Rows], world: World, progress: Progress) -> Rows:
    """One network's rows as they are; several side by side at unit scale."""
    if len(backbones) == 1:
        return backbones[0]
    scales = []
    for number, rows in enumerate(backbones):
        statistics = statistics_of(rows, world=world, progress=progress, label=f"reading network {number + 1}")
        check_varied(statistics)
        scales.append(statistics.scale)
    return side_by_side(backbones, scales)


def _with_test_set(pool: Pool, test_embeddings: object, test_labels: ArrayLike | None) -> Pool:
    """The pool with its test set, whose labels are numbered like the pool's."""
    if test_embeddings is None and test_labels is None:
        return pool
    if test_embeddings is None or test_labels is None or pool.class_names is None:
        raise ValueError("`test_embeddings`, `test_labels` and `labels` must be given together")
    backbones = open_all(test_embeddings)
    rows = backbones[0]
    if len(backbones) > 1:
        rows = side_by_side(backbones, getattr(pool.rows, "scales", (1.0,) * len(backbones)))
    if rows.n_features != pool.rows.n_features:
        raise ValueError(
            f"`test_embeddings` must be {pool.rows.n_features} wide, as `embeddings`; got {rows.n_features}"
        )
    numbers, names = encoded(test_labels, len(rows), "test_labels")
    strange = ~np.isin(names, pool.class_names)
    if strange.any():
        raise ValueError(f"`test_labels` must be among `labels`; got {names[strange][0]}")
    statistics_of(rows, world=pool.world, progress=pool.progress, label="reading the test set")
    classes = np.searchsorted(pool.class_names, names)[numbers]
    return replace(pool, test_rows=_in_precision(rows, pool.rows.dtype), test_classes=classes)


def _in_precision(rows: Rows, dtype: np.dtype) -> Rows:
    return rows if rows.dtype == dtype else array_rows(rows.read(0, len(rows)).astype(dtype))


def _check(pool: Pool, families: dict[Family, set[str]], names: list[str]) -> None:
    """Every complaint comes before the first metric is computed."""
    n_rows = pool.statistics.n_rows
    for family in families:
        if pool.world.size > 1 and not family.many_processes:
            raise ValueError(
                f"`metrics` must be computed by one process for {family.metrics[0]}; got {pool.world.size}"
            )
        if family.labels and pool.n_classes < 2:
            raise ValueError(f"`n_classes` must be at least 2; got {pool.n_classes}")
        if family.labels and family.metrics[0] != "supervised_prototypes":
            check_varied(pool.statistics)
    if "self_supervised_prototypes" in names and not 1 <= pool.n_clusters <= n_rows:
        raise ValueError(f"`n_clusters` must be in [1, {n_rows}], the number of rows; got {pool.n_clusters}")
    if "memorization_subsets" in names and n_rows < pool.settings.ridge.folds:
        raise ValueError(f"`folds` must be at most {n_rows}, the number of rows; got {pool.settings.ridge.folds}")


def _ordered(family: Family, wanted: set[str]) -> list[str]:
    return [name for name in family.metrics if name in wanted]


def _cost(family: Family, wanted: set[str], pool: Pool) -> Cost:
    return family.cost(size_of(pool), pool.settings, wanted)


def _checkpoint(folder: str | Path | None, pool: Pool, names: list[str]) -> Checkpoint:
    if folder is None:
        return NoCheckpoint()
    what = fingerprint(pool) | {"settings": pool.settings.as_dict(), "metrics": names, "rank": pool.world.rank}
    place = Path(folder) if pool.world.size == 1 else Path(folder) / f"part-{pool.world.rank:05d}"
    return FolderCheckpoint(place, what)


def _computed(family: Family, wanted: set[str], pool: Pool) -> dict[str, np.ndarray]:
    """The family's scores: as kept, if every process has kept them, or computed."""
    name = f"done_{family.metrics[0]}"
    stored = load_everywhere(pool.checkpoint, name, pool.world)
    if stored is not None:
        return stored
    computed = family.run(pool, wanted)
    values = {key: _finite(key, computed[key], pool) for key in _ordered(family, wanted)}
    pool.checkpoint.save(name, **values)
    return values


def _finite(metric: str, values: np.ndarray, pool: Pool) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ArithmeticError(
            f"{metric} came out as {values[bad[0]]} for {pool.rows.where(int(bad[0]))} ({bad.size} such rows); "
            "double-precision embeddings or a larger ridge may help"
        )
    return values
