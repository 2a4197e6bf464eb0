"""How far the scores of a metric depend on the seed: rank correlations from seed to seed."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.score import score

UNSTABLE = 0.7  # rank correlation below which a metric is warned of


def seed_stability(
    embeddings: Sources, labels: ArrayLike | None = None, *, seeds: Sequence[int] = (0, 1), **options: Any
) -> dict[str, float]:
    """Spearman's ρ between the scores of two seeds, mean over the pairs of seeds, for every metric.

    1 where chance has no part, 0 for random scores. What one seed keeps at the hard end is a matter of chance as far as
    ρ is low: more heads or rounds help. NaN where a metric is the same for all rows.

    Args:
        embeddings, labels: As for `score`.
        seeds: Two at least, different.
        options: Others of `score`: metrics, out_of_fold, settings, …

    Returns:
        Metric → ρ in [−1, 1].

    Raises:
        ValueError: There are fewer than two seeds, or `score` refuses.

    Example:
        >>> from perceptron_pruning.embeddings import seed_stability
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> data = load_fashion_mnist()
        >>> pool = data.train_embeddings[:300], data.train_labels[:300]
        >>> seed_stability(*pool, metrics="margin")
        {'margin': 1.0}
    """
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise ValueError(f"`seeds` must be two at least, all different; got {list(seeds)}")
    ranks = [
        {name: rankdata(values) for name, values in score(embeddings, labels, seed=seed, **options).items()}
        for seed in seeds
    ]
    return {
        name: round(float(np.mean([correlation(a[name], b[name]) for a, b in combinations(ranks, 2)])), 4)
        for name in ranks[0]
    }


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two sets of ranks, (n,) each; NaN if one is constant."""
    a, b = first - first.mean(), second - second.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size else float("nan")


def stability_text(correlations: dict[str, float], seeds: Sequence[int]) -> str:
    """A line a metric, the least stable first."""
    width = max(map(len, correlations))
    lines = [
        f"{name:<{width}}{value:>7.2f}" + ("  what is kept depends on the seed" if value < UNSTABLE else "")
        for name, value in sorted(correlations.items(), key=lambda pair: pair[1])
    ]
    return "\n".join([f"Rank correlations between seeds {' and '.join(map(str, seeds))}:", *lines])
