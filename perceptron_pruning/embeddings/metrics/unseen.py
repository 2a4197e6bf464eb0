"""Metrics from heads that did not see the row: five softmax heads, each trained on four fifths of the rows.

With p the out-of-fold probabilities, q those of one head trained on all rows, y the label::

    margin_out_of_fold                   −(p_y − max_{c≠y} p_c)
    margin_label_agnostic_out_of_fold    −(p₁ − p₂), the two largest
    el2n_out_of_fold                     ‖p − onehot‖₂
    memorization_out_of_fold             q_y − p_y

The heads see at most 128 principal components.
"""

import numpy as np

from perceptron_pruning.embeddings.metrics.margin import probability_margin, top_two_margin
from perceptron_pruning.embeddings.recommendation.difficulty import SCORING_RIDGE, out_of_fold
from perceptron_pruning.embeddings.recommendation.heads import fit_head
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.parallel.blas_threads import one_blas_thread


def unseen_metrics(context: ScoringContext) -> dict[str, np.ndarray]:
    """All four, (n,) each; high = hard."""
    classes, n_classes = context.required_classes, context.n_classes
    own = np.arange(len(classes)), classes
    with one_blas_thread():
        projection = measure_projection(context.rows, SEEN_COMPONENTS, context.progress)
        inputs = projected(context.rows, projection, context.progress)
        unseen, heads = out_of_fold(inputs, classes, n_classes, context.settings.seed)
        seen = fit_head(inputs, classes, n_classes=n_classes, ridge=SCORING_RIDGE, start=heads[-1].parameters)
        trained = seen.probabilities(inputs)
    errors = unseen.copy()
    errors[own] -= 1
    return {
        "margin_out_of_fold": -probability_margin(unseen, classes),
        "margin_label_agnostic_out_of_fold": -top_two_margin(unseen),
        "el2n_out_of_fold": np.sqrt(np.einsum("ij,ij->i", errors, errors)),
        "memorization_out_of_fold": trained[own] - unseen[own],
    }
