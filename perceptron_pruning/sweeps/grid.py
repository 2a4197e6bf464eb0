"""Which cells a sweep has: products of labelled axes, and unions of them."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from difflib import SequenceMatcher
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np

from perceptron_pruning.simulation import OwnProbe, Probe, check_probe_of, check_ranks
from perceptron_pruning.students.training import Student, check_student
from perceptron_pruning.studies.study import stable_text
from replica_theory.errors import check_alpha, check_probe_angle
from replica_theory.selection import KeepRandom, Selection, check_selection
from replica_theory.selection.label_noise import check_flip_rate

EVERYTHING = KeepRandom()
_SIMILAR = 0.6  # least similarity, of 1, at which an unknown name is taken for a known one


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One point of a sweep: what `simulate` takes.

    Attributes:
        alpha_prune: α, kept examples per dimension, > 0.
        selection: Which examples are kept.
        probe_angle: θ, radians, in [0, π/2].
        n_features: N, ≥ 3.
        student: "max_margin" or an EmpiricalRisk.
        probe: "exact", at the probe angle; a `TrainedProbe` or `GradientProbe` of the pool's own; or "trained", a
            perceptron on the pool.
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2].

    Raises:
        ValueError: A parameter is out of range.

    Example:
        >>> from perceptron_pruning.sweeps import Grid
        >>> from replica_theory import KeepHardest
        >>> (cell,) = Grid(alpha_total=4.0, selection=KeepHardest(0.5), n_features=100).cells
        >>> cell.alpha_prune, cell.n_kept, cell.keep_fraction
        (2.0, 200, 0.5)
    """

    alpha_prune: float
    selection: Selection = EVERYTHING
    probe_angle: float = 0.0
    n_features: int = 200
    student: Student = "max_margin"
    probe: Probe | OwnProbe = "exact"
    label_noise: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "alpha_prune", float(check_alpha(self.alpha_prune)))
        object.__setattr__(self, "probe_angle", check_probe_angle(self.probe_angle))
        object.__setattr__(self, "label_noise", check_flip_rate(self.label_noise))
        check_selection(self.selection)
        check_student(self.student)
        if not isinstance(self.n_features, int | np.integer) or self.n_features < 3:
            raise ValueError(f"`n_features` must be an integer >= 3; got {self.n_features!r}")
        object.__setattr__(self, "n_features", int(self.n_features))
        if self.n_kept < 1:
            raise ValueError(f"`alpha_prune` * `n_features` must be at least 1 example; got {self!r}")
        check_probe_of(self.probe, self.probe_angle)
        if isinstance(self.probe, OwnProbe):
            check_ranks(self.selection)

    @property
    def n_kept(self) -> int:
        """P = α N, rounded to whole examples."""
        return round(self.alpha_prune * self.n_features)

    @cached_property
    def keep_fraction(self) -> float:
        """f = P / pool; that of a rule which sees labels depends on probe angle and label noise."""
        return self.selection.kept_distribution(self.probe_angle, self.label_noise).keep_fraction

    @property
    def alpha_total(self) -> float:
        """α / f, examples before pruning per dimension."""
        return self.alpha_prune / self.keep_fraction

    def seed(self, seed: int) -> int:
        """The cell's own seed: 63 bits of SHA-256 of the sweep's seed and of the parameters that are not the defaults.

        It does not depend on the cell's place, so a cell keeps its numbers in any grid.
        """
        named = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        text = f"{seed}|" + "|".join(f"{name}={stable_text(value)}" for name, value in named.items())
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


AXES = ("alpha_prune", "alpha_total", "selection", "probe_angle", "n_features", "student", "probe", "label_noise")

_NUMBERS = ("alpha_prune", "alpha_total", "probe_angle", "n_features", "label_noise")


@dataclass(frozen=True, kw_only=True)
class CellList:
    """Cells of any kind, without a common shape: their results have the one dimension ``cell``.

    Attributes:
        cells: The cells, each kept once.
        n_trials: Trials of every cell.
        seed: Non-negative integer, from which every cell has its own.
        probe_epochs: Passes of a trained probe over the pool, ≥ 1.

    Example:
        >>> from perceptron_pruning.sweeps import Grid
        >>> from replica_theory import KeepEasiest, KeepHardest
        >>> cells = Grid(alpha_prune=0.5, selection=KeepEasiest(0.3)) | Grid(alpha_prune=4, selection=KeepHardest(0.3))
        >>> [cell.alpha_prune for cell in cells.cells]
        [0.5, 4.0]
    """

    cells: Sequence[Cell]
    n_trials: int = 100
    seed: int = 0
    probe_epochs: int = 3

    def __post_init__(self):
        object.__setattr__(self, "cells", tuple(dict.fromkeys(self.cells)))
        if not self.cells:
            raise ValueError("`cells` must not be empty")
        _check_counts(self)

    @property
    def axes(self) -> None:
        return None

    def __or__(self, other: "Grid | CellList") -> "CellList":
        return union(self, other)


Class = TypeVar("Class", bound=type)


