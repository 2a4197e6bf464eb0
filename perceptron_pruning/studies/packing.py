"""How outputs share arrays: all numbers of one type that a trial gives lie side by side.

A chunk of a store's array is a file, which must reach the disk before `done` does. Nine outputs in arrays of their own
would be nine files for each task; packed they are one. Outputs "error" and "direction" (of two parts) become the array
`float64` (cell, trial, float64_output), whose last axis has the labels "error", "direction[0]", "direction[1]".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.studies.study import Output


@dataclass(frozen=True)
class Packing:
    """The outputs that share one array.

    Attributes:
        dtype: Type of the array, and its name.
        outputs: Those outputs by name, in the order in which they lie.
    """

    dtype: str
    outputs: Mapping[str, Output]

    @property
    def axis(self) -> str:
        """Name of the axis along which they lie."""
        return f"{self.dtype}_output"

    @property
    def labels(self) -> list[str]:
        """Labels of the places on that axis."""
        return [label for name, output in self.outputs.items() for label in _labels(name, output)]

    def pack(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """(cells, trials, numbers) from each output's (cells, trials, *its dimensions)."""
        flat = [arrays[name].reshape(*arrays[name].shape[:2], -1) for name in self.outputs]
        return np.concatenate(flat, axis=2, dtype=self.dtype)

    def unpack(self, numbers: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Each output's name and its (cells, trials, *its dimensions)."""
        first = 0
        for name, output in self.outputs.items():
            shape = tuple(output.dimensions.values())
            last = first + math.prod(shape)
            yield name, numbers[:, :, first:last].reshape(*numbers.shape[:2], *shape)
            first = last


def packings(outputs: Mapping[str, Output]) -> list[Packing]:
    """One for each type of number."""
    types = dict.fromkeys(np.dtype(output.dtype).name for output in outputs.values())
    return [
        Packing(dtype, {name: output for name, output in outputs.items() if np.dtype(output.dtype).name == dtype})
        for dtype in types
    ]


def fill_value(dtype: str) -> float:
    """The value that stands for a number that is not there: NaN, or 0 where the type has no NaN."""
    return np.nan if np.dtype(dtype).kind in "fc" else 0


def _labels(name: str, output: Output) -> Iterator[str]:
    for place in np.ndindex(*output.dimensions.values()):
        yield name + "".join(f"[{index}]" for index in place)
