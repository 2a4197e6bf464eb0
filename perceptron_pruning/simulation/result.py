"""What a simulation gives."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perceptron_pruning.observables import error_against
from perceptron_pruning.simulation.setting import Engine, OwnProbe, Probe
from perceptron_pruning.students.training import Student
from replica_theory.selection import Selection
from replica_theory.selection.label_noise import Noise, label_of


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """One cell of a simulation: its parameters, and one value a trial, each array (n_trials,).

    Attributes:
        alpha_prune: α = P/N that was simulated (P is rounded to whole examples).
        selection: The rule by which examples were kept.
        probe_angle: θ, radians; the mean over trials of trained probes.
        n_features: N, dimension of the inputs.
        n_trials: Independent pools.
        first_trial: Number t of the first trial.
        seed: Trial t of a seed is the same draw whatever the number of trials.
        n_kept: P, examples kept in each trial.
        probe: How the probe came about: "exact", "trained", or the `TrainedProbe` or `GradientProbe` that prunes its
            own pool.
        probe_epochs: Passes of a perceptron probe over the pool; 0 for any other.
        student: What was trained, "max_margin" or an EmpiricalRisk.
        label_noise: η, chance that a label of the pool was flipped.
        engine: "numpy" or "jax", which names the stream of draws too: trial t of a seed is one pool in one of them and
            another in the other, of one law.
        verified_by: Trials by how their students were solved and verified: "cpu", the exact solver; and in the compiled
            engine "quick" and "patient", two programs, of which the CPU takes what they leave.
        probe_angles: θ of each trial's probe, radians; ``probe_angle`` is their mean.
        generalization_error: ε = angle(student, teacher)/π, test error on clean, unpruned data.
        overlap: R, cosine of that angle.
        probe_overlap: ρ, cosine of the angle to the probe.
        margin: κ, least y J·x over kept examples for the unit-norm student J.
        norm: ‖w‖ of the student as it was trained.
        training_loss: Mean (weighted) loss of the kept examples, without the ridge; 0 of max-margin students.
        training_error: Share of the kept examples whose (noisy) label the student misses.
        direction: The unit-norm student, (n_trials, 4): along the probe, across it towards the teacher, along one
            axis outside their plane, and the length of the rest.

    Example:
        >>> from perceptron_pruning import simulate
        >>> from replica_theory import KeepHardest
        >>> setting = dict(selection=KeepHardest(0.5), n_features=20, engine="numpy")
        >>> cell = simulate(2.0, n_trials=8, **setting)
        >>> cell.generalization_error.shape, cell.n_kept, cell.engine
        ((8,), 40, 'numpy')
        >>> bool((simulate(2.0, n_trials=4, **setting).overlap == cell.overlap[:4]).all())
        True
    """

    alpha_prune: float
    selection: Selection
    probe_angle: float
    n_features: int
    n_trials: int
    first_trial: int
    seed: int
    n_kept: int
    probe: Probe | OwnProbe
    probe_epochs: int
    student: Student
    label_noise: Noise
    probe_angles: np.ndarray
    generalization_error: np.ndarray
    overlap: np.ndarray
    probe_overlap: np.ndarray
    margin: np.ndarray
    norm: np.ndarray
    training_loss: np.ndarray
    training_error: np.ndarray
    direction: np.ndarray
    engine: Engine = "numpy"
    verified_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def noisy_test_error(self) -> np.ndarray:
        """Test error on unpruned data with noisy labels, η + (1 − 2η) ε of noise at one rate, (n_trials,)."""
        return label_of(self.label_noise).error(math.pi * self.generalization_error)

    def error_against(self, *, teacher_overlap: float, probe_overlap: float) -> np.ndarray:
        """Test error (n_trials,) against a third direction w_*, given its cosines with teacher and probe.

        The teacher only labelled the examples and the probe only selected them. What w_* has outside
        their plane lies along one axis there, on which the student's component is chance.

        Raises:
            ValueError: No unit vector has these cosines with both.

        Example:
            >>> from perceptron_pruning import simulate
            >>> from replica_theory import KeepHardest
            >>> cell = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=5, engine="numpy")
            >>> cell.error_against(teacher_overlap=0.9, probe_overlap=0.9).shape
            (5,)
        """
        cosines = {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}
        return error_against(self.direction, self.probe_angles, **cosines)
