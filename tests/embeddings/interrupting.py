"""Runs that are interrupted."""

from perceptron_pruning.embeddings.runtime.progress import NoProgress


class StopAt(NoProgress):
    """Interrupts at the k-th task, as Ctrl-C would."""

    def __init__(self, count: int):
        self.count = count

    def task(self, label, *, total, unit):
        self.count -= 1
        if self.count < 0:
            raise KeyboardInterrupt("stopped by the test")
        return super().task(label, total=total, unit=unit)
