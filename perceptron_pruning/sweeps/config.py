"""A sweep written down in a TOML file::

    alpha_total = [1.5, 3, 6, 12]                   # or alpha_prune
    selection = ["KeepHardest(0.3)", "KeepEasiest(0.3)", "KeepRandom(0.3)"]
    probe_angle_degrees = [0, 10]                   # or probe_angle, in radians
    n_features = 200
    student = ["max_margin", "EmpiricalRisk('logistic', 0.1)"]
    n_trials = 100
    seed = 0

Every key is an axis with a value or several, but for the last two. Cells that are no one product are blocks, each
a product of its own; what stands above them holds for all::

    n_features = 200
    n_trials = 100

    [[cells]]
    alpha_prune = [0.5, 1, 2]
    selection = "KeepEasiest(0.3)"

    [[cells]]
    alpha_prune = [2, 4, 8]
    selection = "KeepHardest(0.3)"
    probe_angle_degrees = [0, 10, 20]

    [[cells]]
    alpha_prune = [1, 2]
    selection = "KeepHardest(0.3)"
    probe = ["TrainedProbe('logistic', 0.1)", "GradientProbe('logistic', 5, 1.0)"]  # of the pool's own
"""

import functools
import math
import operator
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perceptron_pruning.sweeps.grid import AXES, CellList, Grid, did_you_mean
from perceptron_pruning.sweeps.parsing import probe, rule, student

_OF_THE_WHOLE = ("n_trials", "seed", "probe_epochs")
_KEYS = (*AXES, "probe_angle_degrees", *_OF_THE_WHOLE)


def read_grid(path: Path) -> Grid | CellList:
    """The grid that a TOML file describes.

    Raises:
        ValueError: It is no TOML, a key is unknown, or a value is out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be TOML; {error}") from None
    return grid_of(content)


def grid_of(content: Mapping[str, object]) -> Grid | CellList:
    """The grid that a file's content describes."""
    common = {name: value for name, value in content.items() if name != "cells"}
    blocks = content.get("cells")
    if blocks is None:
        return _grid(common)
    if not (isinstance(blocks, list) and blocks and all(isinstance(block, dict) for block in blocks)):
        raise ValueError("`cells` must be blocks, each begun by [[cells]]")
    for block in blocks:
        for name in _OF_THE_WHOLE:
            if name in block:
                raise ValueError(f"`{name}` must stand above the first [[cells]]: it holds for all")
    listed = functools.reduce(operator.or_, [_grid(common | block) for block in blocks])
    return listed if isinstance(listed, CellList) else listed | listed


def _grid(content: Mapping[str, object]) -> Grid:
    for name in content:
        if name not in _KEYS:
            raise ValueError(f"`{name}` is no key of a sweep; {did_you_mean(name, (*_KEYS, 'cells'))}")
    values: dict[str, Any] = dict(content)
    if "probe_angle_degrees" in values:
        if "probe_angle" in values:
            raise ValueError("`probe_angle` and `probe_angle_degrees` exclude each other; give one of them")
        values["probe_angle"] = [_radians(degrees) for degrees in _several(values.pop("probe_angle_degrees"))]
    for name, parsed in (("selection", rule), ("student", student), ("probe", probe)):
        if name in values:
            values[name] = [parsed(str(text)) for text in _several(values[name])]
    return Grid(**values)


def _radians(degrees: object) -> float:
    if not isinstance(degrees, int | float):
        raise ValueError(f"`probe_angle_degrees` must be numbers; got {degrees!r}")
    if not 0 <= degrees <= 90:
        raise ValueError(f"`probe_angle_degrees` must be in [0, 90]; got {degrees}")
    return math.radians(degrees)


def _several(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]
