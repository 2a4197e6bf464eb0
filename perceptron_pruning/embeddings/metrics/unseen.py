"""Metrics from heads that did not see the row: five softmax heads, each trained on four fifths of the rows.

With p the out-of-fold probabilities, q those of one head trained on all rows, y the label::

    margin_out_of_fold                   −(p_y − max_{c≠y} p_c)
    margin_label_agnostic_out_of_fold    −(p₁ − p₂), the two largest
    el2n_out_of_fold                     ‖p − onehot‖₂
    memorization_out_of_fold             q_y − p_y

The heads see at most 128 principal components. Many processes train each head together, on the rows of all.
"""

import numpy as np

from perceptron_pruning.embeddings.metrics.margin import probability_margin, top_two_margin
from perceptron_pruning.embeddings.recommendation.difficulty import SCORING_RIDGE
from perceptron_pruning.embeddings.recommendation.joint_heads import fit_joint_head, unseen_heads
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.parallel.blas_threads import one_blas_thread


def unseen_metrics(context: ScoringContext) -> dict[str, np.ndarray]:
    """All four, (n,) each; high = hard."""
    classes, tiling = context.required_classes, context.tiling
    with one_blas_thread():
        projection = measure_projection(
            context.rows, SEEN_COMPONENTS, context.progress, tiling, context.standardisation
        )
        inputs = projected(context.rows, projection, context.progress, tiling)
        unseen = unseen_heads(inputs, classes, context.n_classes, context.settings.seed, tiling)
        seen = fit_joint_head(
            inputs,
            classes,
            np.ones(len(inputs), bool),
            n_classes=context.n_classes,
            ridge=SCORING_RIDGE,
            tiling=tiling,
            start=unseen.heads[-1].parameters,
        )
        tiles = [
            _scores(
                unseen.probabilities(inputs[span], unseen.fold[span]), seen.probabilities(inputs[span]), classes[span]
            )
            for span in tiling.spans(0, len(inputs))
        ]
    return {name: np.concatenate([tile[name] for tile in tiles]) for name in tiles[0]}


def _scores(unseen: np.ndarray, trained: np.ndarray, classes: np.ndarray) -> dict[str, np.ndarray]:
    """All four of some rows, from probabilities (B, C) out of fold and by the head that saw them."""
    own, errors = (np.arange(len(classes)), classes), unseen.copy()
    errors[own] -= 1
    return {
        "margin_out_of_fold": -probability_margin(unseen, classes),
        "margin_label_agnostic_out_of_fold": -top_two_margin(unseen),
        "el2n_out_of_fold": np.sqrt(np.einsum("ij,ij->i", errors, errors)),
        "memorization_out_of_fold": trained[own] - unseen[own],
    }
