"""k-means on embeddings of any size."""

from perceptron_pruning.embeddings.metrics.kmeans.lloyd import KMeans, fit_kmeans

__all__ = ["KMeans", "fit_kmeans"]
