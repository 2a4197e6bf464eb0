"""Data pruning on embeddings of real data: scores and kept subsets."""

from perceptron_pruning.datasets.loaders import Embeddings, load_fashion_mnist
from perceptron_pruning.embeddings.class_audit import ClassAudit, class_audit
from perceptron_pruning.embeddings.io.released import read_released_scores
from perceptron_pruning.embeddings.keep import keep
from perceptron_pruning.embeddings.metrics.softmax_head import HeadFitError, SoftmaxHead, fit_softmax
from perceptron_pruning.embeddings.near_duplicates import NearDuplicates, near_duplicates
from perceptron_pruning.embeddings.recommend import recommend
from perceptron_pruning.embeddings.recommendation.result import Recommendation
from perceptron_pruning.embeddings.report import write_report
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.score import score
from perceptron_pruning.embeddings.scores import Scores
from perceptron_pruning.embeddings.select import select
from perceptron_pruning.embeddings.stability import seed_stability
from perceptron_pruning.embeddings.suspected_mislabels import SuspectedMislabels, suspected_mislabels

__all__ = [
    "ClassAudit",
    "Embeddings",
    "HeadFitError",
    "HeadSettings",
    "KMeansSettings",
    "NearDuplicates",
    "Recommendation",
    "RidgeSettings",
    "ScoreSettings",
    "Scores",
    "SoftmaxHead",
    "SuspectedMislabels",
    "class_audit",
    "fit_softmax",
    "keep",
    "load_fashion_mnist",
    "near_duplicates",
    "read_released_scores",
    "recommend",
    "score",
    "seed_stability",
    "select",
    "suspected_mislabels",
    "write_report",
]
