"""k-means on embeddings of any size."""

from perceptron_pruning.embeddings.metrics.kmeans.lloyd import KMeans, fit_kmeans
from perceptron_pruning.embeddings.metrics.kmeans.settings import KMeansSettings

__all__ = ["KMeans", "KMeansSettings", "fit_kmeans"]
