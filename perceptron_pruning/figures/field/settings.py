"""How large the simulations of the group are."""

from dataclasses import asdict, dataclass

from perceptron_pruning.figures.scale import Scaled


@dataclass(frozen=True, kw_only=True)
class Settings(Scaled):
    """Sizes of the simulations.

    Attributes:
        name: "quick" or "full".
        n_features: N.
        n_trials: Trials of every simulated point.
        seed: Of all of them.
    """

    name: str
    n_features: int
    n_trials: int
    seed: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """All of them, in words."""
        return {name: str(value) for name, value in asdict(self).items()}


QUICK = Settings(name="quick", n_features=100, n_trials=60)
FULL = Settings(name="full", n_features=200, n_trials=100)
