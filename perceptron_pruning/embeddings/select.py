"""Subsets that no ranking gives: strata of difficulty, coverage of the embeddings, quotas of classes by their error."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.metrics.margin import probability_margin
from perceptron_pruning.embeddings.recommendation.joint_heads import unseen_heads
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, process_checkpoint
from perceptron_pruning.embeddings.runtime.manifest import digest, rows_fingerprint
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.process_group import current_process_group
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS, check_seed
from perceptron_pruning.embeddings.runtime.tiling import Tiling, tiling_of
from perceptron_pruning.embeddings.selections.methods import (
    CLASS_QUOTAS,
    COVARIANCE,
    METHODS,
    STRATIFIED,
    covering_rows,
    rows_by_method,
)
from perceptron_pruning.embeddings.selections.shared import shared_out
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from replica_theory.errors import check_keep_fraction


def select(
    embeddings: Sources,
    labels: ArrayLike | None = None,
    *,
    method: str,
    keep_fraction: float,
    scores: ArrayLike | None = None,
    target: Sources | None = None,
    target_labels: ArrayLike | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Indices of the kept examples, round(f n) of them, by a selection that is no ranking.

    ====================  ==========================================================================
    method                keeps
    ====================  ==========================================================================
    stratified            as many rows of every stratum of difficulty, without the hardest tenth (CCS)
    k_centre              rows far from each other: farthest first
    facility_location     rows to which all others are near: stochastic greedy
    herding               rows whose mean is that of their class
    covariance_matching   rows whose covariance is that of their class, or of the target's
    class_quotas          more of the classes that heads get wrong, at random within each (DRoP)
    ====================  ==========================================================================

    Those that cover work in every class apart, on at most 128 principal components, with the class's share of the
    pool; without labels on all rows. Their work grows with the square of the rows of a class. Under `jax.distributed`
    the processes share the classes, and each returns the indices of all.

    Args:
        embeddings: (n, d), an array or a path as for `score`.
        labels: (n,); needed by class_quotas, and by stratified without ``scores``.
        method: One of the names above.
        keep_fraction: f in (0, 1].
        scores: (n,) finite, high = hard, for stratified; the out-of-fold margin by default.
        target: Embeddings whose covariance is wanted, for covariance_matching: of real examples, where the pool is
            synthetic; the pool's own by default. Components are then the target's.
        target_labels: Theirs, among which are all of ``labels``.
        seed: Of folds and draws.
        checkpoint: Folder of finished classes of the selections that cover: an interrupted call, repeated, resumes
            there. It stays: delete it when the result is safe.
        progress: Told of every pass over the rows.

    Returns:
        Indices, ascending.

    Raises:
        ValueError: A parameter is out of range or missing, or the inputs do not match or are not finite.
        LostProcessError: Another process died.

    References:
        Zheng et al. 2023, arXiv:2210.15809; Sener & Savarese 2018, arXiv:1708.00489; Mirzasoleiman et al. 2015,
        arXiv:1409.7938; Welling 2009; Rezaei et al. 2025, arXiv:2510.08123; Vysogorets et al. 2024, arXiv:2404.05579.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import select
        >>> rows = np.array([[0.0, 0], [0.1, 0], [5, 0], [5.1, 0], [0, 5], [0, 5.1]])
        >>> select(rows, method="k_centre", keep_fraction=0.5)
        array([1, 3, 5])
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}; got {method}")
    check_seed(seed)
    group, all_rows = current_process_group(), open_rows(embeddings)  # pyright: ignore[reportArgumentType]
    rows = all_rows.part(group.rank, group.size)
    needs_heads = method == CLASS_QUOTAS or (method == STRATIFIED and scores is None)
    if labels is None and needs_heads:
        raise ValueError(
            f"`labels` must be given for the method {method}" + (", or `scores`" if method == STRATIFIED else "")
        )
    classes, names = (np.zeros(len(all_rows), int), np.zeros(1)) if labels is None else encoded(labels, len(all_rows))
    if needs_heads and len(names) < 2:
        raise ValueError(f"`labels` must have at least two classes; got {len(names)}")
    wanted = _target(target, target_labels, method, names, labels is not None, rows.n_features)
    hardness = None if scores is None else _checked(scores, len(all_rows))
    count = max(1, round(check_keep_fraction(keep_fraction) * len(all_rows)))
    progress = progress or NoProgress()
    if method == STRATIFIED and hardness is not None:
        return rows_by_method(method, count, inputs=None, classes=classes, scores=hardness, wrong=None, seed=seed)
    tiling = tiling_of(rows, len(all_rows), group)
    own = slice(tiling.first_row, tiling.first_row + len(rows))
    pool = _Pool(classes=classes, n_classes=len(names), tiling=tiling, own=own)
    with one_blas_thread():
        inputs, examples = _inputs(rows, wanted, tiling, progress)
        if needs_heads:
            hardness, wrong = pool.difficulty(inputs, seed)
            return rows_by_method(method, count, inputs=None, classes=classes, scores=hardness, wrong=wrong, seed=seed)
        computation = {
            **rows_fingerprint(rows),
            "labels": digest(classes),
            "target": None if examples is None else [digest(part) for part in examples],
            "method": method,
            "count": count,
            "seed": seed,
        }
        store = process_checkpoint(checkpoint, group, computation)
        return pool.covered(method, inputs, count, examples, seed, store)


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """The rows of all processes.

    Attributes:
        classes: Of all of them, in 0..C−1.
        n_classes: C.
        tiling: Theirs.
        own: Those of this process.
    """

    classes: np.ndarray
    n_classes: int
    tiling: Tiling
    own: slice

    def difficulty(self, inputs: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Minus the out-of-fold margin of all rows, and whether their class is not predicted, (n,) each."""
        classes, group = self.classes[self.own], self.tiling.group
        unseen = unseen_heads(inputs, classes, self.n_classes, seed, self.tiling)
        tiles = [
            (classes[span], unseen.probabilities(inputs[span], unseen.fold[span]))
            for span in self.tiling.spans(0, len(inputs))
        ]
        hardness = [-probability_margin(probabilities, labels).astype(float) for labels, probabilities in tiles]
        wrong = [probabilities.argmax(axis=1) != labels for labels, probabilities in tiles]
        return group.all_gather(np.concatenate(hardness)), group.all_gather(np.concatenate(wrong))

    def covered(
        self,
        method: str,
        inputs: np.ndarray,
        count: int,
        examples: tuple[np.ndarray, np.ndarray] | None,
        seed: int,
        store: Checkpoint,
    ) -> np.ndarray:
        """Row numbers that a selection keeps which covers every class, ascending."""

        def cover(members: np.ndarray, quota: int, label: int) -> np.ndarray:
            wanted = None if examples is None else examples[0][examples[1] == label]
            return covering_rows(method, members, quota, label=label, seed=seed, examples=wanted)

        return shared_out(cover, inputs, self.classes, self.own, count, group=self.tiling.group, store=store)


