"""The selections by name, on inputs, classes and difficulties that are in memory."""

from collections.abc import Callable

import numpy as np

from perceptron_pruning.embeddings.selections.covariance import covariance_matching, covariance_of
from perceptron_pruning.embeddings.selections.coverage import facility_location, herding, k_centre
from perceptron_pruning.embeddings.selections.quotas import by_error, proportional
from perceptron_pruning.embeddings.selections.stratified import stratified

STRATIFIED, CLASS_QUOTAS, COVARIANCE = "stratified", "class_quotas", "covariance_matching"
FACILITY_LOCATION, HERDING = "facility_location", "herding"
COVERAGE: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "k_centre": k_centre,
    FACILITY_LOCATION: facility_location,
    HERDING: herding,
}
METHODS = (STRATIFIED, *COVERAGE, COVARIANCE, CLASS_QUOTAS)
WORDS = {
    STRATIFIED: "equal shares of all strata of the out-of-fold margin",
    "k_centre": "k-centre greedy in every class",
    FACILITY_LOCATION: "facility location in every class",
    HERDING: "herding in every class",
    COVARIANCE: "by the covariance of every class",
    CLASS_QUOTAS: "classes by their out-of-fold error, at random",
}


def rows_by_method(
    method: str,
    count: int,
    *,
    inputs: np.ndarray | None,
    classes: np.ndarray,
    scores: np.ndarray | None,
    wrong: np.ndarray | None,
    seed: int,
    target: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Row numbers that a selection keeps, ascending, (count,).

    Args:
        method: One of `METHODS`.
        count: Rows to keep.
        inputs: (n, d), for those that cover.
        classes: (n,), in 0..C−1; all 0 without labels.
        scores: (n,), high = hard, for strata.
        wrong: Whether heads that did not see a row have it wrong, (n,), for quotas by error.
        seed: Of what is drawn.
        target: Inputs and classes of the examples whose covariance is wanted; those of the rows themselves by default.
    """
    rng = np.random.default_rng([seed, 6])
    if method == STRATIFIED:
        assert scores is not None
        return stratified(scores, count, rng)
    sizes = np.bincount(classes)
    if method == CLASS_QUOTAS:
        assert wrong is not None
        errors = np.bincount(classes, weights=wrong) / np.maximum(sizes, 1)
        quotas = by_error(sizes, errors, count)
        members = [(np.flatnonzero(classes == label), quotas[label]) for label in np.flatnonzero(quotas)]
        return np.sort(np.concatenate([rng.choice(rows, quota, replace=False) for rows, quota in members]))
    assert inputs is not None
    quotas, kept = proportional(sizes, count), []
    for label in np.flatnonzero(quotas):
        members = np.flatnonzero(classes == label)
        examples = None if target is None else target[0][target[1] == label]
        places = covering_rows(
            method, inputs[members], int(quotas[label]), label=int(label), seed=seed, examples=examples
        )
        kept.append(members[places])
    return np.sort(np.concatenate(kept))


def covering_rows(
    method: str, inputs: np.ndarray, count: int, *, label: int, seed: int, examples: np.ndarray | None = None
) -> np.ndarray:
    """Places, among the rows of a class, of those that a selection that covers keeps, (count,).

    Args:
        method: One of `COVERAGE`, or covariance_matching.
        inputs: Of the rows of the class, (n, d).
        count: Rows to keep.
        label: Number of the class.
        seed: Of what is drawn.
        examples: Rows of the class, (m, d), whose covariance is wanted; the same by default.
    """
    if method == COVARIANCE:
        return covariance_matching(inputs, count, covariance_of(inputs if examples is None else examples))
    return COVERAGE[method](inputs, count, np.random.default_rng([seed, 6, label]))
