"""How difficult every row is to heads that did not see it, and to one that did.

Five heads, each trained on four fifths of the rows, give the remaining fifth out-of-fold probabilities p. With y the
label of a row::

    margin_out_of_fold                  p_y − max_{c≠y} p_c
    margin_label_agnostic_out_of_fold   its two largest probabilities, p₁ − p₂
    margin_converged                    p_y − max_{c≠y} p_c of one head trained on all rows
    grand_out_of_fold                   ‖p − onehot(y)‖₂ √(‖x‖² + 1), the gradient of such a head's loss

A label is in doubt where the first is below −0.7: heads that did not see the row are sure of another class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from perceptron_pruning.embeddings.metrics.margin import probability_margin, top_two_margin
from perceptron_pruning.embeddings.recommendation.heads import Head, fit_head

N_FOLDS = 5
SCORING_RIDGE = 1e-3
DOUBTFUL_MARGIN = -0.7

SIGNED = "margin_out_of_fold"
AGNOSTIC = "margin_label_agnostic_out_of_fold"
TRAINED = "margin_converged"
GRADIENT = "grand_out_of_fold"


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """Difficulties of n rows.

    Attributes:
        scores: Metric → minus its margin, or its gradient, (n,): high = hard.
        doubtful: Whether the label is in doubt, (n,).
        predicted: Most probable class out of fold, (n,).
        start: Mean parameters of the out-of-fold heads, from which other heads start.
        trained: Parameters of the head trained on all rows, or None if these are part of them.
        inputs: What the heads saw, (n, d), for selections that cover; or None.
    """

    scores: dict[str, np.ndarray]
    doubtful: np.ndarray
    predicted: np.ndarray
    start: np.ndarray
    trained: np.ndarray | None = None
    inputs: np.ndarray | None = field(default=None, repr=False)

    def part(self, rows: np.ndarray | slice) -> "Difficulty":
        """Those of some of the rows."""
        return Difficulty(
            scores={name: values[rows] for name, values in self.scores.items()},
            doubtful=self.doubtful[rows],
            predicted=self.predicted[rows],
            start=self.start,
            inputs=None if self.inputs is None else self.inputs[rows],
        )


def measure_difficulty(
    inputs: np.ndarray, classes: np.ndarray, n_classes: int, seed: int, *, unseen: "Unseen | None" = None
) -> Difficulty:
    """Difficulties of all rows, by five heads and one more.

    Args:
        inputs: (n, d) float32.
        classes: (n,), in 0..C−1.
        n_classes: C.
        seed: Draws the folds.
        unseen: The folds, and heads that did not see them, where they are known.
    """
    probabilities, heads = out_of_fold(inputs, classes, n_classes, seed, unseen=unseen)
    start = np.mean([head.parameters for head in heads], axis=0)
    return difficulty_with_trained(probabilities, inputs, classes, start)


def difficulty_with_trained(
    probabilities: np.ndarray, inputs: np.ndarray, classes: np.ndarray, start: np.ndarray
) -> Difficulty:
    """Difficulties from out-of-fold probabilities, (n, C), and a head that is trained on all rows from ``start``."""
    n_classes = probabilities.shape[1]
    trained = fit_head(inputs, classes, n_classes=n_classes, ridge=SCORING_RIDGE, start=start)
    difficulty = difficulty_of(probabilities, trained.probabilities(inputs), inputs, classes, start)
    return replace(difficulty, trained=trained.parameters)


def difficulty_of(
    probabilities: np.ndarray, trained: np.ndarray, inputs: np.ndarray, classes: np.ndarray, start: np.ndarray
) -> Difficulty:
    """Difficulties from out-of-fold probabilities and those of a head trained on all rows, (n, C) each."""
    signed = probability_margin(probabilities, classes)
    wrong = probabilities - np.eye(probabilities.shape[1], dtype=probabilities.dtype)[classes]
    length = np.sqrt(np.einsum("nd,nd->n", inputs, inputs, dtype=float) + 1)
    return Difficulty(
        scores={
            SIGNED: -signed.astype(float),
            AGNOSTIC: -top_two_margin(probabilities).astype(float),
            TRAINED: -probability_margin(trained, classes).astype(float),
            GRADIENT: np.linalg.norm(wrong, axis=1) * length,
        },
        doubtful=signed < DOUBTFUL_MARGIN,
        predicted=probabilities.argmax(axis=1),
        start=start,
        inputs=inputs,
    )


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """Folds of rows, and heads that did not see them.

    Attributes:
        fold: Of each row, 0..4, (n,).
        starts: Fold → parameters of a head that did not see it, for some of them.
    """

    fold: np.ndarray
    starts: Mapping[int, np.ndarray]


def out_of_fold(
    inputs: np.ndarray,
    classes: np.ndarray,
    n_classes: int,
    seed: int,
    *,
    ridge: float = SCORING_RIDGE,
    unseen: Unseen | None = None,
) -> tuple[np.ndarray, list[Head]]:
    """Probabilities of every row by a head that did not see it, (n, C) float32, and the five heads.

    Without ``unseen`` the folds are drawn, and each head starts where the one before it ended.
    """
    if unseen is None:
        unseen = Unseen(fold=np.random.default_rng([seed, 1]).permutation(len(inputs)) % N_FOLDS, starts={})
    probabilities = np.empty((len(inputs), n_classes), np.float32)
    heads: list[Head] = []
    for number in range(N_FOLDS):
        left_out = unseen.fold == number
        head = fit_head(
            inputs[~left_out],
            classes[~left_out],
            n_classes=n_classes,
            ridge=ridge,
            start=unseen.starts.get(number, heads[-1].parameters if heads else None),
        )
        probabilities[left_out] = head.probabilities(inputs[left_out])
        heads.append(head)
    return probabilities, heads
