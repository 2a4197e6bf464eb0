"""Everything that `score` can be told about how the metrics are computed."""

from dataclasses import asdict, dataclass, field

from perceptron_pruning.embeddings.metrics.kmeans.settings import KMeansSettings


@dataclass(frozen=True, kw_only=True)
class HeadSettings:
    """The ensemble of softmax heads behind EL2N, forgetting, DDD and active learning.

    Attributes:
        n_models: M, heads trained together.
        epochs: Passes over the data.
        early_epochs: Passes before EL2N is measured.
        subspace: Share of the features that a head sees, drawn at random for each, in (0, 1].
        bootstrap: Whether every head weighs the examples by a bootstrap of its own (Poisson weights of mean 1).
        batch_rows: Examples of one step of gradient descent.
        learning_rate: At the start, for inputs of unit length; falls linearly to zero.
        momentum: In [0, 1).
    """

    n_models: int = 20
    epochs: int = 10
    early_epochs: int = 2
    subspace: float = 0.5
    bootstrap: bool = True
    batch_rows: int = 256
    learning_rate: float = 1.0
    momentum: float = 0.9

    def __post_init__(self):
        if not 1 <= self.n_models <= 1000:
            raise ValueError(f"`n_models` must be in [1, 1000]; got {self.n_models}")
        if not 1 <= self.early_epochs <= self.epochs <= 250:
            raise ValueError(
                "`early_epochs` and `epochs` must satisfy 1 <= early_epochs <= epochs <= 250; "
                f"got {self.early_epochs}, {self.epochs}"
            )
        if not 0 < self.subspace <= 1:
            raise ValueError(f"`subspace` must be in (0, 1]; got {self.subspace}")
        if self.n_models > 1 and self.subspace == 1 and not self.bootstrap:
            raise ValueError("several heads must differ: give `subspace` < 1 or `bootstrap`; got neither")
        if self.batch_rows < 1 or not self.learning_rate > 0 or not 0 <= self.momentum < 1:
            raise ValueError(
                "`batch_rows` >= 1, `learning_rate` > 0 and `momentum` in [0, 1) are needed; "
                f"got {self.batch_rows}, {self.learning_rate}, {self.momentum}"
            )


@dataclass(frozen=True, kw_only=True)
class RidgeSettings:
    """The ridge heads behind memorization and influence.

    Attributes:
        ridge: λ in units of the mean squared loss, for coordinates of unit mean square, > 0.
        folds: Parts of which a subset takes `subset_share`.
        rounds: Random partitions into folds; each gives as many heads as folds.
        subset_share: Share of the examples that a subset head is trained on, in (0, 1).
    """

    ridge: float = 1e-2
    folds: int = 10
    rounds: int = 8
    subset_share: float = 0.7

    def __post_init__(self):
        if not self.ridge > 0:
            raise ValueError(f"`ridge` must be > 0; got {self.ridge}")
        if self.rounds < 1 or self.folds < 2 or not 1 <= self.folds_kept < self.folds:
            raise ValueError(
                "`rounds` >= 1, `folds` >= 2 and `subset_share` in (0, 1) are needed; "
                f"got {self.rounds}, {self.folds}, {self.subset_share}"
            )

    @property
    def folds_kept(self) -> int:
        """Folds of a subset."""
        return round(self.subset_share * self.folds)


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How the metrics are computed.

    Attributes:
        kmeans: Of the self-supervised prototypes; `spherical` holds for both prototypes.
        heads: Of EL2N, forgetting, DDD and active learning.
        ridge: Of memorization and influence.
        seed: Of all that is drawn.
    """

    kmeans: KMeansSettings = field(default_factory=KMeansSettings)
    heads: HeadSettings = field(default_factory=HeadSettings)
    ridge: RidgeSettings = field(default_factory=RidgeSettings)
    seed: int = 0

    def as_dict(self) -> dict:
        return asdict(self)
