"""Engines of `bayes_optimal`, by what the student knows."""
