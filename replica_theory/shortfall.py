"""How far kept examples fall short of a margin: the one functional of the max-margin theory.

    M(p, k) = E_kept Q(k − y p·s),   s = the kept example's components in the teacher–probe plane

is the mean squared shortfall from margin k, over the noise that the rest of the student (of unit
norm) adds. It is jointly convex, and here it comes with its gradient and Hessian, in the frame of
the student: t along p, x across it.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory.gaussian import normal_density, squared_ramp
from replica_theory.kept_law import KeptLaw
from replica_theory.quadrature import breakpoints, panel_rule

_REACH = 12.0


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """M with ∇M and ∇²M in (k, p_t, p_x) at p_x = 0."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray


def expected_shortfall(law: KeptLaw, *, k: float, length: float, angle: float) -> Shortfall:
    """M at margin k for a student whose in-plane part has this length and angle ψ from the teacher.

    With Q^(j) the derivatives of Q and W_i(t) = ∫ dx φ(x) x^i q [u > 0]::

        M = (2/f) ∫ dt φ(t) Q(k − length t) W_0(t)

    and the derivatives are the same integral with Q', Q'' and with t^i W_j for the components.
    """
    ends = breakpoints(
        -_REACH,
        _REACH,
        features=[(k / length, 1 / length), *law.features(angle)],
        kinks=law.kinks(angle),
    )
    t, weights = panel_rule(ends, order=12)
    ramp = np.stack(squared_ramp(k - length * t)) * (2 / law.keep_fraction * weights * normal_density(t))
    mass, first, second = law.across_moments(t, angle)
    moments = ramp @ np.stack([mass, -t * mass, -first, t * t * mass, t * first, second], axis=1)
    (value, *_), (m_k, m_t, m_x, *_), (m_kk, m_kt, m_kx, m_tt, m_tx, m_xx) = moments
    return Shortfall(
        value=value,
        gradient=np.array([m_k, m_t, m_x]),
        hessian=np.array([[m_kk, m_kt, m_kx], [m_kt, m_tt, m_tx], [m_kx, m_tx, m_xx]]),
    )
