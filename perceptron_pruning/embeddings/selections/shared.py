"""Selections that cover, by many processes: each takes some of the classes, whose rows are gathered there."""

from collections.abc import Callable

import numpy as np

from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup, at_own_pace
from perceptron_pruning.embeddings.selections.quotas import proportional

Covering = Callable[[np.ndarray, int, int], np.ndarray]
"""Inputs of the rows of a class (n, d), how many to keep, number of the class → their places, (count,)."""


def shared_out(
    cover: Covering,
    inputs: np.ndarray,
    classes: np.ndarray,
    own: slice,
    count: int,
    *,
    group: ProcessGroup,
    store: Checkpoint,
) -> np.ndarray:
    """Row numbers that are kept, ascending, (count,); the same on every process, and as one process would keep.

    Args:
        cover: The selection within a class.
        inputs: Of the rows of this process, (n, d).
        classes: Of the rows of all processes, in 0..C−1; all 0 without labels.
        own: The rows of this process among them.
        count: Rows to keep.
        group: Process group.
        store: Checkpoint store.
    """
    sizes = np.bincount(classes)
    quotas = proportional(sizes, count)
    labels = np.flatnonzero(quotas)
    labels = labels[np.argsort(-sizes[labels], kind="stable")]  # those that are shared out together take as long
    done, stored = load_step_everywhere(store, "selection", group)
    kept = stored["kept"] if done else np.empty(0, np.int64)
    for start in range(done * group.size, len(labels), group.size):
        mine, here = None, np.empty((0, inputs.shape[1]), inputs.dtype)
        for rank, label in enumerate(labels[start : start + group.size]):
            gathered = group.all_gather(inputs[classes[own] == label])
            if rank == group.rank:
                mine, here = int(label), gathered
        if mine is not None:
            label, rows = mine, here
            places = at_own_pace(group, lambda: cover(rows, int(quotas[label]), label))  # noqa: B023
            kept = np.concatenate([kept, np.flatnonzero(classes == label)[places]])
        else:
            at_own_pace(group, lambda: None)
        save_step(store, "selection", start // group.size + 1, group, kept=kept)
    return np.sort(group.all_gather(kept))
