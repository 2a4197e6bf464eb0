"""Averages over kept examples at a student's field, for every student of a convex loss."""
