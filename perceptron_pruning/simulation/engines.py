"""Which engine simulates: the one that was asked for, or that suits."""

from collections.abc import Callable
from typing import get_args

from perceptron_pruning.simulation.setting import Engine, OwnProbe, Probe
from perceptron_pruning.students.arrays import accelerator_present
from perceptron_pruning.students.training import Student
from replica_theory.selection import Selection
from replica_theory.selection.label_noise import Noise


def engine_of(
    engine: str, probe: Probe | OwnProbe, student: Student, selection: Selection, label_noise: Noise
) -> Engine:
    """The engine that was asked for, or that suits.

    Raises:
        ValueError: There is no such engine, or the compiled one has no program for this probe, student, rule and
            noise.
    """

    def check() -> None:
        from perceptron_pruning.device.trials import check_programs

        check_programs(probe, student, selection, label_noise)

    return suitable_engine(engine, check)


def suitable_engine(engine: str, check: Callable[[], None]) -> Engine:
    """The engine that was asked for; with "auto" the compiled one, if there is an accelerator and the check passes.

    Raises:
        ValueError: There is no such engine, or it is the compiled one and the check raises.
    """
    if engine not in ("auto", *get_args(Engine)):
        raise ValueError(f"`engine` must be 'auto', 'numpy' or 'jax'; got {engine!r}")
    if engine == "numpy" or (engine == "auto" and not accelerator_present()):
        return "numpy"
    try:
        check()
    except ValueError:
        if engine == "jax":
            raise
        return "numpy"
    return "jax"
