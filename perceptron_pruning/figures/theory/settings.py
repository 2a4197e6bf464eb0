"""How large a reproduction is: the only place where quick and full differ."""

from dataclasses import asdict, dataclass

from perceptron_pruning.embeddings import experiment
from perceptron_pruning.embeddings.experiment import CurveSettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes of a reproduction.

    Attributes:
        name: "quick" or "full".
        n_features: N of the simulations.
        n_trials: Trials of every simulated cell.
        alphas: α_prune of the simulated dots of the scaling figures.
        alphas_total: α_total of the dots of hard against easy.
        sizes: N of the finite-size scaling.
        embeddings: The experiment on real embeddings.
        seed: Seed of the whole; each cell has one of its own, drawn from it.
    """

    name: str
    n_features: int
    n_trials: int
    alphas: tuple[float, ...]
    alphas_total: tuple[float, ...]
    sizes: tuple[int, ...]
    embeddings: CurveSettings
    seed: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """In words."""
        return {name: str(value) for name, value in asdict(self).items() if name != "embeddings"} | {
            f"embeddings: {name}": str(value) for name, value in vars(self.embeddings).items()
        }


QUICK = Settings(
    name="quick",
    n_features=100,
    n_trials=60,
    alphas=(0.5, 1.0, 2.0, 3.0, 5.0),
    alphas_total=(1.5, 3.0, 6.0, 10.0, 14.0),
    sizes=(25, 50, 100, 200),
    embeddings=experiment.QUICK,
)

FULL = Settings(
    name="full",
    n_features=200,
    n_trials=100,
    alphas=(0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
    alphas_total=(1.5, 2.25, 3.0, 4.5, 6.0, 8.0, 10.0, 14.0, 20.0),
    sizes=(50, 100, 200, 400, 800),
    embeddings=experiment.FULL,
)
