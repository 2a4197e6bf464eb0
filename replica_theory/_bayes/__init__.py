"""Engines of `bayes_optimal`, by what the student knows: the probe, or the rule alone."""
