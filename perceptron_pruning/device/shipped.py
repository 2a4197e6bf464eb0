"""Kept planes that the host draws and ships, for what is no numbers: own rules, mixtures of chance, shaped noise."""

import numpy as np

from perceptron_pruning.device.numerics import bucket
from perceptron_pruning.sampling import kept_plane
from replica_theory.selection import Selection
from replica_theory.selection.label_noise import Noise


def shipped_planes(
    selection: Selection, *, probe_angle: float, n_kept: int, label_noise: Noise, seed: int, trials: np.ndarray
) -> np.ndarray:
    """Components of y x along the teacher and across it, (T, P_bucket, 2), zero beyond P; NumPy's draws."""
    planes = np.zeros((len(trials), bucket(n_kept), 2))
    for plane, trial in zip(planes, trials, strict=True):
        rng = np.random.default_rng([seed, int(trial)])
        components, labels = kept_plane(
            selection, probe_angle=probe_angle, n_kept=n_kept, rng=rng, label_noise=label_noise
        )
        plane[:n_kept] = components * labels[:, None]
    return planes
