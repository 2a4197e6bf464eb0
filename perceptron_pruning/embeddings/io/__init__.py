"""File formats of embeddings, labels, identifiers and scores."""
