"""Uniform scores: the baseline that a metric must beat."""

import numpy as np

from perceptron_pruning.embeddings.runtime.context import ScoringContext


def uniform_scores(context: ScoringContext) -> dict[str, np.ndarray]:
    """Uniform in [0, 1); the same numbers for a row whatever the number of processes."""
    sizes = context.group.all_gather(np.array([len(context.rows)], np.int64))
    generator = np.random.PCG64(context.settings.seed)
    generator.advance(int(sizes[: context.group.rank].sum()))
    return {"random": np.random.Generator(generator).random(len(context.rows))}
