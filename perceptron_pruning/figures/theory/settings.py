"""How large a reproduction is: the only place where quick and full differ."""

from dataclasses import asdict, dataclass

from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.figures.scale import Scaled


@dataclass(frozen=True, kw_only=True)
class Settings(Scaled):
    """Sizes of a reproduction.

    Attributes:
        name: "quick" or "full".
        n_features: N of the simulations.
        n_trials: Trials of every simulated cell.
        alphas: α_prune of the simulated dots of the scaling figures.
        alphas_total: α_total of the dots of hard against easy.
        sizes: N of the finite-size scaling.
        embeddings: The experiment on real embeddings.
        seed: The seed from which each cell draws its own.
    """

    name: str
    n_features: int
    n_trials: int
    alphas: tuple[float, ...]
    alphas_total: tuple[float, ...]
    sizes: tuple[int, ...]
    embeddings: Plan
    seed: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """All of them, in words."""
        own = {name: str(value) for name, value in asdict(self).items() if name != "embeddings"}
        return own | {f"embeddings: {name}": str(value) for name, value in asdict(self.embeddings).items()}


QUICK = Settings(
    name="quick",
    n_features=100,
    n_trials=60,
    alphas=(0.5, 1.0, 2.0, 3.0, 5.0),
    alphas_total=(1.5, 3.0, 6.0, 10.0, 14.0),
    sizes=(25, 50, 100, 200),
    embeddings=Plan(pool_sizes=(100, 800, 3200), keep_fractions=(0.2, 0.5), n_seeds=8),
)

FULL = Settings(
    name="full",
    n_features=200,
    n_trials=100,
    alphas=(0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
    alphas_total=(1.5, 2.25, 3.0, 4.5, 6.0, 8.0, 10.0, 14.0, 20.0),
    sizes=(50, 100, 200, 400, 800),
    embeddings=Plan(pool_sizes=(100, 200, 400, 800, 1600, 3200, 6400), keep_fractions=(0.2, 0.4, 0.5), n_seeds=24),
)
