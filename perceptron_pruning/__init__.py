"""Data pruning for perceptrons: simulated, compared with the exact theory, carried to real embeddings.

Names are imported when they are first used, so that importing the package loads no JAX.
"""

from typing import TYPE_CHECKING

__all__ = [
    "Comparison",
    "EmpiricalRiskFit",
    "Grid",
    "InaccurateError",
    "InfeasibleError",
    "MaxMarginFit",
    "SimulatedRound",
    "SimulationResult",
    "compare",
    "compare_rounds",
    "fit_empirical_risk",
    "fit_max_margin",
    "simulate",
    "simulate_rounds",
    "simulate_self_training",
    "sweep",
    "use_compilation_cache",
]

if TYPE_CHECKING:
    from perceptron_pruning.comparison import Comparison, compare, compare_rounds
    from perceptron_pruning.parallel.compilation_cache import use_compilation_cache
    from perceptron_pruning.rounds import SimulatedRound, simulate_rounds
    from perceptron_pruning.self_training import simulate_self_training
    from perceptron_pruning.simulation import SimulationResult, simulate
    from perceptron_pruning.students.empirical_risk.fit import EmpiricalRiskFit, fit_empirical_risk
    from perceptron_pruning.students.errors import InaccurateError, InfeasibleError
    from perceptron_pruning.students.max_margin.fit import MaxMarginFit, fit_max_margin
    from perceptron_pruning.sweeps import Grid, sweep

    __version__: str
else:
    _MODULES = {
        "comparison": ("Comparison", "compare", "compare_rounds"),
        "parallel.compilation_cache": ("use_compilation_cache",),
        "rounds": ("SimulatedRound", "simulate_rounds"),
        "self_training": ("simulate_self_training",),
        "simulation": ("SimulationResult", "simulate"),
        "students.empirical_risk.fit": ("EmpiricalRiskFit", "fit_empirical_risk"),
        "students.errors": ("InaccurateError", "InfeasibleError"),
        "students.max_margin.fit": ("MaxMarginFit", "fit_max_margin"),
        "sweeps": ("Grid", "sweep"),
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module
        from importlib.metadata import version

        if name == "__version__":
            return version("perceptron-pruning")
        for module, names in _MODULES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "__version__"})
