"""Trains students on pruned Gaussian data: the door of the simulation."""

from concurrent.futures import Executor
from typing import Literal

from perceptron_pruning.simulation.checks import check_count, check_probe_of, check_ranks, checked_scalar
from perceptron_pruning.simulation.engines import engine_of
from perceptron_pruning.simulation.result import SimulationResult
from perceptron_pruning.simulation.setting import Engine, OwnProbe, Probe, Setting
from perceptron_pruning.simulation.trials import (
    HOST_MEMORY,
    simulated_on_cores,
    simulated_on_devices,
    trials_in_memory,
)
from perceptron_pruning.students.training import Student, check_student
from replica_theory.errors import check_probe_angle
from replica_theory.selection import Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise


def simulate(
    alpha_prune: float,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    n_features: int = 200,
    n_trials: int = 100,
    first_trial: int = 0,
    seed: int = 0,
    probe: Probe | OwnProbe = "exact",
    probe_epochs: int = 3,
    student: Student = "max_margin",
    label_noise: Noise = 0.0,
    memory_budget: int | None = None,
    executor: Executor | None = None,
    engine: Literal["auto"] | Engine = "auto",
) -> SimulationResult:
    """Trains students on pruned Gaussian data and measures their test error.

    Inputs x ~ N(0, I_N), labels sign(T·x), each flipped with probability η, a probe at an angle to the teacher T; the
    rule, which sees the flipped labels, keeps P = α N of P/f examples. The error on unpruned data is exact given the
    student: ε = arctan2(part across T, part along T)/π. Trials run on all cores of a CPU, a process each; as compiled
    programs on all of JAX's devices, from the draw to the verified observables; or in the executor's workers. Within an
    engine, results do not depend on how trials are spread.

    Args:
        alpha_prune: α, kept examples per dimension, > 0.
        selection: Which examples are kept.
        probe_angle: θ between an exact probe and the teacher, radians, in [0, π/2].
        n_features: N, dimension of the inputs, ≥ 3.
        n_trials: Independent pools, ≥ 1.
        first_trial: Number of the first of them, ≥ 0: a long simulation can be run in parts.
        seed: Non-negative integer.
        probe: "exact", a probe that lies at ``probe_angle`` and knows nothing of the pool; a `TrainedProbe`, which
            minimises its risk on a share of the pool itself and then prunes that by rank, as in `max_margin`; a
            `GradientProbe`, which takes some steps down it, as in `pruning_rounds`; or "trained", a perceptron trained
            on the pool for a few epochs. The angle is what training gives.
        probe_epochs: Passes of a perceptron over the pool, ≥ 1.
        student: "max_margin", or an `EmpiricalRisk` (loss, ridge, sample weights).
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.
        memory_budget: Bytes that pools, inputs and solver may take together; trials run side by side
            only as far as it allows. By default 2 GiB, and on accelerators half of their memory.
        executor: Runs the trials instead, in chunks, on other machines for instance. Each of its workers
            takes one trial's memory, or in the compiled engine a batch's.
        engine: "numpy", trial by trial on a CPU's cores; "jax", batches in compiled programs on JAX's devices, which
            may be CPUs too; or "auto", "jax" where JAX has an accelerator and the engine has a program for this probe,
            student and rule. On a CPU the compiled engine, once compiled, is 2 to 7 times as fast at N = 20, twice at
            N = 50 up to α = 5, and does not win from N = 100 on (``benchmarks/engines.csv``).

    Returns:
        One value a trial; every student is verified optimal to 1e-9.

    Raises:
        ValueError: A parameter is out of range, a single trial exceeds the memory budget, or there is no
            student: noisy labels are not separable (an InfeasibleError, whose certificate shows it), or the
            logistic loss has no minimum for want of a ridge; or the compiled engine has no program for it.
        InaccurateError: A student could not be verified; carries its residuals.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, section 2.

    Example:
        >>> from perceptron_pruning import simulate
        >>> from replica_theory import KeepHardest
        >>> result = simulate(2.0, selection=KeepHardest(0.5), n_features=100, n_trials=20)
        >>> result.generalization_error.shape
        (20,)
    """
    alpha = checked_scalar(alpha_prune)
    angle = check_probe_angle(probe_angle)
    noise = check_label_noise(label_noise)
    check_selection(selection)
    check_student(student)
    trained = check_probe_of(probe, angle)
    if isinstance(probe, OwnProbe):
        check_ranks(selection)
    for name, value, least in (
        ("n_features", n_features, 3),
        ("n_trials", n_trials, 1),
        ("first_trial", first_trial, 0),
        ("seed", seed, 0),
        ("probe_epochs", probe_epochs, 1),
        ("memory_budget", HOST_MEMORY if memory_budget is None else memory_budget, 1),
    ):
        check_count(name, value, at_least=least)
    n_kept = round(alpha * n_features)
    if n_kept < 1:
        raise ValueError(f"`alpha_prune` * `n_features` must be at least 1 example; got {alpha * n_features}")
    setting = Setting(
        selection=selection,
        probe_angle=angle,
        n_kept=n_kept,
        n_features=n_features,
        seed=seed,
        probe=probe,
        probe_epochs=probe_epochs if probe == "trained" else 0,
        student=student,
        label_noise=noise,
    )
    chosen, trials = engine_of(engine, probe, student, selection, noise), range(first_trial, first_trial + n_trials)
    if chosen == "jax":
        outcomes, verified_by = simulated_on_devices(setting, trials, memory_budget, executor)
    else:
        side_by_side = trials_in_memory(setting, memory_budget or HOST_MEMORY)
        outcomes, verified_by = simulated_on_cores(setting, trials, side_by_side, executor), {"cpu": n_trials}
    return SimulationResult(
        alpha_prune=n_kept / n_features,
        selection=selection,
        probe_angle=float(outcomes["probe_angles"].mean()) if trained else angle,
        n_features=n_features,
        n_trials=n_trials,
        first_trial=first_trial,
        seed=seed,
        n_kept=n_kept,
        probe=probe,
        probe_epochs=setting.probe_epochs,
        student=student,
        label_noise=noise,
        engine=chosen,
        verified_by=verified_by,
        **outcomes,
    )
