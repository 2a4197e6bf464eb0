"""Uniform scores: the baseline that a metric must beat."""

import numpy as np

from perceptron_pruning.embeddings.runtime.context import Pool


def random(pool: Pool) -> dict[str, np.ndarray]:
    """Uniform in [0, 1); a process of many draws the same numbers that one would give its rows."""
    sizes = pool.world.gather(np.array([len(pool.rows)], np.int64))
    generator = np.random.PCG64(pool.settings.seed)
    generator.advance(int(sizes[: pool.world.rank].sum()))
    return {"random": np.random.Generator(generator).random(len(pool.rows))}
