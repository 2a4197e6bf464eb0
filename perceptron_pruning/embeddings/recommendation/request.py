"""What is asked of `recommend`, checked: fractions, folds, the rows raced, the mix of classes where it is judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.rules import Rule, by_methods, can_represent, shortlist
from perceptron_pruning.embeddings.runtime.settings import check_seed
from replica_theory.errors import check_number

FRACTIONS = (0.1, 0.25, 0.5, 0.7, 0.85)
QUICK_FRACTIONS = (0.5, 0.7)
LEAST_ROWS = 100
FOLDS = (2, 3, 4, 5)
DEFAULT_FOLDS = 5  # each a fifth of the rows: all of them are put aside once
MOST_ROWS = 100_000  # of a pool that is raced whole
SAMPLED_ROWS = 25_000  # raced of a larger one
ClassWeights = Mapping[object, float] | str | None
"""Share of each class, on any scale, or "balanced"; None for that of the pool."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is raced.

    Attributes:
        fractions: Largest first.
        n_folds: 1, or 2 to 5.
        quick: Whether without the race at half size.
        coverage: Whether with the selections that are no rankings.
        representing: Whether with representatives of every class at small fractions.
    """

    fractions: tuple[float, ...]
    n_folds: int
    quick: bool
    coverage: bool
    representing: bool

    @property
    def rules(self) -> dict[float, list[Rule]]:
        """The rules at every fraction."""
        more = by_methods if self.coverage else lambda fraction: []
        return {f: shortlist(f, quick=self.quick, representing=self.representing) + more(f) for f in self.fractions}


def checked_request(
    classes: np.ndarray,
    names: np.ndarray,
    tolerance: float,
    fractions: Sequence[float] | None,
    folds: int | None,
    quick: bool,
    sample_rows: int | None,
    seed: int,
    coverage: bool,
) -> Request:
    """The request.

    Raises:
        ValueError: A parameter is out of range.
    """
    n_rows = len(classes)
    if n_rows < LEAST_ROWS:
        raise ValueError(f"`embeddings` must have at least {LEAST_ROWS} rows to tell rules apart; got {n_rows}")
    if len(names) < 2:
        raise ValueError(f"`labels` must have at least two classes; got {len(names)}")
    if not 0 < check_number(tolerance, "tolerance") < 1:
        raise ValueError(f"`tolerance` must be in (0, 1), 0.005 for half a point of error; got {tolerance}")
    asked = tuple(sorted(set(fractions or (QUICK_FRACTIONS if quick else FRACTIONS)), reverse=True))
    for fraction in asked:
        if not 0 < check_number(fraction, "fractions") < 1:
            raise ValueError(f"`fractions` must be in (0, 1); got {fraction}")
    if folds is not None and folds not in FOLDS:
        raise ValueError(f"`folds` must be 2, 3, 4 or 5; got {folds}")
    check_seed(seed)
    if sample_rows is not None and not LEAST_ROWS <= sample_rows <= n_rows:
        raise ValueError(f"`sample_rows` must be in [{LEAST_ROWS}, {n_rows}]; got {sample_rows}")
    return Request(
        fractions=asked,
        n_folds=1 if quick else folds or DEFAULT_FOLDS,
        quick=quick,
        coverage=coverage,
        representing=can_represent(classes),
    )


def sampled(n_rows: int, sample_rows: int | None, seed: int) -> np.ndarray:
    """Rows to race on, ascending."""
    count = sample_rows or (n_rows if n_rows <= MOST_ROWS else SAMPLED_ROWS)
    return np.sort(np.random.default_rng([seed, 5]).choice(n_rows, count, replace=False))


def importance_of(class_weights: ClassWeights, classes: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Weight of each row, wanted share over share in the pool of its class, (n,)."""
    if class_weights is None:
        return np.ones(len(classes))
    if isinstance(class_weights, str):
        if class_weights != "balanced":
            raise ValueError(f'`class_weights` must be "balanced" or a share for every class; got {class_weights!r}')
        wanted = np.ones(len(names))
    else:
        given = {str(name): float(weight) for name, weight in class_weights.items()}
        missing = [str(name) for name in names if str(name) not in given]
        if missing or set(given) - {str(name) for name in names}:
            stray = missing or sorted(set(given) - {str(name) for name in names})
            raise ValueError(f"`class_weights` must have exactly the classes of `labels`; {stray[0]} does not match")
        wanted = np.array([given[str(name)] for name in names])
    if not (np.isfinite(wanted).all() and (wanted >= 0).all() and wanted.sum() > 0):
        raise ValueError("`class_weights` must be finite, not negative and not all zero")
    shares = np.bincount(classes, minlength=len(names)) / len(classes)
    weights = np.divide(wanted / wanted.sum(), shares, out=np.zeros(len(names)), where=shares > 0)
    return weights[classes]


def mix_text(class_weights: ClassWeights) -> str:
    """How classes were weighed, in words."""
    if class_weights is None:
        return "as the pool"
    return "equally" if isinstance(class_weights, str) else "as given"
