"""The perceptron theory's own metric on embeddings: the margin of a linear probe.

References:
    Sorscher et al. 2022, arXiv:2206.14486, sec. 2.
"""

from itertools import count

import numpy as np
from scipy.optimize import minimize

from perceptron_pruning.embeddings.metrics.probe_loss import LossSums, loss_sums, loss_sums_at_zero
from perceptron_pruning.embeddings.metrics.softmax_head import SoftmaxHead, unpacked
from perceptron_pruning.embeddings.runtime.blocks import Block, blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_everywhere
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles
from perceptron_pruning.embeddings.runtime.settings import MARGIN_PROBE_ITERATIONS, MARGIN_PROBE_RIDGE


def margins(context: ScoringContext) -> dict[str, np.ndarray]:
    """Minus the margin of a linear probe: with the label, −(p_y − max_{c≠y} p_c), and without, −(p₁ − p₂) of
    the two largest probabilities.

    The probe is fitted to the scored rows themselves, on standardised embeddings, and stopped after 10 iterations
    of L-BFGS: at convergence it would classify a small pool without an error and rank it by its ridge alone. Of two
    classes the margins are tanh(y x·w / 2) and tanh(|x·w| / 2) with y = ±1 and w the difference of the two
    weight vectors (bias included), which rank like the y z and |z| of the perceptron.
    """
    probe = fit_probe(context)
    label_aware, label_agnostic = np.empty(len(context.rows)), np.empty(len(context.rows))
    for block in blocks(context.rows, progress=context.progress, label="probe margins", widest=context.n_classes):
        classes = context.required_classes[block.span]

        def measure(span: slice, block: Block = block, classes: np.ndarray = classes) -> None:
            probabilities = probe.probabilities(context.standardisation.apply(block.values[span]))
            place = slice(block.start + span.start, block.start + span.stop)
            label_aware[place] = -probability_margin(probabilities, classes[span])
            label_agnostic[place] = -top_two_margin(probabilities)

        on_tiles(measure, len(block.values))
    return {"margin": label_aware, "margin_label_agnostic": label_agnostic}


def fit_probe(context: ScoringContext) -> SoftmaxHead:
    """The softmax head after 10 iterations of L-BFGS from zero; its loss is summed over blocks.

    Raises:
        ValueError: There are fewer than two classes.
    """
    if context.n_classes < 2:
        raise ValueError(f"`labels` must have at least two classes; got {context.n_classes}")
    evaluation = count()
    solution = minimize(
        lambda parameters: _checkpointed_loss(parameters, context, next(evaluation)),
        np.zeros((context.rows.n_features + 1) * context.n_classes),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MARGIN_PROBE_ITERATIONS, "ftol": 0.0, "gtol": 1e-5},
    )
    weights, bias = unpacked(solution.x, context.n_classes)
    return SoftmaxHead(
        weights=weights.astype(context.rows.dtype),
        bias=bias.astype(context.rows.dtype),
        ridge=MARGIN_PROBE_RIDGE,
        gradient=float(np.abs(solution.jac).max()),
        n_iterations=solution.nit,
    )


def _checkpointed_loss(parameters: np.ndarray, context: ScoringContext, evaluation: int) -> tuple[float, np.ndarray]:
    """Loss and gradient, from the checkpoint if there: a repeated L-BFGS asks for the same points in the same order."""
    name = f"probe_{evaluation}"
    stored = load_everywhere(context.checkpoint, name, context.group)
    if stored is not None:
        return float(stored["loss"]), stored["gradient"]
    loss, gradient = _loss(parameters, context)
    context.checkpoint.save(name, loss=loss, gradient=gradient)
    return loss, gradient


def _loss(parameters: np.ndarray, context: ScoringContext) -> tuple[float, np.ndarray]:
    """Loss and gradient over the rows of all processes: sums over tiles, added in double precision, and the ridge."""
    loss, gradient = 0.0, np.zeros((context.rows.n_features + 1, context.n_classes))
    rounded = parameters.astype(context.rows.dtype).reshape(gradient.shape)
    for block in blocks(context.rows, progress=context.progress, label="probe", widest=context.n_classes, narrow=True):
        classes = context.required_classes[block.span]

        def evaluate(span: slice, block: Block = block, classes: np.ndarray = classes) -> LossSums:
            inputs = context.standardisation.with_ones(block.values[span], context.rows.dtype)
            if not rounded.any():
                return loss_sums_at_zero(inputs, classes[span], context.n_classes)
            return loss_sums(inputs, classes[span], rounded)

        for _, (tile_loss, tile_gradient) in on_tiles(evaluate, len(block.values)):
            loss += tile_loss
            gradient += tile_gradient
    sums = context.group.all_sum(np.append(gradient, loss)) / context.standardisation.n_rows
    weights = unpacked(parameters, context.n_classes)[0]
    sums[: weights.size] += MARGIN_PROBE_RIDGE * weights.ravel()
    return float(sums[-1] + MARGIN_PROBE_RIDGE / 2 * np.sum(weights**2)), sums[:-1]


def probability_margin(probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """p_y − max_{c≠y} p_c in [−1, 1], (n,), from probabilities (n, C) and classes (n,)."""
    own = np.arange(len(classes)), classes
    others = probabilities.copy()
    others[own] = -np.inf
    return probabilities[own] - others.max(axis=1)


def top_two_margin(probabilities: np.ndarray) -> np.ndarray:
    """Largest minus second largest probability in [0, 1], (n,)."""
    largest = np.partition(probabilities, -2, axis=1)[:, -2:]
    return largest[:, 1] - largest[:, 0]
