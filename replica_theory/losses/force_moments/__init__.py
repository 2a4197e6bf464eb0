"""Moments of an example's force over its Gaussian field: E f, E f² and E u, row by row.

The field that the other examples give a row is ω ~ N(m, c²); in the training set its own force on it moves it to
p = prox_{Sℓ}(ω), with the force f = (p − ω)/S = −ℓ'(p) and u = −∂f/∂ω = ℓ''(p)/(1 + S ℓ''(p)).
"""

from replica_theory.losses.force_moments.base import ForceMoments, Moments
from replica_theory.losses.force_moments.of_loss import LEVELS, costly, force_moments, in_closed_form

__all__ = ["LEVELS", "ForceMoments", "Moments", "costly", "force_moments", "in_closed_form"]
