"""Students of max_margin, evaluated a second time: by another path and quadrature, and in ball arithmetic."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from random_points import Point

from replica_theory import MaxMarginSolution, Selection, max_margin
from replica_theory._max_margin import continuation, residual, residual_averages, saddle_point
from replica_theory._max_margin.remembered_laws import RememberedLaws
from replica_theory._numerics.quadrature import GaussianPanels

REFERENCE = Path(__file__).parents[1] / "tests" / "reference"


def solved_another_way(point: Point) -> MaxMarginSolution:
    """The student by a path of other steps, with 16 nodes for 12 on each of more and other panels.

    Smooth rules are averaged over the student's field, where `max_margin` averages them over the probe's.
    """
    with _another_way():
        return max_margin(point.alpha_prune, selection=point.selection, probe_angle=point.probe_angle)


@contextmanager
def _another_way() -> Iterator[None]:
    everywhere = GaussianPanels(grid=np.linspace(-12.0, 12.0, 20), order=16)
    finer = replace(residual_averages.PANELS, order=16)
    with (
        patch.object(saddle_point, "_PANELS", everywhere),
        patch.object(saddle_point, "_RARE_PANELS", everywhere),
        patch.object(residual, "PANELS", finer),
        patch.object(residual_averages, "PANELS", finer),
        patch.object(sys.modules[max_margin.__module__], "_LAWS", RememberedLaws()),  # no student but its own
        patch.object(saddle_point, "by_probe_field", _never),
        patch.object(residual, "by_probe_field", _never),
        patch.object(continuation, "_FIRST_STEP", 0.3),
        patch.object(continuation, "_PREDICTION_RESIDUAL", 0.07),
    ):
        yield


def _never(*_: object) -> bool:
    return False


def largest_difference(one: MaxMarginSolution, other: MaxMarginSolution) -> float:
    """Of error and margin, relative."""
    return max(abs(one.generalization_error / other.generalization_error - 1), abs(one.margin / other.margin - 1))


@cache
def reference() -> Any:
    """The generator of the stored references, or None without python-flint."""
    sys.path.append(str(REFERENCE))
    try:
        return import_module("make_extreme_max_margin")
    except ModuleNotFoundError as missing:
        if missing.name not in {"flint", "mpmath"}:
            raise
        return None


def difference_in_balls(point: Point, solution: MaxMarginSolution) -> float:
    """Largest relative change of error and margin by Newton's step of the reference's equations, in 66 digits."""
    by = reference()
    law, alpha = by.make_law(_described(point.selection), point.degrees), by.arb(point.alpha_prune)
    student = _in_reference_frame(point)
    residual, rows = by.equations(law, alpha, student, by.FINE)
    exact = [x - dx for x, dx in zip(student, by.solve(rows, residual), strict=True)]
    error, margin = (float(value.mid()) for value in by.overlaps(law, exact)[:2])
    return max(abs(solution.generalization_error / error - 1), abs(solution.margin / margin - 1))


def _in_reference_frame(point: Point) -> list:
    """(A, B, k): along the probe, across it towards the teacher, and the margin."""
    by, law = reference(), point.selection.kept_distribution(point.probe_angle)
    student = continuation.solve_student(law, point.alpha_prune).students
    k, length, angle = map(_exactly, (student.k, student.length, student.angle))
    turn = by.arb(law.probe_angle) - angle
    return [length * turn.cos(), length * turn.sin(), k]


def _exactly(number: np.longdouble | float):
    high = float(number)
    return reference().arb(high) + reference().arb(float(number - high))


def _described(selection: Selection) -> dict:
    """A rule as the reference's rows describe it."""
    values = {field.name: getattr(selection, field.name) for field in fields(selection)}  # pyright: ignore[reportArgumentType]
    inner = {name: _described(value) if isinstance(value, Selection) else value for name, value in values.items()}
    return {"rule": type(selection).__name__, **inner}
