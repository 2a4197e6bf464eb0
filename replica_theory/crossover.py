"""The pool size at which two rules do equally well."""

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory.errors import check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection, check_selection

_EQUAL = 1e-9  # |ln ε₁/ε₂| up to which rules are equal, not crossing
_ALPHAS = np.geomspace(0.05, 1e4, 80)  # α_prune at which crossings are looked for


def crossover(first: Selection, second: Selection, *, probe_angle: float = 0.0) -> float:
    """α_total at which two rules that keep the same fraction have the same test error.

    The smallest root of ln ε₁(f α_total) = ln ε₂(f α_total), bracketed on a logarithmic grid of
    α_prune from 0.05 to 1e4 and refined by Brent's method.

    Args:
        first: One rule.
        second: The other, with the same ``keep_fraction``.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].

    Returns:
        α_total = α_prune / f, to a relative 1e-10.

    Raises:
        ValueError: A parameter is out of range, the fractions differ, or the rules never cross.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, Figure 1B–C.
    """
    angle = check_probe_angle(probe_angle)
    fractions = [check_selection(rule).kept_distribution(angle).keep_fraction for rule in (first, second)]
    if not np.isclose(*fractions, rtol=1e-12, atol=0):
        raise ValueError(f"`first` and `second` must keep the same fraction; got {fractions[0]} and {fractions[1]}")

    def log_ratio(alpha_prune):
        solutions = [max_margin(alpha_prune, selection=rule, probe_angle=angle) for rule in (first, second)]
        return np.log(solutions[0].generalization_error) - np.log(solutions[1].generalization_error)

    log_ratios = log_ratio(_ALPHAS)
    signs = np.where(np.abs(log_ratios) > _EQUAL, np.sign(log_ratios), 0.0)
    changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    if not changes.size:
        raise ValueError(f"`first` and `second` must cross; {first} and {second} do not, for α_prune in [0.05, 1e4]")
    lower, upper = _ALPHAS[changes[0] : changes[0] + 2].tolist()
    return root(log_ratio, lower, upper, rtol=1e-11) / fractions[0]
