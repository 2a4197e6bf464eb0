"""Students of finite dimension on pruned data: the theory's setting, sampled.

``setting`` says what all trials share and draws one, ``trials`` runs many by either engine, ``engines`` chooses one,
``checks`` refuses what cannot be simulated, and ``simulate`` makes a ``result`` of it all.
"""

from perceptron_pruning.simulation.checks import check_count, check_probe_of, check_ranks
from perceptron_pruning.simulation.engines import engine_of, suitable_engine
from perceptron_pruning.simulation.result import SimulationResult
from perceptron_pruning.simulation.setting import Engine, OwnProbe, Probe
from perceptron_pruning.simulation.simulate import simulate

__all__ = [
    "Engine",
    "OwnProbe",
    "Probe",
    "SimulationResult",
    "check_count",
    "check_probe_of",
    "check_ranks",
    "engine_of",
    "simulate",
    "suitable_engine",
]
