"""Which examples are kept: one object for theory, simulation and embeddings.

A rule sees an example through its *margin*: hard is small. Label-agnostic rules take |z|, the
distance of the probe field from the probe's boundary; label-aware rules take y z, negative
where the probe is wrong. The theory asks a rule for its law in the limit of infinitely many
examples (`kept_distribution`); a finite pool, simulated or real, is ranked (`keep`).
"""

from replica_theory.selection.base import Selection, check_selection
from replica_theory.selection.ranked import KeepBetween, KeepEasiest, KeepHardest, KeepWindows
from replica_theory.selection.stochastic import Calibrated, KeepRandom, KeepWithProbability, Verified

__all__ = [
    "Calibrated",
    "KeepBetween",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "KeepWindows",
    "KeepWithProbability",
    "Selection",
    "Verified",
    "check_selection",
]
