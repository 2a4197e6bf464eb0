"""What should be known before a kept set is trained on: one line each, with numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.class_audit import ClassAudit
from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.recommendation.difficulty import DOUBTFUL_MARGIN
from perceptron_pruning.embeddings.recommendation.groups import weighted_mean
from perceptron_pruning.embeddings.recommendation.heads import RACED, fit_head
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.parallel.blas_threads import one_blas_thread

PROBE_FOLDS = 5  # a fifth of the rows is put aside in each; two are run
PROBE_RIDGE = 1e-2
INFLATION = 1.4  # of standard errors over rows, for the scatter between training sets
NAMED_CLASSES = 5  # classes that a warning names, at most


def doubtful_rows(out_of_fold_scores: ArrayLike) -> np.ndarray:
    """Whether the label of each row is in doubt, (n,), from the scores `margin_out_of_fold` = −margin."""
    return -np.asarray(out_of_fold_scores, dtype=float) < DOUBTFUL_MARGIN


def doubtful_warning(kept: np.ndarray, doubtful: np.ndarray) -> str | None:
    """How many rows whose label is in doubt are kept; None if not more than their share."""
    n_kept, n = int(doubtful[kept].sum()), int(doubtful.sum())
    if n_kept == 0 or n_kept <= n * len(kept) / len(doubtful):
        return None
    return (
        f"{n_kept} of {n} rows whose label is in doubt (out-of-fold margin below {DOUBTFUL_MARGIN}) are kept, "
        f"{n * len(kept) / len(doubtful):.0f} at random would be; --drop-suspects leaves them out"
    )


def ties_warning(kept: np.ndarray, scores: np.ndarray, seed: int) -> str | None:
    """How many rows share a score of which some are kept and others not; None if there are no more than one each."""
    is_kept = np.zeros(len(scores), bool)
    is_kept[kept] = True
    values, group = np.unique(scores, return_inverse=True)
    sizes, n_kept = np.bincount(group), np.bincount(group, weights=is_kept).astype(int)
    split = np.flatnonzero((n_kept > 0) & (n_kept < sizes))
    if not split.size:
        return None
    worst = split[sizes[split].argmax()]
    if sizes[worst] < 3:
        return None
    return (
        f"{sizes[worst]} rows have the score {values[worst]:.6g}, and {n_kept[worst]} of them are kept, drawn with "
        f"seed {seed}"
    )


def metric_warning(metric: str) -> str | None:
    """That a metric runs against the others; None for all but one."""
    if metric != "active_learning_mutual_information":
        return None
    return (
        "active_learning_mutual_information is high where the heads disagree, and on real sets that runs against "
        "hardness (rank correlation with it down to -0.55): its hardest rows are not hard ones"
    )


def floor_warning(audits: Sequence[ClassAudit]) -> str | None:
    """Which classes are at their floor; None if none."""
    low = [audit for audit in audits if audit.at_floor and audit.kept < audit.size]
    if not low:
        return None
    names = ", ".join(f"{audit.label} ({audit.kept} of {audit.size})" for audit in low[:NAMED_CLASSES])
    more = f" and {len(low) - NAMED_CLASSES} more" if len(low) > NAMED_CLASSES else ""
    return f"{len(low)} of {len(audits)} classes are at their floor: {names}{more}"


def kept_set_probe(embeddings: Sources, labels: ArrayLike, kept: np.ndarray, *, seed: int = 0) -> Effect:
    """Error of a head on what is kept less that of a head on as many random rows, tested on rows put aside.

    Two fifths of the rows are put aside in turn. The scores have seen these rows, which flatters the rule by 1 to 2
    points; where it loses even so, it loses.

    Args:
        embeddings, labels: Of all n ≥ 100 rows.
        kept: Row numbers.
        seed: Draws what is put aside and the random rows.

    Raises:
        ValueError: There are too few rows, or the inputs do not match.
    """
    rows = open_rows(embeddings)  # pyright: ignore[reportArgumentType]
    classes, names = encoded(labels, len(rows))
    n, n_classes = len(rows), len(names)
    if n < 100 or n_classes < 2:
        raise ValueError(f"`embeddings` must have 100 rows and two classes for a probe; got {n} and {n_classes}")
    is_kept = np.zeros(n, bool)
    is_kept[kept] = True
    rng = np.random.default_rng([seed, 6])
    fold = rng.permutation(n) % PROBE_FOLDS
    differences = []
    with one_blas_thread():
        inputs = projected(rows, measure_projection(rows, SEEN_COMPONENTS, NoProgress()), NoProgress())
        for number in (0, 1):
            aside, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            own = rest[is_kept[rest]]
            if own.size == 0:
                raise ValueError("`kept` must have rows in every four fifths of the pool; got none in one")
            random = rng.choice(rest, own.size, replace=False)
            wrong = [_mistakes(inputs, classes, n_classes, part, aside) for part in (own, random)]
            differences.append(wrong[0].astype(float) - wrong[1])
    values = np.concatenate(differences)
    mean, error = weighted_mean(values, np.ones(len(values)))
    return Effect(value=mean, standard_error=INFLATION * error)


def _mistakes(
    inputs: np.ndarray, classes: np.ndarray, n_classes: int, trained: np.ndarray, tested: np.ndarray
) -> np.ndarray:
    head = fit_head(inputs[trained], classes[trained], n_classes=n_classes, ridge=PROBE_RIDGE, stop=RACED)
    return head.predict(inputs[tested]) != classes[tested]


def probe_warning(effect: Effect) -> str | None:
    """That the rule loses to random; None unless the whole interval says so."""
    if effect.low <= 0:
        return None
    return (
        f"this rule at this fraction loses to random rows by {100 * effect.value:.1f} ± {100 * effect.half_width:.1f} "
        "points of error in a probe (softmax head); perceptron-pruning recommend names a better one"
    )
