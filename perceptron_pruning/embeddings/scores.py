"""How hard every example is, from embeddings of a frozen network: high means hard means keep."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.vq import ClusterError, kmeans2

from perceptron_pruning.embeddings.softmax_head import fit_softmax

UNLABELLED_CLUSTERS = 10
KMEANS_ITERATIONS = 50
PROBE_RIDGE = 1e-2
PROBE_ITERATIONS = 10


def score(
    embeddings: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    metrics: str | Sequence[str] = "all",
    n_clusters: int | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Pruning metrics of every example; a high score means hard, to be kept.

    ===========================  ==================================================  ======
    metric                       score of example i                                  labels
    ===========================  ==================================================  ======
    self_supervised_prototypes   min_k ‖x_i − centroid_k‖, k-means                   no
    supervised_prototypes        ‖x_i − mean of the class of i‖                      yes
    margin                       −(p_y − max_{c≠y} p_c) of a linear probe            yes
    random                       uniform in [0, 1)                                   no
    ===========================  ==================================================  ======

    Args:
        embeddings: (n, d), finite, one row an example.
        labels: (n,), any values that can be sorted; two classes at least.
        metrics: "all" (without labels: all that need none), a name, or a sequence of names.
        n_clusters: Clusters of k-means; the number of classes by default, 10 without labels.
        seed: Of k-means and of the random scores.

    Returns:
        Metric name → scores, (n,) float64: distances in the units of the embeddings, margins
        in [−1, 1].

    Raises:
        ValueError: The arrays do not match or are not finite, a metric is unknown or lacks its
            labels, or k-means cannot fill its clusters.

    References:
        Sorscher et al. 2022, arXiv:2206.14486: both prototypes, and the probe's margin, which is
        the metric of its perceptron theory.
    """
    rows = checked_embeddings(embeddings)
    classes = None if labels is None else checked_classes(labels, len(rows))
    if n_clusters is None:
        n_clusters = UNLABELLED_CLUSTERS if classes is None else int(classes.max()) + 1
    names = metric_names(metrics, labelled=classes is not None)
    jobs = {name: _job(name, rows, classes, n_clusters=n_clusters, seed=seed) for name in names}
    return {name: job() for name, job in jobs.items()}


def self_supervised_prototypes(rows: np.ndarray, *, n_clusters: int, seed: int) -> np.ndarray:
    """Euclidean distance to the nearest of `n_clusters` k-means centroids, k-means++ start."""
    if not 1 <= n_clusters <= len(rows):
        raise ValueError(f"`n_clusters` must be in [1, {len(rows)}], the number of rows; got {n_clusters}")
    rng = np.random.default_rng(seed)
    try:
        # With fewer distinct rows than clusters the k-means++ start divides zero by zero.
        with np.errstate(invalid="raise"):
            centroids, nearest = kmeans2(rows, n_clusters, iter=KMEANS_ITERATIONS, minit="++", missing="raise", rng=rng)
    except (ClusterError, FloatingPointError) as error:
        raise ValueError(f"`n_clusters` = {n_clusters} leaves a cluster empty; lower it or change `seed`") from error
    return np.linalg.norm(rows - centroids[nearest], axis=1)


def random(rows: np.ndarray, *, n_clusters: int, seed: int) -> np.ndarray:
    """Uniform scores in [0, 1): the baseline that a metric must beat."""
    return np.random.default_rng(seed).random(len(rows))


def supervised_prototypes(rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Euclidean distance to the mean of the example's own class."""
    members = np.eye(classes.max() + 1)[classes]
    means = members.T @ rows / members.sum(axis=0)[:, None]
    return np.linalg.norm(rows - means[classes], axis=1)


def margin(rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Minus the margin p_y − max_{c≠y} p_c of a linear probe: positive where the probe is wrong.

    The probe is fitted to the scored pool itself, on standardised embeddings, and stopped after
    10 iterations of L-BFGS: at convergence it would classify a small pool without an error
    and rank it by its ridge alone. Of two classes the margin is tanh(y x·w / 2) with y = ±1
    and w the difference of the two weight vectors (bias included), which ranks like the
    y z of the perceptron.
    """
    inputs = standardise(rows, rows)
    n_classes = int(classes.max()) + 1
    probe = fit_softmax(inputs, classes, n_classes=n_classes, ridge=PROBE_RIDGE, stop_after=PROBE_ITERATIONS)
    return -probability_margin(probe.probabilities(inputs), classes)


def probability_margin(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """p_y − max_{c≠y} p_c in [−1, 1], from probabilities (n, C) and classes (n,)."""
    own = np.arange(len(classes)), classes
    others = probabilities.copy()
    others[own] = -np.inf
    return probabilities[own] - others.max(axis=1)


def standardise(embeddings: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Embeddings less the mean of the reference rows, over its one global scale.

    One scale for all coordinates (the root mean square of the centred reference) keeps the
    geometry that the network gave them.
    """
    mean = reference.mean(axis=0)
    scale = np.sqrt(np.mean((reference - mean) ** 2))
    if not scale > 0:
        raise ValueError("`embeddings` must not be equal in all rows; got zero variance")
    return (embeddings - mean) / scale


LABEL_FREE: dict[str, Callable[..., np.ndarray]] = {
    "self_supervised_prototypes": self_supervised_prototypes,
    "random": random,
}
SUPERVISED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "supervised_prototypes": supervised_prototypes,
    "margin": margin,
}


def metric_names(metrics: str | Sequence[str], *, labelled: bool) -> list[str]:
    """The names that ``metrics`` stands for, or a `ValueError` if one is unknown."""
    known = [*LABEL_FREE, *SUPERVISED]
    if isinstance(metrics, str) and metrics == "all":
        return known if labelled else [*LABEL_FREE]
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"`metrics` must be among {', '.join(known)}, or all; got {unknown or names}")
    return names


def _job(
    name: str, rows: np.ndarray, classes: np.ndarray | None, *, n_clusters: int, seed: int
) -> Callable[[], np.ndarray]:
    """One metric, ready to run; every complaint about labels comes before the first one runs."""
    if name in LABEL_FREE:
        return partial(LABEL_FREE[name], rows, n_clusters=n_clusters, seed=seed)
    if classes is None:
        raise ValueError(f"`labels` must be given for the metric {name}; got None")
    return partial(SUPERVISED[name], rows, classes)


def checked_embeddings(embeddings: ArrayLike) -> np.ndarray:
    """The embeddings in double precision, or a `ValueError` naming the first bad row."""
    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`embeddings` must have shape (n, d), neither of them 0; got {rows.shape}")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise ValueError(f"`embeddings` must be finite; row {bad[0]} is not ({bad.size} such rows)")
    return rows


def checked_classes(labels: ArrayLike, n_rows: int) -> np.ndarray:
    """Labels as classes 0..C−1 in sorted order, or a `ValueError` for a wrong length."""
    values = np.asarray(labels)
    if values.shape != (n_rows,):
        raise ValueError(f"`labels` must be one per row, shape ({n_rows},); got {values.shape}")
    return np.unique(values, return_inverse=True)[1]
