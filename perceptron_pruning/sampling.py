"""Exact draws of pruned data without drawing the pool.

A rule sees an example only through its components (u, v) in the plane of teacher and probe. So the
pool is drawn as those scalars and ranked as a real run ranks it; the other N − 2 coordinates, on
which pruning has no bearing, are drawn for the kept examples alone. The kept set has exactly the
law of pruning a full P_tot × N matrix, at cost O(P_tot + P N) instead of O(P_tot N).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from replica_theory.selection import Selection


def kept_plane(
    selection: Selection, *, probe_angle: float, n_kept: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Plane components and labels of the kept examples of one pool.

    Args:
        selection: The rule.
        probe_angle: θ between probe and teacher, radians.
        n_kept: Examples to keep, P; the pool has P / f.
        rng: Source of the pool.

    Returns:
        Components (P, 2) along the teacher and across it (towards the probe), and labels (P,).
    """
    pool = round(n_kept / selection.kept_law(probe_angle).keep_fraction)
    kept, found = [], 0
    while found < n_kept:  # once for ranked rules; again when chance kept too few
        plane = rng.standard_normal((max(pool, n_kept), 2))
        label = np.sign(plane[:, 0])
        probe_field = plane @ [math.cos(probe_angle), math.sin(probe_angle)]
        chosen = selection.choose(probe_field, label, count=n_kept - found, rng=rng)
        kept.append(plane[chosen])
        found += len(chosen)
    components = np.concatenate(kept)
    return components, np.sign(components[:, 0])


def pruned_data(
    selection: Selection, *, probe_angle: float, n_kept: int, n_features: int, seed: int, trial: int
) -> tuple[np.ndarray, np.ndarray]:
    """Kept inputs (P, N) and labels (P,) of one trial; teacher and probe lie in the first two axes.

    The draw depends on ``seed`` and ``trial`` alone, whatever else runs beside it.
    """
    components, label = kept_plane(
        selection, probe_angle=probe_angle, n_kept=n_kept, rng=np.random.default_rng([seed, trial])
    )
    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(seed), trial)
        others = np.asarray(jax.random.normal(key, (n_kept, n_features - 2), dtype=jnp.float64))
    return np.concatenate([components, others], axis=1), label
