"""Data pruning on embeddings of real data: scores, kept subsets, pruning curves."""

from perceptron_pruning.embeddings.experiment import (
    FULL,
    QUICK,
    CurvePoint,
    CurveSettings,
    CurveSummary,
    pruning_curves,
    summarise,
)
from perceptron_pruning.embeddings.fashion_mnist import Embeddings, load_fashion_mnist
from perceptron_pruning.embeddings.keeping import keep
from perceptron_pruning.embeddings.scores import score
from perceptron_pruning.embeddings.softmax_head import HeadFitError, SoftmaxHead, fit_softmax

__all__ = [
    "FULL",
    "QUICK",
    "CurvePoint",
    "CurveSettings",
    "CurveSummary",
    "Embeddings",
    "HeadFitError",
    "SoftmaxHead",
    "fit_softmax",
    "keep",
    "load_fashion_mnist",
    "pruning_curves",
    "score",
    "summarise",
]
