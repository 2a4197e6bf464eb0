"""Data pruning on embeddings of real data: scores, kept subsets, pruning curves."""

from perceptron_pruning.embeddings.audit import ClassAudit, class_audit
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
from perceptron_pruning.embeddings.files.released import read_released_scores
from perceptron_pruning.embeddings.keeping import keep
from perceptron_pruning.embeddings.kmeans import KMeansSettings
from perceptron_pruning.embeddings.report import write_report
from perceptron_pruning.embeddings.results import Scores
from perceptron_pruning.embeddings.scores import score
from perceptron_pruning.embeddings.settings import HeadSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.softmax_head import HeadFitError, SoftmaxHead, fit_softmax

__all__ = [
    "FULL",
    "QUICK",
    "ClassAudit",
    "CurvePoint",
    "CurveSettings",
    "CurveSummary",
    "Embeddings",
    "HeadFitError",
    "HeadSettings",
    "KMeansSettings",
    "RidgeSettings",
    "ScoreSettings",
    "Scores",
    "SoftmaxHead",
    "class_audit",
    "fit_softmax",
    "keep",
    "load_fashion_mnist",
    "pruning_curves",
    "read_released_scores",
    "score",
    "summarise",
    "write_report",
]
