"""The replica theory of data pruning for perceptrons, on NumPy and SciPy alone."""

from replica_theory import asymptotics
from replica_theory.bayes import BayesSolution, bayes_optimal
from replica_theory.crossover import crossover
from replica_theory.curation import CuratedSolution, CurationDiagram, curated_risk, curation_diagram
from replica_theory.empirical_risk import EmpiricalRiskSolution, empirical_risk
from replica_theory.errors import SaddlePointError
from replica_theory.frontier import ParetoFrontier, pareto_frontier
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import MaxMarginSolution, max_margin
from replica_theory.optimal_ridge import OptimalRidge, optimal_ridge
from replica_theory.optimal_selection import OptimalSelection, optimal_selection
from replica_theory.pruning_rounds import PruningRound, pruning_rounds
from replica_theory.selection import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    Selection,
    Verified,
)
from replica_theory.separability import separability_threshold
from replica_theory.sorscher_version_space import paper_information_gain, paper_version_space
from replica_theory.trained_probe import TrainedProbe
from replica_theory.version_space import VersionSpaceSolution, version_space

__all__ = [
    "BayesSolution",
    "Calibrated",
    "CuratedSolution",
    "CurationDiagram",
    "EmpiricalRisk",
    "EmpiricalRiskSolution",
    "KeepBetween",
    "KeepEasiest",
    "KeepHardest",
    "KeepRandom",
    "KeepWindows",
    "KeepWithProbability",
    "MaxMarginSolution",
    "OptimalRidge",
    "OptimalSelection",
    "ParetoFrontier",
    "PruningRound",
    "SaddlePointError",
    "Selection",
    "TrainedProbe",
    "Verified",
    "VersionSpaceSolution",
    "asymptotics",
    "bayes_optimal",
    "crossover",
    "curated_risk",
    "curation_diagram",
    "empirical_risk",
    "max_margin",
    "optimal_ridge",
    "optimal_selection",
    "paper_information_gain",
    "paper_version_space",
    "pareto_frontier",
    "pruning_rounds",
    "separability_threshold",
    "version_space",
]
