"""The replica theory of data pruning for perceptrons, on NumPy and SciPy alone.

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from typing import TYPE_CHECKING

__all__ = [
    "BayesSolution",
    "Calibrated",
    "CrossoverSolution",
    "CuratedSolution",
    "CurationDiagram",
    "DataRiskSolution",
    "EmpiricalRisk",
    "EmpiricalRiskSolution",
    "FiniteSize",
    "FlipNoise",
    "FlipWithProbability",
    "GradientProbe",
    "KeepBetween",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "KeepWindows",
    "KeepWithProbability",
    "KeptDistribution",
    "LogisticNoise",
    "MaxMarginSolution",
    "MixedRiskSolution",
    "MulticlassRiskSolution",
    "Observables",
    "OptimalReserve",
    "OptimalRidge",
    "OptimalSelection",
    "OptimalWeights",
    "ParetoFrontier",
    "Piece",
    "ProbitNoise",
    "PruningRound",
    "QueriesSolution",
    "SaddlePointError",
    "Selection",
    "SeparabilitySolution",
    "Source",
    "StructuredInputs",
    "StructuredMixedRiskSolution",
    "StructuredRiskSolution",
    "StructuredSource",
    "TrainedProbe",
    "Verified",
    "VersionSpaceSolution",
    "asymptotics",
    "bayes_optimal",
    "bisecting_queries",
    "crossover",
    "crossover_solution",
    "curated_risk",
    "curation_diagram",
    "empirical_risk",
    "finite_size",
    "max_margin",
    "mixed_risk",
    "observables",
    "optimal_reserve",
    "optimal_ridge",
    "optimal_selection",
    "optimal_weights",
    "paper_information_gain",
    "paper_version_space",
    "pareto_frontier",
    "pruning_rounds",
    "risk_on_data",
    "self_training",
    "separability_solution",
    "separability_threshold",
    "structured_mixed_risk",
    "structured_risk",
    "version_space",
]

if TYPE_CHECKING:
    from replica_theory import asymptotics
    from replica_theory.bayes import BayesSolution, bayes_optimal
    from replica_theory.choices.crossover import CrossoverSolution, crossover, crossover_solution
    from replica_theory.choices.curation import CuratedSolution, CurationDiagram, curated_risk, curation_diagram
    from replica_theory.choices.frontier import ParetoFrontier, pareto_frontier
    from replica_theory.choices.mixed_risk import MixedRiskSolution, Source, mixed_risk
    from replica_theory.choices.optimal_reserve import OptimalReserve, optimal_reserve
    from replica_theory.choices.optimal_ridge import OptimalRidge, optimal_ridge
    from replica_theory.choices.optimal_selection import OptimalSelection, optimal_selection
    from replica_theory.choices.optimal_weights import OptimalWeights, optimal_weights
    from replica_theory.choices.self_training import self_training
    from replica_theory.empirical_risk import EmpiricalRiskSolution, empirical_risk
    from replica_theory.errors import SaddlePointError
    from replica_theory.finite_size import FiniteSize, finite_size
    from replica_theory.losses.risk import EmpiricalRisk
    from replica_theory.max_margin import MaxMarginSolution, max_margin
    from replica_theory.observables import Observables, observables
    from replica_theory.pruning_rounds import PruningRound, pruning_rounds
    from replica_theory.real_data.multiclass_risk import MulticlassRiskSolution
    from replica_theory.real_data.risk_on_data import DataRiskSolution, risk_on_data
    from replica_theory.real_data.structured_inputs import StructuredInputs
    from replica_theory.real_data.structured_mixed_risk import (
        StructuredMixedRiskSolution,
        StructuredSource,
        structured_mixed_risk,
    )
    from replica_theory.real_data.structured_risk import StructuredRiskSolution, structured_risk
    from replica_theory.selection import (
        Calibrated,
        GradientProbe,
        KeepBetween,
        KeepEasiest,
        KeepHardest,
        KeepRandom,
        KeepWindows,
        KeepWithProbability,
        KeptDistribution,
        Piece,
        Selection,
        TrainedProbe,
        Verified,
    )
    from replica_theory.selection.label_noise import FlipNoise, FlipWithProbability, LogisticNoise, ProbitNoise
    from replica_theory.separability import SeparabilitySolution, separability_solution, separability_threshold
    from replica_theory.version_spaces.queries import QueriesSolution, bisecting_queries
    from replica_theory.version_spaces.sorscher import paper_information_gain, paper_version_space
    from replica_theory.version_spaces.version_space import VersionSpaceSolution, version_space

    __version__: str
else:
    import sys
    from types import ModuleType

    _MODULES = {
        "bayes": ("BayesSolution", "bayes_optimal"),
        "choices.crossover": ("CrossoverSolution", "crossover", "crossover_solution"),
        "choices.curation": ("CuratedSolution", "CurationDiagram", "curated_risk", "curation_diagram"),
        "choices.frontier": ("ParetoFrontier", "pareto_frontier"),
        "choices.mixed_risk": ("MixedRiskSolution", "Source", "mixed_risk"),
        "choices.optimal_reserve": ("OptimalReserve", "optimal_reserve"),
        "choices.optimal_ridge": ("OptimalRidge", "optimal_ridge"),
        "choices.optimal_selection": ("OptimalSelection", "optimal_selection"),
        "choices.optimal_weights": ("OptimalWeights", "optimal_weights"),
        "choices.self_training": ("self_training",),
        "empirical_risk": ("EmpiricalRiskSolution", "empirical_risk"),
        "errors": ("SaddlePointError",),
        "finite_size": ("FiniteSize", "finite_size"),
        "losses.risk": ("EmpiricalRisk",),
        "max_margin": ("MaxMarginSolution", "max_margin"),
        "observables": ("Observables", "observables"),
        "pruning_rounds": ("PruningRound", "pruning_rounds"),
        "real_data.multiclass_risk": ("MulticlassRiskSolution",),
        "real_data.risk_on_data": ("DataRiskSolution", "risk_on_data"),
        "real_data.structured_inputs": ("StructuredInputs",),
        "real_data.structured_mixed_risk": (
            "StructuredMixedRiskSolution",
            "StructuredSource",
            "structured_mixed_risk",
        ),
        "real_data.structured_risk": ("StructuredRiskSolution", "structured_risk"),
        "selection": (
            "Calibrated",
            "GradientProbe",
            "KeepBetween",
            "KeepEasiest",
            "KeepHardest",
            "KeepRandom",
            "KeepWindows",
            "KeepWithProbability",
            "KeptDistribution",
            "Piece",
            "Selection",
            "TrainedProbe",
            "Verified",
        ),
        "selection.label_noise": ("FlipNoise", "FlipWithProbability", "LogisticNoise", "ProbitNoise"),
        "separability": ("SeparabilitySolution", "separability_solution", "separability_threshold"),
        "version_spaces.queries": ("QueriesSolution", "bisecting_queries"),
        "version_spaces.sorscher": ("paper_information_gain", "paper_version_space"),
        "version_spaces.version_space": ("VersionSpaceSolution", "version_space"),
    }
    _MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

    class _Doors(ModuleType):
        """The package, where `max_margin` is the function though a module bears its name too."""

        def __setattr__(self, name: str, value: object) -> None:
            if isinstance(value, ModuleType) and name in _MODULE_OF:  # Python binds a module that it has imported
                value = getattr(value, name)
            super().__setattr__(name, value)

    sys.modules[__name__].__class__ = _Doors

    def __getattr__(name: str) -> object:
        from importlib import import_module
        from importlib.metadata import version

        if name == "__version__":
            return version("perceptron-pruning")
        if name == "asymptotics":
            return import_module(f"{__name__}.asymptotics")
        if name in _MODULE_OF:
            value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
            globals()[name] = value
            return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "__version__"})
