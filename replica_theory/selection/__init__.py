"""Which examples are kept: one object for theory, simulation and embeddings.

A rule sees an example through its *margin*: hard is small. Label-agnostic rules take |z|, the distance of the probe
field from the probe's boundary; label-aware rules take y z, negative where the probe is wrong. The theory asks a rule
for its `KeptDistribution` in the limit of infinitely many examples; a finite pool, simulated or real, is ranked by
its `keep`. `Selection` shows how to write a rule of your own, and `TrainedProbe` is a probe that has seen the pool.
"""

from replica_theory.selection.base import Selection, check_selection
from replica_theory.selection.gradient_probe import GradientProbe
from replica_theory.selection.kept_distribution import KeptDistribution, Piece, mean_keep_probability
from replica_theory.selection.ranked import KeepBetween, KeepByRank, KeepEasiest, KeepHardest, KeepWindows
from replica_theory.selection.stochastic import Calibrated, KeepRandom, KeepWithProbability, Verified
from replica_theory.selection.trained_probe import TrainedProbe, check_probe

__all__ = [
    "Calibrated",
    "GradientProbe",
    "KeepBetween",
    "KeepByRank",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "KeepWindows",
    "KeepWithProbability",
    "KeptDistribution",
    "Piece",
    "Selection",
    "TrainedProbe",
    "Verified",
    "check_probe",
    "check_selection",
    "mean_keep_probability",
]
