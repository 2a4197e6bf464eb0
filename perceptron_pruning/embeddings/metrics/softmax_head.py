"""A linear head on frozen embeddings: multinomial logistic regression with a ridge.

It serves twice, stopped early as the probe whose margin ranks the examples, and to convergence
as the student that is retrained on the kept ones.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

GRADIENT_TOLERANCE = 1e-5


class HeadFitError(ArithmeticError):
    """The head's loss could not be minimised to the requested gradient.

    Attributes:
        gradient: Largest absolute component of the gradient that was reached.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import HeadFitError, fit_softmax
        >>> rows = np.random.default_rng(0).standard_normal((50, 5))
        >>> try:
        ...     fit_softmax(rows, (rows[:, 0] > 0).astype(int), n_classes=2, ridge=1e-6, max_iterations=2)
        ... except HeadFitError as error:
        ...     print(error.gradient > 1e-5)
        True
    """

    def __init__(self, message: str, gradient: float):
        super().__init__(message, gradient)
        self.gradient = gradient

    def __str__(self) -> str:
        return f"{self.args[0]} (largest gradient {self.gradient:.3g})"


@dataclass(frozen=True, kw_only=True)
class SoftmaxHead:
    """A linear classifier p(c | x) ∝ exp(x·w_c + b_c).

    Attributes:
        weights: W, (d, n_classes).
        bias: b, (n_classes,); sums to zero.
        ridge: The ridge it was fitted with.
        gradient: Largest absolute component of the gradient where the fit stopped.
        n_iterations: Iterations taken.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import fit_softmax
        >>> rows = np.random.default_rng(0).standard_normal((100, 5))
        >>> classes = (rows[:, 0] > 0).astype(int)
        >>> head = fit_softmax(rows, classes, n_classes=2, ridge=0.1)
        >>> head.probabilities(rows).shape, f"{head.error(rows, classes):.2f}"
        ((100, 2), '0.02')
    """

    weights: np.ndarray
    bias: np.ndarray
    ridge: float
    gradient: float
    n_iterations: int

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """x·w_c + b_c, shape (n, n_classes)."""
        return embeddings @ self.weights + self.bias

    def probabilities(self, embeddings: np.ndarray) -> np.ndarray:
        """p(c | x), shape (n, n_classes), rows summing to one.

        Example:
            >>> import numpy as np
            >>> from perceptron_pruning.embeddings import fit_softmax
            >>> head = fit_softmax(np.array([[-1.0], [1.0]]), np.array([0, 1]), n_classes=2, ridge=0.1)
            >>> head.probabilities(np.array([[1.0]])).round(3)
            array([[0.106, 0.894]])
        """
        return softmax(self.logits(embeddings), axis=1)

    def predict(self, embeddings: np.ndarray) -> np.ndarray:
        """Most probable class of every row, shape (n,).

        Example:
            >>> import numpy as np
            >>> from perceptron_pruning.embeddings import fit_softmax
            >>> head = fit_softmax(np.array([[-1.0], [1.0]]), np.array([0, 1]), n_classes=2, ridge=0.1)
            >>> head.predict(np.array([[-2.0], [0.5], [3.0]]))
            array([0, 1, 1])
        """
        return self.logits(embeddings).argmax(axis=1)

    def error(self, embeddings: np.ndarray, labels: np.ndarray) -> float:
        """Share of the rows whose class is not predicted, in [0, 1]."""
        return float(np.mean(self.predict(embeddings) != labels))


def fit_softmax(
    embeddings: np.ndarray,
    labels: np.ndarray,
    *,
    n_classes: int,
    ridge: float,
    max_iterations: int = 5000,
    stop_after: int | None = None,
) -> SoftmaxHead:
    """Minimises the mean cross-entropy with a ridge on the weights, by L-BFGS from zero.

    The loss of weights W (d, C) and bias b (C,) on n rows is::

        L(W, b) = −(1/n) Σ_i log p(y_i | x_i) + (ridge/2) ‖W‖²

    Args:
        embeddings: x, (n, d), finite; the ridge presumes entries of order one.
        labels: y, (n,), integers in 0..C−1, every class present: without an example of a
            class the best bias of that class is −∞.
        n_classes: C, at least 2.
        ridge: Strength, > 0, in units of the loss.
        max_iterations: Iterations within which the fit must converge.
        stop_after: Stop deliberately after so many iterations, converged or not: a regulariser
            of its own, meant for probes. None asks for convergence.

    Returns:
        The head, with the gradient it stopped at: below 1e-5 unless ``stop_after`` is given.

    Raises:
        ValueError: A parameter is out of range, or a class has no example.
        HeadFitError: Not converged within ``max_iterations``; carries the gradient.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import fit_softmax
        >>> head = fit_softmax(np.array([[-1.0], [1.0]]), np.array([0, 1]), n_classes=2, ridge=0.1)
        >>> head.weights.round(3), head.predict(np.array([[-2.0], [0.5]]))
        (array([[-1.064,  1.064]]), array([0, 1]))
    """
    embeddings, labels = _checked_rows(embeddings, labels, n_classes)
    if not ridge > 0:
        raise ValueError(f"`ridge` must be > 0; got {ridge}")
    targets = np.eye(n_classes)[labels]
    solution = minimize(
        softmax_loss,
        np.zeros((embeddings.shape[1] + 1) * n_classes),
        args=(embeddings, targets, ridge),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": max_iterations if stop_after is None else stop_after,
            "maxfun": 10 * max_iterations,
            "gtol": GRADIENT_TOLERANCE,
            "ftol": 0.0,
        },
    )
    gradient = float(np.abs(solution.jac).max())
    if stop_after is None and not gradient <= GRADIENT_TOLERANCE:
        raise HeadFitError(
            f"the softmax head did not converge in {solution.nit} iterations; raise `ridge` or `max_iterations`",
            gradient=gradient,
        )
    weights, bias = unpacked(solution.x, n_classes)
    return SoftmaxHead(weights=weights, bias=bias, ridge=ridge, gradient=gradient, n_iterations=solution.nit)


def softmax_loss(
    parameters: np.ndarray, embeddings: np.ndarray, targets: np.ndarray, ridge: float
) -> tuple[float, np.ndarray]:
    """Loss of `fit_softmax` and its gradient, Xᵀ(p − t)/n + ridge W and the mean of p − t.

    Args:
        parameters: The rows of W and then b, flat, ((d + 1) C,).
        embeddings: (n, d).
        targets: t, (n, C), one-hot.
        ridge: Strength, in units of the loss.
    """
    weights, bias = unpacked(parameters, targets.shape[1])
    logits = embeddings @ weights
    logits += bias
    logits -= logits.max(axis=1, keepdims=True)
    own = np.einsum("ij,ij->i", logits, targets)
    odds = np.exp(logits, out=logits)
    normaliser = odds.sum(axis=1)
    loss = np.mean(np.log(normaliser) - own) + ridge / 2 * np.sum(weights**2)
    residual = np.divide(odds, normaliser[:, None], out=odds)
    residual -= targets
    residual /= len(embeddings)
    gradient = np.vstack([embeddings.T @ residual + ridge * weights, residual.sum(axis=0)])
    return float(loss), gradient.ravel()


def unpacked(parameters: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (d, C) and bias (C,) of flat parameters."""
    stacked = parameters.reshape(-1, n_classes)
    return stacked[:-1], stacked[-1]


def _checked_rows(embeddings: np.ndarray, labels: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    embeddings, labels = np.asarray(embeddings, dtype=np.float64), np.asarray(labels)
    if embeddings.ndim != 2 or labels.shape != (len(embeddings),):
        raise ValueError(
            f"`embeddings` (n, d) and `labels` (n,) must match; got shapes {embeddings.shape} and {labels.shape}"
        )
    if n_classes < 2:
        raise ValueError(f"`n_classes` must be at least 2; got {n_classes}")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= n_classes:
        raise ValueError(f"`labels` must be integers in 0..{n_classes - 1}; got {labels.min()}..{labels.max()}")
    missing = np.flatnonzero(np.bincount(labels, minlength=n_classes) == 0)
    if missing.size:
        raise ValueError(f"`labels` must cover all {n_classes} classes; class {missing[0]} has no example")
    return embeddings, labels
