"""The best weights of the examples' losses, beside which hard selection is weights of 0 and 1."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._empirical_risk.weights import MarginNodes, WeightDescent
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import (
    ArrayFields,
    SaddlePointError,
    check_one_alpha,
    check_probe_angle,
    check_ridge,
    read_only,
)
from replica_theory.losses.base import LossLike
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.selection import KeepRandom, Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_UNRESOLVED = 0.05  # largest change of ln ε where weights are taken to be linear between their nodes
_STATIONARY = 1e-4  # largest first-order gain at the end
_RESIDUAL_TOLERANCE = 1e-8  # of the student's equations


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OptimalWeights(ArrayFields):
    """The best weights of mean 1 over the kept examples.

    Attributes:
        alpha_total: Pool size, examples per dimension.
        selection: The rule by which the examples were kept.
        probe_angle: θ, radians.
        label_aware: Whether weights may tell labels.
        loss: As it was given.
        ridge: λ.
        label_noise: η.
        margins: Signed margins m = y z at which the weights were found, ascending, (nodes,).
        weights: w there; 1e-8 stands for 0.
        generalization_error: ε with them.
        error_of_equal_weights: ε without.
        first_order_gain: What of ln ε could be gained, to first order, by taking weight away anywhere or adding up to 1
            (at equal mean): ≥ 0, and 0 at the optimum.
        residual: Largest relative residual of the student's equations, on a finer quadrature.

    Example:
        >>> from replica_theory import KeepRandom, optimal_weights
        >>> best = optimal_weights(3.0, selection=KeepRandom(), loss="square", ridge=0.1, probe_angle=0.2)
        >>> f"{best.error_of_equal_weights:.4f} → {best.generalization_error:.4f}", best.weight([0.1, 1.0]).shape
        ('0.1535 → 0.0942', (2,))
    """

    alpha_total: float
    selection: Selection
    probe_angle: float
    label_aware: bool
    loss: LossLike
    ridge: float
    label_noise: Noise
    margins: np.ndarray
    weights: np.ndarray
    generalization_error: float
    error_of_equal_weights: float
    first_order_gain: float
    residual: float

    def weight(self, margin: np.ndarray) -> np.ndarray:
        """w at these signed margins, linear between those where it was found: a ``sample_weight``.

        Example:
            >>> from replica_theory import KeepRandom, optimal_weights
            >>> best = optimal_weights(3.0, selection=KeepRandom(), loss="square", ridge=0.1, probe_angle=0.2)
            >>> hard, easy = best.weight([0.1, 2.0])
            >>> bool(hard > easy)
            True
        """
        return np.interp(margin, self.margins, self.weights)


def optimal_weights(
    alpha_total: float,
    *,
    selection: Selection | None = None,
    probe_angle: float = 0.0,
    label_aware: bool = True,
    loss: LossLike,
    ridge: float,
    label_noise: Noise = 0.0,
) -> OptimalWeights:
    """Weights of the examples' losses that give the least test error, as a function of the probe's margin.

    Minimises ε over all w(m) ≥ 0 of mean 1 over the kept, for the student of (1/N) Σ_kept w ℓ(y w·x) + (λ/2)‖w‖², by
    the first variation of ε. The mean is fixed because the weights' scale is the inverse of the ridge's. The best rule
    that keeps a fraction f (`optimal_selection`) at ridge f λ is among them, with the weights 1/f and 0. The descent
    begins at equal weights, and, where these are stationary already, as for hinge students that violate no margin by
    all of an example's weight, at weights that favour hard or easy examples too: it ends in a minimum, the lowest seen.

    Args:
        alpha_total: Pool size, examples per dimension, > 0.
        selection: Which examples are kept; all by default.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_aware: Whether weights may tell labels: a function of y z, else of |z|.
        loss: As in `empirical_risk`.
        ridge: λ, > 0 and finite.
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.

    Returns:
        The weights and the errors with and without them; ε of smooth weights to about 1e-4, of those that are
        concentrated on few margins to 5 %.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No weights found at which the first variation vanishes, or none that their nodes resolve, as
            where a perfect probe ranks clean labels; or no solution on the way.

    Example:
        >>> from replica_theory import optimal_weights
        >>> best = optimal_weights(5.0, probe_angle=0.3, loss="square", ridge=0.3, label_noise=0.1)
        >>> f"{best.error_of_equal_weights:.4f} -> {best.generalization_error:.4f}"
        '0.1707 -> 0.0924'
    """
    alpha = check_one_alpha(alpha_total, "alpha_total")
    angle, noise, function = check_probe_angle(probe_angle), check_label_noise(label_noise), as_loss(check_loss(loss))
    if not 0 < check_ridge(ridge) < math.inf:
        raise ValueError(f"`ridge` must be > 0 and finite; got {ridge}")
    rule = KeepRandom() if selection is None else check_selection(selection)
    kept = rule.kept_distribution(angle, noise)
    equal = empirical_risk(
        alpha * kept.keep_fraction, loss=loss, ridge=ridge, selection=rule, probe_angle=angle, label_noise=noise
    )
    nodes = MarginNodes.of(kept, label_aware=label_aware)
    best = WeightDescent.of(function, nodes, equal.alpha_prune, ridge, equal.norm * equal.direction, equal.scale).best()
    if not (best.gain <= _STATIONARY and best.residual <= _RESIDUAL_TOLERANCE):
        raise SaddlePointError(
            "no weights found at which the first variation of the error vanishes",
            residual=max(best.gain, best.residual),
        )
    if not best.unresolved <= _UNRESOLVED:
        raise SaddlePointError(
            "the best weights are concentrated on fewer margins than their nodes resolve (`optimal_selection` keeps a "
            "fraction of examples instead)",
            residual=best.unresolved,
        )
    order = np.argsort(nodes.margin)
    return OptimalWeights(
        alpha_total=alpha,
        selection=rule,
        probe_angle=angle,
        label_aware=label_aware,
        loss=loss,
        ridge=float(ridge),
        label_noise=noise,
        margins=read_only(nodes.margin[order]),
        weights=read_only(best.weight[order]),
        generalization_error=math.exp(best.log_error),
        error_of_equal_weights=equal.generalization_error,
        first_order_gain=best.gain,
        residual=best.residual,
    )
