"""Difficulties of the whole pool, to which the chosen rule is applied."""

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import (
    SCORING_RIDGE,
    Difficulty,
    difficulty_of,
    measure_difficulty,
    out_of_fold,
)
from perceptron_pruning.embeddings.recommendation.heads import fit_head
from perceptron_pruning.embeddings.recommendation.race import Pool


def whole_pool_difficulty(inputs: np.ndarray, classes: np.ndarray, sample: np.ndarray, pool: Pool) -> Difficulty:
    """Difficulties of all n rows; of a pool that was sampled, by heads on the sample.

    Rows outside the sample are out of fold for a head trained on all of it.

    Args:
        inputs, classes: Of all rows, (n, d) and (n,).
        sample: Row numbers of the raced ones, ascending.
        pool: The raced rows.
    """
    if len(sample) == len(classes):
        return measure_difficulty(inputs, classes, pool.n_classes, pool.seed)
    probabilities, heads = out_of_fold(pool.inputs, pool.classes, pool.n_classes, pool.seed)
    start = np.mean([head.parameters for head in heads], axis=0)
    trained = fit_head(pool.inputs, pool.classes, n_classes=pool.n_classes, ridge=SCORING_RIDGE, start=start)
    everywhere = trained.probabilities(inputs)
    left_out = everywhere.copy()
    left_out[sample] = probabilities
    return difficulty_of(left_out, everywhere, inputs, classes, start)
