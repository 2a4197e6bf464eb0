"""The best student that knows the probe: it lacks only the teacher's part across the probe.

It sees an example's probe field z, and of the field v across it the mean √q ξ; the label is +1 with
chance Φ(A), A = (z cot θ + √q ξ)/√(1−q). That A is the field of a student x, so that its averages over kept
examples are those of `student_field`, whose E[… | label +1] has the factor Φ(A)::

    q = α E_kept h'(A)²,   h = ln Φ,   x = (cot θ √(1+κ), √κ √q, √κ √(1−q)),   κ = q/(1−q)
"""

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory._numerics.gaussian import inverse_mills
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection.kept_distribution import KeptDistribution

_LEAST, _MOST = math.log(1e-30), math.log(1e20)  # of κ
_NOTHING = 1e-300
_UNSEEN = 1e-8  # overlap below which the error does not show it


class _Marks(HardMargin):
    """Fields between which h' is smooth."""

    _fields = np.array([-3000.0, -500.0, -100.0, -30.0, -10.0, -4.0, -1.5, 1.0, 3.5, 7.0])

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return self._fields, np.zeros_like(self._fields)

    @property
    def is_smooth(self) -> bool:
        return True


def probe_known(law: KeptDistribution, alpha: float) -> tuple[float, float]:
    """κ = q/(1−q), and the residual of its equation by the second quadrature; θ > 0."""
    averages = KeptAverages(law)

    def log_excess(log_kappa: float) -> float:
        x = _student(math.exp(log_kappa), law.probe_angle)
        information = max(_information(averages(_Marks(), x, 1.0), alpha), _NOTHING)
        return math.log(information) + math.log1p(math.exp(-log_kappa))

    if log_excess(_LEAST) <= 0:  # examples that say less than rounding
        return 0.0, 0.0
    root: Any = brentq(log_excess, _LEAST, _MOST, xtol=1e-14)
    kappa = math.exp(root)
    cells = quadrature_nodes(law, _student(kappa, law.probe_angle), _Marks(), 1.0, order=18)
    overlap = kappa / (1 + kappa)
    return kappa, abs(_information(cells, alpha) - overlap) / max(overlap, _UNSEEN)


def _information(cells: FieldNodes, alpha: float) -> float:
    return alpha * cells.mean(inverse_mills(cells.field) ** 2)


def _student(kappa: float, probe_angle: float) -> np.ndarray:
    along = math.sqrt(1 + kappa) / math.tan(probe_angle)
    return np.array([along, kappa / math.sqrt(1 + kappa), math.sqrt(kappa / (1 + kappa))])
