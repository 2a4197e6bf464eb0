"""What cannot be simulated is refused before any work."""

from typing import get_args

import numpy as np

from perceptron_pruning.simulation.setting import OwnProbe, Probe
from replica_theory.errors import check_alpha
from replica_theory.selection import Calibrated, KeepWithProbability, Selection, Verified


def check_probe_of(probe: Probe | OwnProbe, angle: float) -> bool:
    """Whether it is trained; raises a `ValueError` unless there is such a probe, and it needs this angle."""
    if not isinstance(probe, OwnProbe) and probe not in get_args(Probe):
        raise ValueError(f"`probe` must be 'exact', 'trained', a TrainedProbe or a GradientProbe; got {probe!r}")
    if probe != "exact" and angle != 0:
        raise ValueError(f"`probe_angle` must be left out with probe={probe!r}, which finds its own; got {angle}")
    return probe != "exact"


def check_ranks(selection: Selection) -> None:
    """Refuses rules that keep by chance: a pool that fell short could not be drawn again without its probe."""
    ranks = selection.selection if isinstance(selection, Calibrated) else selection
    if isinstance(ranks, KeepWithProbability | Verified):
        raise ValueError(f"`selection` must keep a number by rank with a probe of the pool's own; got {selection!r}")


def checked_scalar(alpha_prune: float) -> float:
    alpha = check_alpha(alpha_prune)
    if alpha.ndim:
        raise ValueError(f"`alpha_prune` must be a single number here; got shape {alpha.shape}")
    return float(alpha)


def check_count(name: str, value: int, *, at_least: int) -> None:
    if not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"`{name}` must be an integer >= {at_least}; got {value!r}")
