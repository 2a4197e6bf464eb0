"""Averages over kept examples at a student's field ω, which the saddle points of convex losses and of Bayes share."""
