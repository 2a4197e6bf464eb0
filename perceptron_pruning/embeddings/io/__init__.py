"""Files in which embeddings, labels, identifiers and scores are met."""
