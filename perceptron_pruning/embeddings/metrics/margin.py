"""The perceptron theory's own metric on embeddings: the margin of a linear probe.

References:
    Sorscher et al. 2022, arXiv:2206.14486, sec. 2.
"""

from itertools import count

import numpy as np
from scipy.optimize import minimize

from perceptron_pruning.embeddings.metrics.softmax_head import SoftmaxHead, softmax_loss, unpacked
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_everywhere
from perceptron_pruning.embeddings.runtime.context import Pool

PROBE_RIDGE = 1e-2
PROBE_ITERATIONS = 10


def margins(pool: Pool) -> dict[str, np.ndarray]:
    """Minus the margin of a linear probe: with the label, −(p_y − max_{c≠y} p_c), and without, −(p₁ − p₂) of
    the two largest.

    The probe is fitted to the scored pool itself, on standardised embeddings, and stopped after 10 iterations
    of L-BFGS: at convergence it would classify a small pool without an error and rank it by its ridge alone. Of two
    classes the margins are tanh(y x·w / 2) and tanh(|x·w| / 2) with y = ±1 and w the difference of the two
    weight vectors (bias included), which rank like the y z and |z| of the perceptron.
    """
    probe = fit_probe(pool)
    aware, agnostic = np.empty(len(pool.rows)), np.empty(len(pool.rows))
    for block in blocks(pool.rows, progress=pool.progress, label="probe margins", widest=pool.n_classes):
        probabilities = probe.probabilities(pool.statistics.standardised(block.values))
        aware[block.span] = -probability_margin(probabilities, pool.labelled[block.span])
        agnostic[block.span] = -top_two_margin(probabilities)
    return {"margin": aware, "margin_label_agnostic": agnostic}


def fit_probe(pool: Pool) -> SoftmaxHead:
    """The softmax head after 10 iterations from zero; its loss is summed over blocks.

    Raises:
        ValueError: There are fewer than two classes.
    """
    if pool.n_classes < 2:
        raise ValueError(f"`n_classes` must be at least 2; got {pool.n_classes}")
    evaluation = count()
    solution = minimize(
        lambda parameters: _kept_loss(parameters, pool, next(evaluation)),
        np.zeros((pool.rows.n_features + 1) * pool.n_classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": PROBE_ITERATIONS, "ftol": 0.0, "gtol": 1e-5},
    )
    weights, bias = unpacked(solution.x, pool.n_classes)
    return SoftmaxHead(
        weights=weights.astype(pool.rows.dtype),
        bias=bias.astype(pool.rows.dtype),
        ridge=PROBE_RIDGE,
        gradient=float(np.abs(solution.jac).max()),
        n_iterations=solution.nit,
    )


def _kept_loss(parameters: np.ndarray, pool: Pool, number: int) -> tuple[float, np.ndarray]:
    """The loss, from the checkpoint where it is: L-BFGS asks the same questions again in the same order."""
    name = f"probe_{number}"
    stored = load_everywhere(pool.checkpoint, name, pool.world)
    if stored is not None:
        return float(stored["loss"]), stored["gradient"]
    loss, gradient = _loss(parameters, pool)
    pool.checkpoint.save(name, loss=loss, gradient=gradient)
    return loss, gradient


def _loss(parameters: np.ndarray, pool: Pool) -> tuple[float, np.ndarray]:
    """Loss and gradient over the whole pool: the blocks' means weighted by their rows, and the ridge."""
    loss, gradient = 0.0, np.zeros_like(parameters)
    rounded = parameters.astype(pool.rows.dtype)
    targets = np.eye(pool.n_classes, dtype=pool.rows.dtype)
    for block in blocks(pool.rows, progress=pool.progress, label="probe", widest=pool.n_classes):
        inputs = pool.statistics.standardised(block.values)
        part, slope = softmax_loss(rounded, inputs, targets[pool.labelled[block.span]], 0.0)
        loss += part * len(inputs)
        gradient += slope * float(len(inputs))
    sums = pool.world.sum(np.append(gradient, loss)) / pool.statistics.n_rows
    weights = unpacked(parameters, pool.n_classes)[0]
    sums[: weights.size] += PROBE_RIDGE * weights.ravel()
    return float(sums[-1] + PROBE_RIDGE / 2 * np.sum(weights**2)), sums[:-1]


def probability_margin(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """p_y − max_{c≠y} p_c in [−1, 1], from probabilities (n, C) and classes (n,)."""
    own = np.arange(len(classes)), classes
    others = probabilities.copy()
    others[own] = -np.inf
    return probabilities[own] - others.max(axis=1)


def top_two_margin(probabilities: np.ndarray) -> np.ndarray:
    """Largest minus second largest probability, in [0, 1]."""
    largest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return largest[:, 1] - largest[:, 0]
