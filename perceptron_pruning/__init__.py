"""Data pruning for perceptrons: simulated, compared with the exact theory, carried to real embeddings."""

from perceptron_pruning.comparison import Comparison, compare
from perceptron_pruning.parallel.compilation_cache import use_compilation_cache
from perceptron_pruning.simulation import SimulationResult, simulate
from perceptron_pruning.students.empirical_risk.fit import EmpiricalRiskFit, fit_empirical_risk
from perceptron_pruning.students.errors import InaccurateError, InfeasibleError
from perceptron_pruning.students.max_margin.fit import MaxMarginFit, fit_max_margin
from perceptron_pruning.sweeps import Grid, sweep

__all__ = [
    "Comparison",
    "EmpiricalRiskFit",
    "Grid",
    "InaccurateError",
    "InfeasibleError",
    "MaxMarginFit",
    "SimulationResult",
    "compare",
    "fit_empirical_risk",
    "fit_max_margin",
    "simulate",
    "sweep",
    "use_compilation_cache",
]
