"""Which students have a compiled program, and which program that is."""

from collections.abc import Callable
from functools import partial

from perceptron_pruning.device import differentiable, hinge, max_margin
from perceptron_pruning.device.outcome import Fitted
from perceptron_pruning.students.empirical_risk.smooth import LOGISTIC, SQUARED_HINGE
from perceptron_pruning.students.empirical_risk.square import SQUARE
from perceptron_pruning.students.training import Student
from replica_theory.losses.named import LOSSES, NamedLoss, check_loss
from replica_theory.losses.risk import EmpiricalRisk

DIFFERENTIABLE = {"square": SQUARE, "logistic": LOGISTIC, "squared_hinge": SQUARED_HINGE}


def program_name(student: Student) -> str:
    """Name of a student's program, the same for all ridges.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(student, EmpiricalRisk):
        return "max_margin"
    loss = check_loss(student.loss)
    if type(loss) not in map(type, LOSSES.values()) or student.ridge == 0 or student.sample_weight:
        raise ValueError(
            "`student` must be 'max_margin' or a named loss with a ridge > 0 and no sample weights in the compiled "
            f"engine; got {student!r} (give engine='numpy')"
        )
    assert isinstance(loss, NamedLoss)
    return loss.name


def check_seed(seed: int) -> None:
    """Raises a `ValueError` unless the seed has 64 bits at most."""
    if seed >= 2**64:
        raise ValueError(f"`seed` must be below 2**64 in the compiled engine; got {seed}")


def program_of(name: str) -> Callable[..., Fitted]:
    """``fit(rows, kept, ridge, *, effort)`` of that name."""
    if name == "max_margin":
        return max_margin.fit
    return hinge.fit if name == "hinge" else partial(differentiable.fit, loss=DIFFERENTIABLE[name])


def total_ridge(student: Student, n_features: int) -> float:
    """μ = N λ; 0 for max-margin students."""
    return n_features * student.ridge if isinstance(student, EmpiricalRisk) else 0.0
