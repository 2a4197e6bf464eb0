"""Minimisation of a loss that is summed over processes: one leads, the others answer.

Each evaluates its share of the loss where the leader asks for it. Steps and stops are the leader's alone, so that
processors that round differently cannot part ways.
"""

from collections.abc import Callable

import numpy as np

from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup

JointLoss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Parameters (p,) → loss and gradient (p,), summed over all processes, which call it together."""


def led(minimise: Callable[[JointLoss], np.ndarray], loss: JointLoss, group: ProcessGroup) -> np.ndarray:
    """What ``minimise`` returns in the first process, on all.

    Args:
        minimise: Asks for the loss at parameters, p ≥ 1, as often as it likes; returns an array of doubles.
        loss: Called by all processes at the same parameters, in double precision.
        group: Process group.
    """
    if group.size == 1:
        return minimise(loss)
    nothing = np.empty(0)
    result = nothing
    if group.rank == 0:
        result = minimise(lambda parameters: loss(group.broadcast(parameters.astype(float), source=0)))
        group.broadcast(nothing, source=0)
    else:
        while (parameters := group.broadcast(nothing, source=0)).size:
            loss(parameters)
    return group.broadcast(result, source=0)
