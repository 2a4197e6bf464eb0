"""Students near enough to a max-margin student for Newton's method, from what is simple in a law.

With few examples a student is their mean, with many it is held by those next to the teacher's boundary,
and in between it leans on a gap, if the rule leaves one. Random data have the first two: as many times
as their mean is larger, or their boundary denser, so many times longer is the student.
"""

import math

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory.selection.kept_distribution import KeptDistribution

_MEAN = math.sqrt(2 / math.pi)  # |E y s| of random data
_LEAST = 1e-3


def guesses(law: KeptDistribution, alpha: float) -> OrderParameters:
    """A few students at this α, of which the one with the least residual is probably a start."""
    toward, across, dense, gap = law.outline
    size, angle = math.hypot(toward, across) / _MEAN, math.atan2(across, toward)
    # random data, to a per cent or two
    length = _MEAN * math.sqrt(alpha) * (1 + (0.6364 * alpha) ** 1.57) ** (1 / 3.14)
    k = (1 + (0.4081 * alpha) ** 1.7) ** (1 / 3.4) / math.sqrt(alpha)
    mean, held = size * length, max(dense, _LEAST) * length
    return OrderParameters.of(
        alpha,
        [k + gap * mean, k, k, k + 0.5 * gap * mean],
        [mean, held, math.sqrt(mean * held), mean],
        [angle, 0.0, angle / (1 + alpha), 0.5 * angle],
    )
