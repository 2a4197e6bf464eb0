"""What all trials of a simulation share, and one trial: drawn, trained, measured."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from perceptron_pruning.observables import Observables, observables
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.sampling import PrunedData, data_pruned_by_its_own_probe, pruned_data, trained_pruned_data
from perceptron_pruning.students.training import Student, train
from replica_theory.selection import GradientProbe, Selection, TrainedProbe
from replica_theory.selection.label_noise import Noise

if TYPE_CHECKING:
    from perceptron_pruning.device.trials import DeviceTrials

Engine = Literal["numpy", "jax"]  # whose draws, and whose solvers
Probe = Literal["exact", "trained"]
OwnProbe = TrainedProbe | GradientProbe  # that was trained on the pool which it prunes


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every trial has in common, and what a worker is sent; ``probe_epochs`` is 0 but for a perceptron."""

    selection: Selection
    probe_angle: float
    n_kept: int
    n_features: int
    seed: int
    probe: Probe | OwnProbe
    probe_epochs: int
    student: Student
    label_noise: Noise

    def draw(self, trial: int) -> PrunedData:
        size = {"n_kept": self.n_kept, "n_features": self.n_features, "seed": self.seed, "trial": trial}
        if isinstance(self.probe, OwnProbe):
            return data_pruned_by_its_own_probe(self.selection, probe=self.probe, label_noise=self.label_noise, **size)
        if self.probe_epochs:
            return trained_pruned_data(self.selection, epochs=self.probe_epochs, label_noise=self.label_noise, **size)
        return pruned_data(self.selection, probe_angle=self.probe_angle, label_noise=self.label_noise, **size)

    def run(self, trial: int) -> Observables:
        with one_blas_thread():
            data = self.draw(trial)
            return observables(data, *train(self.student, *data))

    def run_on_devices(self, trials: range, memory_budget: int | None) -> "DeviceTrials":
        from perceptron_pruning.device.trials import DeviceSetting, simulated_on_devices

        shared = {f.name: getattr(self, f.name) for f in fields(DeviceSetting)}
        return simulated_on_devices(DeviceSetting(**shared), trials, memory_budget=memory_budget)
