"""The replica theory of data pruning for perceptrons, on NumPy and SciPy alone."""

from typing import TYPE_CHECKING

from replica_theory import asymptotics
from replica_theory.bayes import BayesSolution, bayes_optimal
from replica_theory.choices.crossover import CrossoverSolution, crossover, crossover_solution
from replica_theory.choices.curation import CuratedSolution, CurationDiagram, curated_risk, curation_diagram
from replica_theory.choices.frontier import ParetoFrontier, pareto_frontier
from replica_theory.choices.optimal_reserve import OptimalReserve, optimal_reserve
from replica_theory.choices.optimal_ridge import OptimalRidge, optimal_ridge
from replica_theory.choices.optimal_selection import OptimalSelection, optimal_selection
from replica_theory.choices.optimal_weights import OptimalWeights, optimal_weights
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
from replica_theory.separability import SeparabilitySolution, separability_solution, separability_threshold
from replica_theory.sorscher_version_space import paper_information_gain, paper_version_space
from replica_theory.version_space import VersionSpaceSolution, version_space

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
    "GradientProbe",
    "KeepBetween",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "KeepWindows",
    "KeepWithProbability",
    "KeptDistribution",
    "MaxMarginSolution",
    "MulticlassRiskSolution",
    "Observables",
    "OptimalReserve",
    "OptimalRidge",
    "OptimalSelection",
    "OptimalWeights",
    "ParetoFrontier",
    "Piece",
    "PruningRound",
    "SaddlePointError",
    "Selection",
    "SeparabilitySolution",
    "StructuredInputs",
    "StructuredRiskSolution",
    "TrainedProbe",
    "Verified",
    "VersionSpaceSolution",
    "asymptotics",
    "bayes_optimal",
    "crossover",
    "crossover_solution",
    "curated_risk",
    "curation_diagram",
    "empirical_risk",
    "finite_size",
    "max_margin",
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
    "separability_solution",
    "separability_threshold",
    "structured_risk",
    "version_space",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """The version, read when it is asked for."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version("perceptron-pruning")
