"""The machine: worker processes, threads of the linear algebra, compiled programs."""

from perceptron_pruning.parallel.process_executor import ProcessExecutor

__all__ = ["ProcessExecutor"]
