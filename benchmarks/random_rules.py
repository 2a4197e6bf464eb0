"""Random rules that rank: what the benchmarks of speed and refusals draw."""

import numpy as np

from replica_theory import KeepBetween, KeepEasiest, KeepHardest, Selection


def ranked_rule(rng: np.random.Generator, least: float, most: float) -> Selection:
    """The hardest, the easiest or a window, signed in two cases of five, of a fraction in [least, most]."""
    fraction, aware = float(rng.uniform(least, most)), bool(rng.random() < 0.4)
    low = float(rng.uniform(0.0, 1 - fraction))
    return [
        KeepHardest(fraction, aware),
        KeepEasiest(fraction, aware),
        KeepBetween(low, low + fraction, aware),
    ][rng.integers(3)]
