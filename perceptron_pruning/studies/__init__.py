"""Studies that survive: many cells, computed by any executor into a store, resumed where they stopped."""

from perceptron_pruning.studies.errors import StoreError, SweepError
from perceptron_pruning.studies.study import Output, Study

__all__ = ["Output", "StoreError", "Study", "SweepError"]
