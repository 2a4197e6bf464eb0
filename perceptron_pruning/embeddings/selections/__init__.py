"""Selections beyond a ranking: strata of difficulty, coverage of the embeddings, quotas of classes."""
