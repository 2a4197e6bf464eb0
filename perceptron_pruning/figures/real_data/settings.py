"""How large the experiments on real data are: the only place where quick and full differ."""

from dataclasses import asdict, dataclass, replace

from perceptron_pruning.experiments.pilot import PilotSettings
from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.experiments.transfer import Target
from perceptron_pruning.experiments.two_class import TwoClassSettings
from perceptron_pruning.experiments.window import WindowSettings
from perceptron_pruning.figures.real_data.sources import BENCHMARKED, METRICS, PAIRS, SOURCES, TOO_EASY

VALIDATION = 1000  # training rows kept for the influence metrics


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes of the experiments.

    Attributes:
        name: "quick" or "full".
        scaling: Pools of all sizes, hard, easy and random.
        benchmark: Every metric, in one pool.
        floors: Class floors, in the same pool.
        prototypes: Numbers k of prototypes, in the pools of the floors.
        two_class: Theory beside data.
        pairs: Of those two classes; see `PAIRS`.
        pilot: A pilot's forecasts.
        pilot_pairs: Of those two classes.
        window: Windows of the ranking, and the influence of its bins.
        window_pairs: Of those two classes.
        end_to_end: A network trained on pixels beside a head on embeddings, on the same subsets.
        transfer, target: Networks pretrained on pruned classes, and what they learn of others.
    """

    name: str
    scaling: Plan
    benchmark: Plan
    floors: Plan
    prototypes: tuple[int, ...]
    two_class: TwoClassSettings
    pairs: tuple[str, ...]
    pilot: PilotSettings
    pilot_pairs: tuple[str, ...]
    window: WindowSettings
    window_pairs: tuple[str, ...]
    end_to_end: Plan
    transfer: Plan
    target: Target

    @property
    def parameters(self) -> dict[str, str]:
        """In words."""
        plans = {name: getattr(self, name) for name in _PLANS}
        return {
            f"{plan}: {name}": str(value) for plan, values in plans.items() for name, value in asdict(values).items()
        } | {
            "prototypes": str(self.prototypes),
            "pairs": _in_words(self.pairs),
            "pairs of the pilot": _in_words(self.pilot_pairs),
            "pairs of the window": _in_words(self.window_pairs),
            "sources": "; ".join(SOURCES.values()),
        }


def _in_words(pairs: tuple[str, ...]) -> str:
    return "; ".join(PAIRS[name].words for name in pairs)


_PLANS = ("scaling", "benchmark", "floors", "two_class", "pilot", "window", "end_to_end", "transfer", "target")

FULL = Settings(
    name="full",
    scaling=Plan(
        pool_sizes=(200, 400, 800, 1600, 3200, 6400, 12800),  # smaller ones may lack a class
        keep_fractions=(0.25, 0.5, 0.75, 1.0),
        metrics=tuple(METRICS),
        n_seeds=8,
    ),
    benchmark=Plan(
        pool_sizes=(3200,),
        keep_fractions=(0.2, 0.4, 0.6, 0.8, 1.0),
        metrics=BENCHMARKED,
        rules=("random", "hard"),
        n_seeds=5,
        n_validation=VALIDATION,
    ),
    floors=Plan(
        pool_sizes=(3200,),
        keep_fractions=(0.2, 0.5),
        metrics=("el2n", "self_supervised_prototypes"),
        rules=("random", "hard"),
        class_floors=(0.0, 0.25, 0.5, 0.75, 1.0),
        n_seeds=5,
    ),
    prototypes=(1, 3, 10, 30, 100, 300),
    two_class=TwoClassSettings(classes=(0, 1), alpha_prune=(0.5, 1.0, 2.0, 4.0, 12.0)),
    pairs=tuple(PAIRS),
    pilot=PilotSettings(classes=(0, 1)),
    pilot_pairs=tuple(name for name in PAIRS if name not in TOO_EASY),
    window=WindowSettings(classes=(0, 1)),
    window_pairs=("sneaker-boot", "pullover-coat-resnet", "shirts-resnet", "person-animal"),
    end_to_end=Plan(
        pool_sizes=(250, 1000, 4000, 12000), keep_fractions=(0.25, 0.5, 1.0), students=("softmax", "resnet"), n_seeds=5
    ),
    transfer=Plan(
        pool_sizes=(4000,), keep_fractions=(0.25, 0.5, 0.75, 1.0), students=("two_layer", "resnet"), n_seeds=5
    ),
    target=Target(),
)

QUICK = Settings(
    name="quick",
    scaling=replace(FULL.scaling, pool_sizes=(200, 500, 1000, 2000), n_seeds=5),
    benchmark=replace(FULL.benchmark, pool_sizes=(1000,), keep_fractions=(0.4, 0.8, 1.0)),
    floors=replace(FULL.floors, pool_sizes=(1000,), keep_fractions=(0.2,), class_floors=(0.0, 0.5, 1.0)),
    prototypes=(1, 10, 100),
    two_class=replace(FULL.two_class, alpha_prune=(1.0, 4.0, 16.0), other_fractions=(), other_ridge=None, n_seeds=5),
    pairs=("sneaker-boot", "pullover-coat-resnet", "person-animal"),
    pilot=replace(FULL.pilot, pilot_rows=(500,), pool_sizes=(500, 2000), keep_fractions=(0.5,), draws=2, n_seeds=5),
    pilot_pairs=("sneaker-boot", "pullover-coat-resnet", "person-animal"),
    window=replace(
        FULL.window,
        alpha_prune=(4.0,),
        skipped=(0.0, 0.05, 0.1, 0.3, 0.6),
        draws=2,
        n_bins=5,
        bin_alpha=(4.0,),
        bin_draws=4,
        n_seeds=5,
    ),
    window_pairs=("sneaker-boot", "pullover-coat-resnet"),
    end_to_end=replace(
        FULL.end_to_end, pool_sizes=(250, 2000), keep_fractions=(0.5, 1.0), students=("softmax", "resnet_quick")
    ),
    transfer=replace(
        FULL.transfer,
        pool_sizes=(2000,),
        keep_fractions=(0.5, 1.0),
        students=("two_layer", "resnet_quick"),
    ),
    target=FULL.target,
)
