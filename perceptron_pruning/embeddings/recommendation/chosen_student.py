"""The student behind the name, or the object, that a caller gives."""

from collections.abc import Sequence

from perceptron_pruning.embeddings.recommendation.networks import TwoLayerRecipe
from perceptron_pruning.embeddings.recommendation.planes import MaxMarginRecipe
from perceptron_pruning.embeddings.recommendation.students import (
    NeighboursStudent,
    OwnStudent,
    SoftmaxStudent,
    Student,
)

NAMES = ("softmax", "knn", "max_margin", "two_layer")


def student_for(student: object, ridges: Sequence[float]) -> Student:
    """The student.

    Args:
        student: A name, or an object with ``fit(inputs, labels, seed)``.
        ridges: Of the softmax student; it trains the largest first.

    Raises:
        ValueError: There is no such name, the object has no ``fit``, or a ridge is not positive.
    """
    if not all(ridge > 0 for ridge in ridges):
        raise ValueError(f"`ridges` must be > 0; got {', '.join(f'{ridge:g}' for ridge in ridges)}")
    if isinstance(student, str):
        built_in: dict[str, Student] = {
            "softmax": SoftmaxStudent(ridges=tuple(sorted(set(ridges), reverse=True))),
            "knn": NeighboursStudent(),
            "max_margin": OwnStudent(recipe=MaxMarginRecipe(), name="max-margin planes"),
            "two_layer": OwnStudent(recipe=TwoLayerRecipe(), name="a two-layer network"),
        }
        if student not in built_in:
            raise ValueError(f"`student` must be one of {', '.join(NAMES)}, or an object with `fit`; got {student}")
        return built_in[student]
    if not callable(getattr(student, "fit", None)):
        raise ValueError(f"`student` must have a method fit(inputs, labels, seed); got {student!r}")
    return OwnStudent(recipe=student, name=repr(student))
