"""Kept planes of which NumPy does the sorting: on a CPU it takes a fifth of the time of XLA's."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from perceptron_pruning.device.draws import RankedPool, chosen_plane
from perceptron_pruning.device.numerics import power_of_two
from perceptron_pruning.device.programs import Layout, Scene, pools_program
from perceptron_pruning.device.rule import PoolRule
from perceptron_pruning.parallel.cores import usable_cores


def host_sorted_planes(scene: Scene, rule: PoolRule, trials: np.ndarray, layout: Layout) -> np.ndarray:
    """What `planes_program` makes, (T, P_bucket, 2)."""
    pools: RankedPool = pools_program(power_of_two(int(rule.pool)), layout)(scene, rule, trials)
    plane, keys = np.asarray(pools.plane), np.asarray(pools.keys)
    planes = np.empty((len(trials), len(rule.ranks), 2))

    def choose(trial: int) -> None:
        planes[trial] = chosen_plane(np, rule, plane[trial], np.argsort(keys[trial]))

    with ThreadPoolExecutor(usable_cores()) as threads:
        list(threads.map(choose, range(len(trials))))
    return planes
