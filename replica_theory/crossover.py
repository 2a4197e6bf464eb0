"""The pool size at which two rules do equally well."""

import numpy as np
from scipy.optimize import brentq

from replica_theory.errors import check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection, check_selection

_EQUAL = 1e-9  # difference in ln ε below which rules are equal, not crossing
_ALPHAS = np.geomspace(0.05, 1e4, 80)


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

    def lead(alpha_prune):
        errors = [max_margin(alpha_prune, selection=rule, probe_angle=angle) for rule in (first, second)]
        return np.log(errors[0].generalization_error) - np.log(errors[1].generalization_error)

    leads = lead(_ALPHAS)
    signs = np.where(np.abs(leads) > _EQUAL, np.sign(leads), 0.0)
    changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    if not changes.size:
        raise ValueError(f"`first` and `second` must cross; {first} and {second} do not, for α_prune in [0.05, 1e4]")
    bracket = _ALPHAS[changes[0]], _ALPHAS[changes[0] + 1]
    return float(brentq(lead, *bracket, rtol=1e-11)) / fractions[0]  # pyright: ignore[reportArgumentType]
