"""What is to be computed: many cells, each giving the same named arrays for each of its trials."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_TAKEN = ("cell", "done")  # names in every store
_KINDS = "biufc"  # of types of numbers
_NAME = re.compile(r"(?!\.)[^/\\\0]+(?<!\.json)")  # of a label, which has a folder of its own in the store


@dataclass(frozen=True, kw_only=True)
class Output:
    """One array that a trial gives.

    Attributes:
        long_name: What it is, in words.
        units: Units of its values; "1" for plain numbers.
        dtype: Type of number in which it is stored, by its name or as NumPy has it.
        dimensions: Names and sizes of its dimensions, in order; none for one number a trial.

    Raises:
        ValueError: ``dtype`` is no type of numbers, or a size is no integer >= 1.
    """

    long_name: str
    units: str = "1"
    dtype: str = "float64"
    dimensions: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self):
        try:
            dtype = np.dtype(self.dtype)
        except TypeError:
            dtype = np.dtype(object)
        if dtype.kind not in _KINDS:
            raise ValueError(f"`dtype` must be a type of numbers, such as 'float64'; got {self.dtype!r}")
        object.__setattr__(self, "dtype", dtype.name)
        for name, size in self.dimensions.items():
            _check_count(size, f"dimensions[{name!r}]")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Cells × trials of one function, to be run by `run_study`.

    ``function(cell, trials)`` gives, for a cell and a range of its trials, one array for each output, of shape
    (len(trials), *its dimensions). Another process must be able to import it (a function of a module, or a frozen
    dataclass with ``__call__``), and trial t of a cell must give the same numbers in whatever range it is asked for:
    then no cut into tasks, and no kill, can change a number. Large data are best loaded inside the function, once in
    each process (`functools.cache`).

    Example, with ``noise(cell: float, trials: range)``::

        study = Study(
            name="noise",
            function=noise,
            cells=[0.1, 0.2],
            outputs={"value": Output(long_name="a random number")},
            coordinates={"scale": [0.1, 0.2]},
            n_trials=100,
        )
        means = run_study(study, "noise.zarr").value.mean("trial")

    Attributes:
        function: Computes one cell.
        cells: One object a cell, each picklable and with a repr that says all that decides its numbers.
        outputs: What a trial gives, by name.
        coordinates: Labels of the cells, by name: one value a cell.
        dimensions: Names and sizes of a product of axes, row-major in ``cells``; None for a list of cells.
        n_trials: Trials of every cell.
        trial: Name of the trials' dimension ("seed", where it is one).
        seconds: Estimated seconds of one trial on one core, one a cell; None makes each cell one task.
        parameters: All else that decides the numbers, as JSON; kept in the store and compared on resuming.
        name: What this kind of study is called. A store is resumed by studies of its name alone, so keep it when the
            function is renamed; by default the function's name, without its module, which may thus move.

    Raises:
        ValueError: Labels, dimensions or estimates do not fit the cells, a name is taken twice, or a repr is not
            stable.
    """

    function: Callable[[Any, range], Mapping[str, ArrayLike]]
    cells: Sequence[Any]
    outputs: Mapping[str, Output]
    coordinates: Mapping[str, Sequence[object]]
    dimensions: Mapping[str, int] | None = None
    n_trials: int = 1
    trial: str = "trial"
    seconds: Sequence[float] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self):
        if not len(self.cells) or not self.outputs:
            raise ValueError("a study must have at least one cell, one output and one trial")
        object.__setattr__(self, "n_trials", _check_count(self.n_trials, "n_trials"))
        for name, values in self.coordinates.items():
            if len(values) != len(self.cells):
                raise ValueError(f"`coordinates` must have {len(self.cells)} values each; {name} has {len(values)}")
        self._check_names()
        for name, size in (self.dimensions or {}).items():
            _check_count(size, f"dimensions[{name!r}]")
        if self.dimensions is not None and math.prod(self.dimensions.values()) != len(self.cells):
            raise ValueError(f"`dimensions` must multiply to {len(self.cells)} cells; got {dict(self.dimensions)}")
        if self.seconds is not None and not (
            len(self.seconds) == len(self.cells)
            and np.all(np.asarray(self.seconds, dtype=float) > 0)
            and np.all(np.isfinite(np.asarray(self.seconds, dtype=float)))
        ):
            raise ValueError(f"`seconds` must be {len(self.cells)} positive numbers")

    def _check_names(self) -> None:
        """Refuses names under which one thing would hide another in the data set or in the store."""
        types = {output.dtype for output in self.outputs.values()}
        arrays = {name for dtype in types for name in (dtype, f"{dtype}_output")}
        names = [*self.outputs, *self.coordinates, self.trial, *_TAKEN]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"`outputs`, `coordinates` and `trial` must have names of their own; got {twice[0]} twice")
        if wrong := [name for name in self.coordinates if name in arrays or not _NAME.fullmatch(name)]:
            raise ValueError(f"`coordinates` must have names of folders, which no array has; got {wrong[0]!r}")
        sizes = [*(self.dimensions or {}), *(name for output in self.outputs.values() for name in output.dimensions)]
        if hidden := [name for name in self.outputs if name in arrays or name in sizes]:
            raise ValueError(f"`outputs` must have names that no dimension and no array has; got {hidden[0]!r}")
        of_outputs = [name for output in self.outputs.values() for name in output.dimensions]
        if taken := [name for name in of_outputs if name in ("cell", self.trial, *(self.dimensions or {}))]:
            raise ValueError(f"`dimensions` of an output must have names of their own; got {taken[0]!r}")
        if self.trial in (self.dimensions or {}):
            raise ValueError(f"`dimensions` must have names of their own; got {self.trial!r}, which the trials have")

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must agree for a store to be resumed, as JSON. No module's path is in it, so modules may move."""
        texts = [stable_text(cell) for cell in self.cells]
        own = {
            "name": self.name or _own_name(self.function),
            "settings": _settings(self.function),
            "outputs": sorted(self.outputs),
            "n_trials": self.n_trials,
            "n_cells": len(self.cells),
            "cells": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
        }
        if taken := own.keys() & self.parameters.keys():
            raise ValueError(f"`parameters` must have names of their own; got {', '.join(sorted(taken))}")
        try:
            return json.loads(json.dumps({**self.parameters, **own}))
        except TypeError as error:
            raise ValueError(f"`parameters` must be plain numbers, texts, lists and mappings: {error}") from None


def _check_count(count: object, name: str) -> int:
    if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
        raise ValueError(f"`{name}` must be an integer >= 1; got {count!r}")
    return int(count)


def stable_text(value: object) -> str:
    """The repr of a value, refused if it does not tell it.

    That is if it names an address in memory, which the next process would not give, or leaves numbers of an array out.
    """
    text = re.sub(r"np\.(?:float|int)\d+\(([^()]*)\)", r"\1", repr(value))
    if re.search(r" at 0x[0-9a-f]+", text):
        raise ValueError(
            f"`cells` must be told apart by their repr; got {text} (give functions as a frozen dataclass with __call__)"
        )
    if re.search(r"array\([^()]*\.\.\.", text):
        raise ValueError(
            f"`cells` must be told apart by their repr; got {text}, which leaves numbers out (give tuples of "
            "numbers, or what makes the array)"
        )
    return text


def _own_name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)


def _settings(function: Callable[..., object]) -> dict[str, str] | str | None:
    """What decides a function's numbers, without its name: the fields of a dataclass; None of a plain function."""
    if is_dataclass(function):
        return {f.name: stable_text(getattr(function, f.name)) for f in fields(function) if f.repr}
    return None if hasattr(function, "__qualname__") else stable_text(function)
