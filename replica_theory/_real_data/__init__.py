"""Engines of `real_data`: laws of a plane and a bulk, and the leave-one-out theory of given rows."""
