"""Every knob of scoring: settings that a caller may change, constants of the metrics, sizes of the computation.

Settings and constants decide the scores. The sizes decide memory, speed and the rounding of sums; those of blocks and
groups also decide what is drawn together (folds of subsets, order of gradient descent), and so are fixed.
"""

import math
from dataclasses import asdict, dataclass, field
from operator import index
from typing import Literal


def check_seed(seed: object, name: str = "seed") -> int:
    """Returns it as an int, or raises unless it is an integer of at least 0."""
    try:
        number = index(seed)  # pyright: ignore[reportArgumentType]
    except TypeError:
        raise ValueError(f"`{name}` must be an integer, at least 0; got {seed!r}") from None
    if number < 0:
        raise ValueError(f"`{name}` must be at least 0; got {number}")
    return number


@dataclass(frozen=True, kw_only=True)
class KMeansSettings:
    """k-means, behind the self-supervised prototypes.

    Attributes:
        n_clusters: k; None means the number of classes, or 10 without labels.
        start: "k-means++" on a sample of rows (all of them up to 20 000), or "random" rows.
        spherical: Rows and centroids on the unit sphere; the distance is ‖x/|x| − c‖ = √(2 − 2 cos).
        iterations: Steps of Lloyd's algorithm at most.
        tolerance: Relative decrease of the objective in a step at which the iteration stops.
        engine: "jax" (all platforms), or "faiss" for the assignment (extra ``faiss``).

    Example:
        >>> from perceptron_pruning.embeddings import KMeansSettings
        >>> KMeansSettings(n_clusters=20, spherical=True).engine
        'jax'
    """

    n_clusters: int | None = None
    start: Literal["k-means++", "random"] = "k-means++"
    spherical: bool = False
    iterations: int = 50
    tolerance: float = 1e-5
    engine: Literal["jax", "faiss"] = "jax"

    def __post_init__(self):
        if self.n_clusters is not None and self.n_clusters < 1:
            raise ValueError(f"`n_clusters` must be at least 1; got {self.n_clusters}")
        if self.iterations < 1:
            raise ValueError(f"`iterations` must be at least 1; got {self.iterations}")
        if not self.tolerance >= 0:
            raise ValueError(f"`tolerance` must be at least 0; got {self.tolerance}")
        for name, allowed in (("start", ("k-means++", "random")), ("engine", ("jax", "faiss"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}; got {getattr(self, name)}")


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
        learning_rate: Step size at the start, for inputs of unit length; falls linearly to zero.
        momentum: In [0, 1).

    Example:
        >>> from perceptron_pruning.embeddings import HeadSettings
        >>> HeadSettings(n_models=4, epochs=5).learning_rate
        1.0
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
        if self.batch_rows < 1 or not 0 < self.learning_rate < math.inf or not 0 <= self.momentum < 1:
            raise ValueError(
                "`batch_rows` >= 1, `learning_rate` > 0 and `momentum` in [0, 1) are needed; "
                f"got {self.batch_rows}, {self.learning_rate}, {self.momentum}"
            )


@dataclass(frozen=True, kw_only=True)
class RidgeSettings:
    """The ridge heads behind memorization and influence.

    Attributes:
        ridge: λ in units of the mean squared loss, for coordinates of unit mean square, > 0.
        folds: Parts into which a round splits the examples; a subset is a share of them.
        rounds: Random partitions into folds; each gives as many heads as folds.
        subset_share: Share of the examples that a subset head is trained on, in (0, 1).

    Example:
        >>> from perceptron_pruning.embeddings import RidgeSettings
        >>> RidgeSettings(folds=10, subset_share=0.7).folds_kept
        7
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
        """Folds that a subset head is trained on."""
        return round(self.subset_share * self.folds)


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How the metrics are computed.

    Attributes:
        kmeans: For the self-supervised prototypes; `spherical` holds for both prototypes.
        heads: For EL2N, forgetting, DDD and active learning.
        ridge: For memorization and influence.
        seed: Seed of every random draw.

    Example:
        >>> from perceptron_pruning.embeddings import KMeansSettings, ScoreSettings, load_fashion_mnist, score
        >>> settings = ScoreSettings(kmeans=KMeansSettings(n_clusters=5), seed=1)
        >>> rows = load_fashion_mnist().train_embeddings[:300]
        >>> list(score(rows, metrics="self_supervised_prototypes", settings=settings))
        ['self_supervised_prototypes']
    """

    kmeans: KMeansSettings = field(default_factory=KMeansSettings)
    heads: HeadSettings = field(default_factory=HeadSettings)
    ridge: RidgeSettings = field(default_factory=RidgeSettings)
    seed: int = 0

    def __post_init__(self):
        check_seed(self.seed)

    def as_dict(self) -> dict[str, object]:
        """As plain values, for the manifest."""
        return asdict(self)


# Constants of the metrics

DEFAULT_CLUSTERS = 10  # k of the prototypes without labels
MARGIN_PROBE_RIDGE = 1e-2  # λ of the probe behind the margins, in units of its loss
MARGIN_PROBE_ITERATIONS = 10  # iterations of L-BFGS from zero, a regulariser of its own
EARLY_METRICS = frozenset({"el2n", "el2n_1", "grand"})  # measured after `early_epochs`, the others at the end
ACTIVE_LEARNING_SHARE = 0.8  # share of the examples, of largest entropy, that `active_learning` marks with 1
PLUS_PLUS_ROWS = 20_000  # rows among which k-means++ draws its centroids, at least (or all)
PLUS_PLUS_ROWS_PER_CLUSTER = 16  # and of those for each centroid
SEEN_COMPONENTS = 128  # principal components, at most, that out-of-fold heads, neighbours and students see
NEIGHBOURS = 10  # K of the neighbours' vote
LISTED_NEIGHBOURS = 100  # neighbours of a row that have a Shapley value from it
UNSEEN_EVALUATIONS = 60  # of loss and gradient in the training of an out-of-fold head, as seen on real sets

# Sizes of the computation

MEMORY_BUDGET = 2e9  # bytes that `score` may hold unless told otherwise
RUNTIME_BYTES = 5e8  # bytes that Python, JAX and compiled programs take
BLOCK_NUMBERS = 2**23  # numbers of the widest array made of a block of rows
BLOCK_ROWS = 2**11  # rows of a block at most: their products with a few hundred centroids stay in the cache
GROUP_NUMBERS = 2**25  # numbers (rows x features) that gradient descent reads and shuffles at a time
MULTIPLIED_ROWS = 2**13  # at most, whose products by the folds of a round are added in the precision of the rows
MULTIPLIED_BYTES = 2**27  # of those, at most, whose products two rounds share
SHARED_MOMENTS_BYTES = 2**26  # size of the moments of a round up to which two rounds share a pass
RUN_ROWS = 8  # neighbouring rows that it reads together
ADDED_NUMBERS = 2**21  # of gradients of tiles that are added together, exactly
PASSING_ROWS = 2**13  # rows of one process that all compare theirs with at a time
SEARCHING_THREADS = 16  # at most, each of which holds distances of 1024 rows to those that pass
DRAWN_ROWS = 2**16  # rows whose bootstrap weights are drawn together
KMEANS_RESIDENT_BYTES = 2**28  # size below which rows stay on the device between the steps of k-means
TEST_ROWS_AT_ONCE = 8192  # test rows whose influences are computed in one pass
DENSE_CLASSES = (
    64  # up to which blocks of subset heads have room for the scores of all classes; folds are drawn by block
)
HEAD_BY_HEAD_CLASSES = 32  # from which on a host multiplies each head's own features, not all heads together
READ_BYTES_PER_SECOND = 1e9  # assumed in estimates of the time
RECEIVED_BYTES_PER_SECOND = 1e9  # by a process from others; assumed likewise
EXCHANGED_NUMBERS = 2**24  # numbers, of all processes together, that one exchange brings to a process
PROCESS_TIMEOUT = 600.0  # seconds after which a process that does not answer counts as lost
SIGN_OF_LIFE = 1.0  # seconds between two signs of life of processes that work at their own pace


def rounds_together(ridge: RidgeSettings, n_features: int) -> int:
    """Rounds of subset heads that share a pass: two, unless the moments of their folds are large."""
    return 2 if 8 * ridge.folds * n_features**2 <= SHARED_MOMENTS_BYTES else 1
