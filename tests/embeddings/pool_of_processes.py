"""A pool, its scores by one process, and what several processes give beside them."""

import numpy as np
from scipy.stats import rankdata

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.embeddings.metrics.registry import UNSEEN_METRICS
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.stability import correlation

SETTINGS = ScoreSettings(heads=HeadSettings(n_models=3, epochs=3), ridge=RidgeSettings(rounds=2))
EXACT = {*UNSEEN_METRICS, "knn_disagreement", "knn_shapley", "random", "forgetting", "ddd", "active_learning"}
"""Metrics that are the same to the last bit; sums of the others are rounded in another order."""

N, D, N_TEST = 1500, 140, 60  # more features than components; tiles of 256 rows


def pool() -> dict[str, np.ndarray]:
    """Arguments of `score`."""
    whole = load_fashion_mnist()
    return {
        "embeddings": whole.train_embeddings[:N, :D].astype(np.float32),
        "labels": whole.train_labels[:N],
        "test_embeddings": whole.test_embeddings[:N_TEST, :D].astype(np.float32),
        "test_labels": whole.test_labels[:N_TEST],
    }


def check_same(parts, one):
    """The parts of all processes together are the scores of one."""
    for name in one:
        values = np.concatenate([part[name] for part in parts])
        if name in EXACT:
            np.testing.assert_array_equal(values, one[name], err_msg=name)
        else:
            np.testing.assert_allclose(values, one[name], rtol=1e-5, atol=1e-5, err_msg=name)
            assert correlation(rankdata(values), rankdata(one[name])) > 1 - 1e-7, name
