"""Embeddings of real data that come with the project, and the recipes that made them."""
