"""Where the iteration of the leave-one-out equations begins."""

import numpy as np

from replica_theory._real_data.leave_one_out.cavity import Cavity
from replica_theory._real_data.leave_one_out.rows import Rows

_STIFFNESS = 0.2  # mean of G E u
_LEVERAGE = 0.25  # V, relative to that of this stiffness and isotropic rows
_LEAST_LEVERAGE = 1e-12


def first_guess(rows: Rows, penalty: np.ndarray) -> Cavity:
    """Wide fields around 0 and the leverages of isotropic rows."""
    n, d = rows.inputs.shape
    spread = np.einsum("ij,ij->i", rows.inputs, rows.inputs) / rows.normalisation
    curvature = penalty.max() + _STIFFNESS * rows.count.sum() * spread.mean() / d
    return Cavity(np.zeros(d), np.zeros(n), np.ones(n), np.maximum(_LEVERAGE * spread / curvature, _LEAST_LEVERAGE))
