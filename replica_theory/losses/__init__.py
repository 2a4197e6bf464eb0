"""Convex losses: what a loss must offer, the named ones, users' own, and the regularised risk."""

from replica_theory.losses.base import LossName, Proximal
from replica_theory.losses.risk import EmpiricalRisk

__all__ = ["EmpiricalRisk", "LossName", "Proximal"]
