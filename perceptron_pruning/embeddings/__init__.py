"""Data pruning on embeddings of real data: scores, kept subsets, pruning curves."""

from perceptron_pruning.datasets.loaders import Embeddings, load_fashion_mnist
from perceptron_pruning.embeddings.class_audit import ClassAudit, class_audit
from perceptron_pruning.embeddings.experiment import (
    FULL,
    QUICK,
    CurvePoint,
    CurveSettings,
    CurveSummary,
    pruning_curves,
    summarise,
)
from perceptron_pruning.embeddings.io.released import read_released_scores
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.metrics.softmax_head import HeadFitError, SoftmaxHead, fit_softmax
from perceptron_pruning.embeddings.report import write_report
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.score import score
from perceptron_pruning.embeddings.scores import Scores

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
