"""Tables of retrained students: rows, one a student, back to arrays of errors, and means over seeds."""

import csv
import io
from collections.abc import Sequence

import numpy as np
import xarray as xr

from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.plan import AXES, CHANCE, SEED
from perceptron_pruning.output.tables import Row

MEASURED = "measured"  # kind of the rows from which all others follow
_COLUMNS = ("metric", "rule", "class_floor", "pool_size", "keep_fraction", "kept")
WITH_STUDENT = ("student", *_COLUMNS)  # where one table has several


def student_rows(
    source: str, dataset: xr.Dataset, *, columns: Sequence[str] = _COLUMNS, outputs: Sequence[str] = ("test_error",)
) -> list[Row]:
    """A row for each student: what it was trained on, and its error."""
    numbers = [dataset[name].transpose("cell", SEED).values for name in outputs]
    labels = [dataset[name].values for name in columns]
    return [
        {"kind": MEASURED, "source": source}
        | {name: values[cell].item() for name, values in zip(columns, labels, strict=True)}
        | {SEED: seed}
        | {name: float(values[cell, seed]) for name, values in zip(outputs, numbers, strict=True)}
        for cell, seed in np.ndindex(numbers[0].shape)
    ]


def students_in(table: Sequence[Row]) -> dict[str, list[Row]]:
    """The measured rows of a table, by source."""
    by_source: dict[str, list[Row]] = {}
    for row in table:
        if row["kind"] == MEASURED:
            by_source.setdefault(row["source"], []).append(row)
    return by_source


def errors_of(students: Sequence[Row], *axes: str, column: str = "test_error") -> xr.DataArray:
    """Test errors, or another column, with the given dimensions and the seed, as verdicts take them.

    Random keeping knows no metric, and of a whole pool all rules keep the same: such a row stands wherever it is not
    told apart.

    Raises:
        ValueError: A point has no row.
    """
    axes = (*axes, SEED)
    labels = {axis: list(dict.fromkeys(row[axis] for row in students)) for axis in axes}
    if "metric" in labels:
        labels["metric"] = [name for name in labels["metric"] if name != CHANCE]
    errors = xr.DataArray(np.full([len(values) for values in labels.values()], np.nan), labels)
    for row in students:
        alike = ["rule", "class_floor"] if row["keep_fraction"] == 1.0 else []
        alike += ["metric"] if row["rule"] == CHANCE else []
        errors.loc[{axis: row[axis] for axis in axes if axis not in alike}] = row[column]
    if bool(errors.isnull().any()):
        raise ValueError(f"`students` must have a row for every point of {', '.join(axes)}; some are missing")
    return errors


def mean_of(values: np.ndarray) -> Row:
    """Mean over seeds with half of its 95 % interval, as columns."""
    mean = effect(values)
    return {"value": mean.value, "half_width": mean.half_width}


def means(table: xr.Dataset) -> str:
    """CSV with one line a point: axes, kept, mean test error with half its 95 % interval, difference to random."""
    errors = table.test_error
    stacked = errors.stack(point=AXES)
    baseline = errors.sel(rule="random").broadcast_like(errors).stack(point=AXES)
    kept = table.kept.broadcast_like(errors.isel(seed=0)).stack(point=AXES)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("test_error", "test_error_half_width", "difference", "difference_half_width", "n_seeds")
    writer.writerow([*AXES, "kept", *numbers])
    for number, point in enumerate(stacked.point.values):
        own, other = (array.isel(point=number).values for array in (stacked, baseline))
        mean, difference = effect(own), effect(own - other)
        row = [mean.value, mean.half_width, difference.value, difference.half_width]
        writer.writerow([*point, int(kept.values[number]), *(f"{value:.6g}" for value in row), np.size(own)])
    return text.getvalue()
