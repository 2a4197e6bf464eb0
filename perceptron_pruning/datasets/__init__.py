"""Labelled embeddings of real data, and the scripts that make them."""
