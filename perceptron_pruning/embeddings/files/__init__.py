"""Files in which embeddings, labels and identifiers are met."""
