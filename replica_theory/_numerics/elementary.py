"""Elementary functions of numbers: Python's own of floats, which are faster, and NumPy's of extended precision."""

import math
from functools import reduce
from types import ModuleType
from typing import Any

import numpy as np


def functions_of(value: Any) -> ModuleType:
    """The module whose ``sin``, ``cos``, ``exp``, ``hypot``, ... keep the precision of this number or array."""
    return math if isinstance(value, float) else np


def in_precision_of(number: float, value: Any) -> Any:
    """A number with the digits that a number or an array has."""
    return number if isinstance(value, float) else value.dtype.type(number)


def ratio(a: Any, b: Any) -> Any:
    """a/b of numbers or arrays, infinite where b = 0."""
    if isinstance(b, np.ndarray) or b:
        return a / b
    return math.copysign(math.inf, a) if a else math.nan


def logarithm(x: Any) -> Any:
    """ln x of a number or an array, −∞ at 0."""
    return math.log(x) if isinstance(x, float) and x > 0 else np.log(x)


def some(flags: Any) -> bool:
    """Whether any of these flags is true, or the only one."""
    return flags if isinstance(flags, bool) else bool(flags.any())


def every(flags: Any) -> bool:
    """Whether all of these flags are true, or the only one."""
    return flags if isinstance(flags, bool) else bool(flags.all())


def largest(*values: Any) -> Any:
    """The largest of numbers, or of arrays entry by entry; NaN if one is."""
    if isinstance(values[0], np.ndarray):
        return reduce(np.maximum, values)
    total = sum(values)
    return max(values) if total == total else total