def _names_unknown_arguments(grid: Class) -> Class:
    """Has a grid answer an argument that it does not take with the one that was probably meant."""
    make: Callable[..., None] = grid.__init__
    names = [field.name for field in fields(grid)]

    @wraps(make)
    def checked(self: object, *args: object, **given: object) -> None:
        for name in given:
            if name not in names:
                raise TypeError(f"`{name}` is no axis of a grid; {did_you_mean(name, names)}")
        make(self, *args, **given)

    grid.__init__ = checked
    return grid


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is most like an unknown one, in an error's words; all of them, if none is like it."""
    names = list(known)
    likeness = [SequenceMatcher(None, name, other).ratio() for other in names]
    if max(likeness) >= _SIMILAR:
        return f"did you mean `{names[likeness.index(max(likeness))]}`?"
    return f"give {', '.join(names)}"


@_names_unknown_arguments
@dataclass(frozen=True, kw_only=True)
class Grid:
    """The product of labelled axes, each a value or several, with one of α_prune and α_total.

    ``grid | other`` is the list of the cells of both, for sweeps whose range of α depends on the rule.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        alpha_total: Examples before pruning per dimension, instead: α_prune = f α_total.
        selection: Which examples are kept.
        probe_angle: θ, radians.
        n_features: N.
        student: "max_margin" or an EmpiricalRisk.
        probe: "exact", "trained", or a `TrainedProbe` or `GradientProbe`.
        label_noise: η, chance that a label of the pool is flipped.
        n_trials: Trials of every cell.
        seed: Non-negative integer, from which every cell has its own.
        probe_epochs: Passes of a trained probe over the pool, ≥ 1.

    Raises:
        ValueError: A parameter is out of range, an axis is empty or repeats a value.
        TypeError: There is no such axis; the error names the one that is most like it.

    Example:
        >>> from perceptron_pruning import Grid
        >>> from replica_theory import KeepEasiest, KeepHardest
        >>> few = Grid(alpha_prune=(0.5, 1, 2), selection=KeepEasiest(0.3))
        >>> many = Grid(alpha_prune=(2, 4), selection=(KeepHardest(0.3), KeepHardest(0.1)))
        >>> len(few.cells), len(many.cells), len((few | many).cells)
        (3, 4, 7)
    """

    alpha_prune: float | Sequence[float] | None = None
    alpha_total: float | Sequence[float] | None = None
    selection: Selection | Sequence[Selection] = EVERYTHING
    probe_angle: float | Sequence[float] = 0.0
    n_features: int | Sequence[int] = 200
    student: Student | Sequence[Student] = "max_margin"
    probe: Probe | OwnProbe | Sequence[Probe | OwnProbe] = "exact"
    label_noise: float | Sequence[float] = 0.0
    n_trials: int = 100
    seed: int = 0
    probe_epochs: int = 3

    def __post_init__(self):
        if (self.alpha_prune is None) == (self.alpha_total is None):
            raise ValueError("a grid must have one of `alpha_prune` and `alpha_total`")
        for name in AXES:
            if isinstance(getattr(self, name), list | np.ndarray):
                object.__setattr__(self, name, _several(getattr(self, name)))
        _check_counts(self)
        for name, values in self.axes.items():
            if name in _NUMBERS and not all(isinstance(value, int | float | np.number) for value in values):
                raise ValueError(f"`{name}` must be numbers; got {values!r}")
            if not values or len(set(values)) < len(values):
                raise ValueError(f"`{name}` must have values, each once; got {values!r}")
        _ = self.cells

    @cached_property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Values along each dimension, in order."""
        given = {name: getattr(self, name) for name in AXES}
        return {name: _several(values) for name, values in given.items() if values is not None}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, row-major: the last axis varies fastest."""
        return tuple(
            _cell(dict(zip(self.axes, values, strict=True))) for values in itertools.product(*self.axes.values())
        )

    def __or__(self, other: "Grid | CellList") -> CellList:
        return union(self, other)


def union(first: Grid | CellList, second: Grid | CellList) -> CellList:
    """The cells of both, each once."""
    common = ("n_trials", "seed", "probe_epochs")
    for name in common:
        if getattr(first, name) != getattr(second, name):
            raise ValueError(f"`{name}` must be the same in both; got {getattr(first, name)}, {getattr(second, name)}")
    return CellList(cells=(*first.cells, *second.cells), **{name: getattr(first, name) for name in common})


def _cell(values: dict[str, Any]) -> Cell:
    total = values.pop("alpha_total", None)
    if total is None:
        return Cell(**values)
    at_one = Cell(**values, alpha_prune=1.0)
    return replace(at_one, alpha_prune=check_alpha(total, "alpha_total") * at_one.keep_fraction)


def _several(values: object) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        return (values,)
    return tuple(values.tolist()) if isinstance(values, np.ndarray) else tuple(values)


def _check_counts(grid: Grid | CellList) -> None:
    for name, least in (("n_trials", 1), ("seed", 0), ("probe_epochs", 1)):
        value = getattr(grid, name)
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"`{name}` must be an integer >= {least}; got {value!r}")
