"""Elementary functions of numbers: Python's own of floats, which are faster, and NumPy's of extended precision."""

import math
from types import ModuleType

import numpy as np


def functions_of(number: float) -> ModuleType:
    """The module whose ``sin``, ``cos``, ``tan``, ``hypot``, ... keep this number's precision."""
    return math if isinstance(number, float) else np


def numbers(values: np.ndarray) -> list[float]:
    """Entries of an array, or a number, as floats or extended numbers."""
    return values.reshape(-1).tolist()
