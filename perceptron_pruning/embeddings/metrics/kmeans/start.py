"""First centroids of k-means: rows at random, or k-means++ on a sample.

References:
    Arthur & Vassilvitskii 2007 (k-means++), with the best of 2 + ln k candidates at each step.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup
from perceptron_pruning.embeddings.runtime.settings import PLUS_PLUS_ROWS, PLUS_PLUS_ROWS_PER_CLUSTER


def random_rows(rows: Rows, count: int, *, seed: int, group: ProcessGroup) -> np.ndarray:
    """`count` rows of all processes, drawn without replacement, (count, d); the same on every process."""
    sizes = group.all_gather(np.array([len(rows)], np.int64))
    first = int(sizes[: group.rank].sum())
    drawn = np.sort(np.random.default_rng(seed).choice(int(sizes.sum()), count, replace=False))
    own = drawn[(drawn >= first) & (drawn < first + len(rows))] - first
    values = rows.take(own) if own.size else np.empty((0, rows.n_features), rows.dtype)
    return group.all_gather(values)


def sample_size(n_rows: int, n_clusters: int) -> int:
    """Rows among which k-means++ draws its centroids."""
    return min(n_rows, max(PLUS_PLUS_ROWS, PLUS_PLUS_ROWS_PER_CLUSTER * n_clusters))


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
    nearest, _ = _squared_distances(device_sample, squares, device_sample[np.array(chosen)], jnp.inf)
    nearest = np.asarray(nearest[:, 0])
    n_candidates = 2 + int(math.log(n_clusters))
    for _ in range(1, n_clusters):
        mass = np.cumsum(nearest, dtype=np.float64)
        if not mass[-1] > 0:
            raise ValueError(f"`n_clusters` = {n_clusters} leaves a cluster empty: fewer rows are distinct; lower it")
        draws = np.searchsorted(mass, rng.random(n_candidates) * mass[-1], side="right").clip(max=len(sample) - 1)
        distances, sums = _squared_distances(device_sample, squares, device_sample[draws], nearest)
        best = int(np.asarray(sums).argmin())
        chosen.append(int(draws[best]))
        nearest = np.asarray(distances[:, best]).copy()
        nearest[chosen[-1]] = 0.0
    return sample[chosen]


@jax.jit
def _squared_distances(
    sample: jax.Array, squares: jax.Array, candidates: jax.Array, nearest: jax.Array | np.ndarray | float
) -> tuple[jax.Array, jax.Array]:
    """min(‖x − candidate‖², squared distance to the centroids before), (m, L), and its sums over the sample, (L,)."""
    distances = squares[:, None] - sample @ (2 * candidates.T) + jnp.sum(candidates**2, axis=1)
    # the rounding error of equal rows must not look like a distance
    distances = jnp.where(distances > 4 * jnp.finfo(distances.dtype).eps * squares[:, None], distances, 0.0)
    lower = jnp.minimum(distances, jnp.reshape(jnp.asarray(nearest), (-1, 1)))
    return lower, jnp.sum(lower, axis=0)
