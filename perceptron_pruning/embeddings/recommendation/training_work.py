"""How long the training of a student takes, of those for which that is known."""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import SCORING_RIDGE
from perceptron_pruning.embeddings.recommendation.head_batch import FEWEST_IN_BATCH
from perceptron_pruning.embeddings.recommendation.networks import TwoLayerRecipe
from perceptron_pruning.embeddings.recommendation.students import (
    NeighboursStudent,
    OwnStudent,
    SoftmaxStudent,
    Student,
)
from perceptron_pruning.embeddings.recommendation.work import Shape, Work, head, heads_together


def warm_evaluations(evaluations: float) -> float:
    """Of a head that starts from a similar one and converges, if one that starts from zero takes so many."""
    return max(0.57 * evaluations - 3, 0.25 * evaluations)


def raced_evaluations(evaluations: float, student: SoftmaxStudent) -> float:
    """Of a head that is raced, the mean over ridges: less at the ridge of the similar head that it starts from."""
    alike, most = (2 + 0.41 * evaluations, 3 + 0.48 * evaluations), student.stop.iterations + 1
    return float(np.mean([min(alike[ridge != SCORING_RIDGE], most) for ridge in student.ridges]))


def training(
    student: Student,
    batches: Sequence[Sequence[int]],
    n_settings: int,
    n_aside: int,
    shape: Shape,
    evaluations: float,
) -> Work | None:
    """Students at so many settings each, or None if the time that one takes is not known.

    Args:
        student: Which.
        batches: Rows of every training set; those of a list are trained together.
        n_settings: Of each set.
        n_aside: Rows that are predicted.
        shape: Features and classes.
        evaluations: That the first head took, from zero.
    """
    if isinstance(student, SoftmaxStudent):
        each = raced_evaluations(evaluations, student)
        return sum((_heads(sizes, shape, each) for sizes in batches), Work()).times(n_settings)
    sizes = [size for batch in batches for size in batch]
    if isinstance(student, NeighboursStudent):
        pairs = sum(sizes) * n_aside * n_settings
        return Work(seconds=pairs * (9.5e-9 + 3.0e-11 * shape.d))
    if isinstance(student, OwnStudent) and isinstance(student.recipe, TwoLayerRecipe):
        return sum((_network(student.recipe, size, shape) for size in sizes), Work()).times(n_settings)
    return None


def _heads(sizes: Sequence[int], shape: Shape, evaluations: float) -> Work:
    if len(sizes) >= FEWEST_IN_BATCH:
        return heads_together(sizes, shape, evaluations)
    return sum((head(size, shape, evaluations) for size in sizes), Work())


def _network(recipe: TwoLayerRecipe, size: int, shape: Shape) -> Work:
    """Steps on batches of rows, each of which moves all weights."""
    filled = (1 + min(size, recipe.batch) / recipe.batch) / 2  # of the time of a step, half is of the weights alone
    each = 8.5e-5 + recipe.width / 128 * (1.1e-6 * shape.d + 2.0e-6 * shape.n_classes)
    return Work(seconds=recipe.steps * each * filled)
