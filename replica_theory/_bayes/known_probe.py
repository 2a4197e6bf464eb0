"""The saddle point of the Bayes-optimal student that knows the probe: it lacks only the teacher's part across it.

It sees an example's probe field z, and the mean √q ξ of the field v across the probe; the label is +1 with chance
Φ(A), A = (z cot θ + √q ξ)/√(1−q). With κ = q/(1−q), A is the field of a student of components x, so that averages
over kept examples are those of `KeptAverages`, which weigh each field by the chance of label +1::

    (B1)  q = α E_kept h'(A)²,   h = ln Φ,   x = (cot θ √(1+κ), √κ √q, √κ √(1−q))

Of noisy labels h is the logarithm of the chance of the label +1, E L(d (A + ζ)), with d = sin θ √(1−q) the deviation of
the teacher's field: h'(A) = E[ζ L]/E[L].
"""

import math

import numpy as np

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory._numerics.gaussian import inverse_mills
from replica_theory._numerics.one_variable import root
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.kept_distribution import KeptDistribution

_LOG_KAPPAS = math.log(1e-30), math.log(1e20)  # range of ln κ, κ = q/(1−q)
_ROOT_TOLERANCE = 1e-14  # error of ln κ
_LEAST_INFORMATION = 1e-300  # value of α E h'² where it underflows
_UNSEEN_OVERLAP = 1e-8  # least q to which the residual is relative: a smaller one does not show in ε
_ORDER_OF_CHECK = 18  # Gauss–Legendre nodes a panel of the second quadrature
_FIELDS = np.array([-3000.0, -500.0, -100.0, -30.0, -10.0, -4.0, -1.5, 1.0, 3.5, 7.0])  # panel ends of h' in A
_BREAKPOINTS = Breakpoints(fields=_FIELDS, slopes=np.zeros_like(_FIELDS), corners=False)


def solve_known_probe(kept: KeptDistribution, alpha: float) -> tuple[float, float]:
    """κ = q/(1−q) at θ > 0, and the relative residual of (B1) by the second quadrature."""
    averages = KeptAverages(kept)

    def log_ratio_of_sides(log_kappa: float) -> float:
        nodes = averages(_BREAKPOINTS, _components(math.exp(log_kappa), kept.probe_angle), 1.0)
        return math.log(max(_information(kept, math.exp(log_kappa), nodes, alpha), _LEAST_INFORMATION)) + math.log1p(
            math.exp(-log_kappa)
        )

    least, most = _LOG_KAPPAS
    if log_ratio_of_sides(least) <= 0:  # the examples say less than rounding
        return 0.0, 0.0
    kappa = math.exp(root(log_ratio_of_sides, least, most, xtol=_ROOT_TOLERANCE))
    components = _components(kappa, kept.probe_angle)
    nodes = quadrature_nodes(kept, components, _BREAKPOINTS, 1.0, order=_ORDER_OF_CHECK)
    q = kappa / (1 + kappa)
    return kappa, abs(_information(kept, kappa, nodes, alpha) - q) / max(q, _UNSEEN_OVERLAP)


def _information(kept: KeptDistribution, kappa: float, nodes: FieldNodes, alpha: float) -> float:
    """α E h'(A)²."""
    if kept.label_noise == 0:
        return alpha * nodes.mean(inverse_mills(nodes.field) ** 2)
    deviation = math.sin(kept.probe_angle) / math.sqrt(1 + kappa)
    chance, first, _ = kept.label.moments(deviation * nodes.field, deviation)
    return alpha * nodes.mean(np.divide(first, chance, out=np.zeros_like(first), where=chance > 0) ** 2)


def _components(kappa: float, probe_angle: float) -> np.ndarray:
    """x, with √κ √q = κ/√(1+κ) and √κ √(1−q) = √q."""
    along = math.sqrt(1 + kappa) / math.tan(probe_angle)
    return np.array([along, kappa / math.sqrt(1 + kappa), math.sqrt(kappa / (1 + kappa))])
