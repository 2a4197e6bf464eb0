"""The regularised risk that theory and simulation share."""

from dataclasses import dataclass

from replica_theory.errors import check_ridge
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.named import check_loss


@dataclass(frozen=True)
class EmpiricalRisk:
    """A student that minimises the regularised risk of the kept examples::

        (1/N) Σ_kept ℓ(y w·x) + (λ/2) ‖w‖²,      x ~ N(0, I_N)

    The sum is divided by the dimension N, not by the number of examples P = αN, and the inputs have
    entries of variance 1: λ is P/N times the ridge of a mean over examples, and scikit-learn's C is 1/(λN).

    Args:
        loss: "square" (½(1−u)²), "logistic", "hinge", "squared_hinge" (½(1−u)₊²), or an object with
            ``value(u)`` and ``proximal(omega, V)``, both vectorised (see `Proximal`).
        ridge: λ ≥ 0. At 0, the limit λ → 0: of all minimisers the one of least norm.
        sample_weight: Weight of an example's loss as a function of its signed probe margin m = y z,
            vectorised and > 0; none weighs all alike.

    Raises:
        ValueError: The loss is unknown, the ridge is out of range, or the weight is no function.

    Example:
        >>> from replica_theory import EmpiricalRisk
        >>> EmpiricalRisk("hinge", 0.1)
        EmpiricalRisk(loss='hinge', ridge=0.1, sample_weight=None)
    """

    loss: LossLike
    ridge: float
    sample_weight: Weight | None = None

    def __post_init__(self):
        check_loss(self.loss)
        check_ridge(self.ridge)
        if self.sample_weight is not None and not callable(self.sample_weight):
            raise ValueError(f"`sample_weight` must be a function of signed margins; got {self.sample_weight!r}")
