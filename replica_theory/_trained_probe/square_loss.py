"""Students whose force is linear in their field, in closed form: the start of all others."""

import math

import numpy as np

from replica_theory._trained_probe.kept_fields import KeptFields
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters


def square_student(
    fields: KeptFields, learners: Learners, *, alpha: float, ridge: float, label_noise: float
) -> OrderParameters:
    """The minimiser of the square loss, G_w = γ k (1 − ω) with γ = 1/(1 + V).

    With α_k = α E[k] and x = (A, r, c) beside φ = (s, f, G), (S1)–(S5) are::

        λ V² + (α_k + λ − 1) V − 1 = 0
        λ Γ a = α γ E[k (s, f)(1 − x·φ)],      M c = −γ V E[k G (1 − x·φ)]
        b² (1 − α_k γ² V²) = α γ² V² E[k (1 − x·φ)²] − α c·M c
    """
    second = fields.moments(label_noise)
    kept = alpha * second[0, 0]
    excess = kept + ridge - 1
    root = math.hypot(excess, 2 * math.sqrt(ridge))
    scale = 2 / (excess + root) if excess > 0 else (root - excess) / (2 * ridge)
    gain, count = 1 / (1 + scale), len(learners.gram)
    matrix, side = gain * second[1:, 1:], gain * second[1:, 0]
    matrix[:count] *= alpha
    matrix[:count, :count] += ridge * learners.gram
    matrix[count:] *= -scale
    matrix[count:, count:] += learners.force_overlaps
    side[:count] *= alpha
    side[count:] *= -scale
    x = np.linalg.solve(matrix, side)
    misfit, reaction = np.append(1.0, -x), x[count:]
    share = (gain * scale) ** 2
    square = alpha * (share * misfit @ second @ misfit - reaction @ learners.force_overlaps @ reaction)
    return OrderParameters(
        along=x[:count], reaction=reaction, outside=math.sqrt(max(square, 0.0) / (1 - kept * share)), scale=scale
    )


def hebb_student(
    fields: KeptFields, learners: Learners, *, alpha: float, ridge: float, label_noise: float
) -> OrderParameters:
    """The minimiser of −u, G_w = k, whose V is 1/λ::

    λ Γ a = α E[k (s, f)],      M c = −V E[k G],      b² = α V² E[k] − α c·M c
    """
    second, count = fields.moments(label_noise), len(learners.gram)
    along = alpha / ridge * np.linalg.solve(learners.gram, second[0, 1 : 1 + count])
    reaction = -np.linalg.solve(learners.force_overlaps, second[0, 1 + count :]) / ridge
    square = alpha * (second[0, 0] / ridge**2 - reaction @ learners.force_overlaps @ reaction)
    return OrderParameters(along=along, reaction=reaction, outside=math.sqrt(max(square, 0.0)), scale=1 / ridge)
