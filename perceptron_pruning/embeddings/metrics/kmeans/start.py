"""Where k-means begins: rows at random, or k-means++ on a sample.

References:
    Arthur & Vassilvitskii 2007 (k-means++), with the best of 2 + ln k candidates at each step.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.process_group import World

SAMPLE_ROWS, SAMPLE_ROWS_PER_CLUSTER = 20_000, 16


def random_rows(rows: Rows, count: int, *, seed: int, world: World) -> np.ndarray:
    """`count` rows of all processes, drawn without replacement, (count, d); the same on every process."""
    sizes = world.gather(np.array([len(rows)], np.int64))
    first = int(sizes[: world.rank].sum())
    chosen = np.sort(np.random.default_rng(seed).choice(int(sizes.sum()), count, replace=False))
    mine = chosen[(chosen >= first) & (chosen < first + len(rows))] - first
    values = rows.take(mine) if mine.size else np.empty((0, rows.n_features), rows.dtype)
    return world.gather(values)


def sample_size(n_rows: int, n_clusters: int) -> int:
    """Rows among which k-means++ looks for its centroids."""
    return min(n_rows, max(SAMPLE_ROWS, SAMPLE_ROWS_PER_CLUSTER * n_clusters))


def plus_plus(sample: np.ndarray, n_clusters: int, *, seed: int) -> np.ndarray:
    """Centroids (k, d) among the rows of the sample, each drawn in proportion to its squared distance to the
    ones before; of 2 + ln k draws the one that lowers the sum most.

    Raises:
        ValueError: The sample has fewer distinct rows than k.
    """
    rng = np.random.default_rng([seed, 1])
    device_sample = jnp.asarray(sample)
    squares = jnp.sum(device_sample**2, axis=1)
    chosen = [int(rng.integers(len(sample)))]
    nearest, _ = _distances(device_sample, squares, device_sample[np.array(chosen)], jnp.inf)
    nearest = np.asarray(nearest[:, 0])
    candidates = 2 + int(math.log(n_clusters))
    for _ in range(1, n_clusters):
        mass = np.cumsum(nearest, dtype=np.float64)
        if not mass[-1] > 0:
            raise ValueError(f"`n_clusters` = {n_clusters} leaves a cluster empty: fewer rows are distinct; lower it")
        draws = np.searchsorted(mass, rng.random(candidates) * mass[-1], side="right").clip(max=len(sample) - 1)
        distances, sums = _distances(device_sample, squares, device_sample[draws], nearest)
        best = int(np.asarray(sums).argmin())
        chosen.append(int(draws[best]))
        nearest = np.asarray(distances[:, best]).copy()
        nearest[chosen[-1]] = 0.0
    return sample[chosen]


@jax.jit
def _distances(sample, squares, candidates, nearest):
    """Squared distances (m, L) to each candidate or to the nearest centroid before, and their sums (L,)."""
    apart = squares[:, None] - 2 * sample @ candidates.T + jnp.sum(candidates**2, axis=1)
    # Rounding of equal rows must not look like a distance.
    apart = jnp.where(apart > 4 * jnp.finfo(apart.dtype).eps * squares[:, None], apart, 0.0)
    lower = jnp.minimum(apart, jnp.reshape(jnp.asarray(nearest), (-1, 1)))
    return lower, jnp.sum(lower, axis=0)
