"""k-means on embeddings of any size."""

from perceptron_pruning.embeddings.kmeans.lloyd import KMeans, fit_kmeans
from perceptron_pruning.embeddings.kmeans.settings import KMeansSettings

__all__ = ["KMeans", "KMeansSettings", "fit_kmeans"]