def _inputs(
    rows: Rows, target: tuple[Rows, np.ndarray] | None, tiling: Tiling, progress: Progress
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Principal components of the rows of this process, and those of all of the target with its classes."""
    if target is None:
        projection = measure_projection(rows, SEEN_COMPONENTS, progress, tiling)
        return projected(rows, projection, progress, tiling), None
    projection = measure_projection(target[0], SEEN_COMPONENTS, progress)
    return projected(rows, projection, progress, tiling), (projected(target[0], projection, progress), target[1])


def _target(
    target: Sources | None,
    target_labels: ArrayLike | None,
    method: str,
    names: np.ndarray,
    labelled: bool,
    n_features: int,
) -> tuple[Rows, np.ndarray] | None:
    """The target's rows, and their classes by the numbers of the pool's; −1 for classes that the pool lacks."""
    if target is None:
        if target_labels is not None:
            raise ValueError("`target_labels` must be left out without `target`")
        return None
    if method != COVARIANCE:
        raise ValueError(f"`target` must be left out with the method {method}: {COVARIANCE} alone has one")
    if (target_labels is None) == labelled:
        raise ValueError("`target_labels` must be given with `labels`, and left out without")
    rows = open_rows(target)  # pyright: ignore[reportArgumentType]
    if rows.n_features != n_features:
        raise ValueError(f"`target` must have the pool's {n_features} features; got {rows.n_features}")
    if target_labels is None:
        return rows, np.zeros(len(rows), int)
    own, own_names = encoded(target_labels, len(rows))
    numbers = {str(name): number for number, name in enumerate(names)}
    classes = np.array([numbers.get(str(name), -1) for name in own_names])[own]
    for number, name in enumerate(names):
        if np.count_nonzero(classes == number) < 2:
            raise ValueError(f"`target_labels` must have at least two examples of every class of `labels`; not {name}")
    return rows, classes


def _checked(scores: ArrayLike, n_rows: int) -> np.ndarray:
    values = np.asarray(scores, dtype=float)
    if values.shape != (n_rows,) or not np.isfinite(values).all():
        raise ValueError(f"`scores` must be finite, one per row, shape ({n_rows},); got shape {values.shape}")
    return values
