"""Retrained students as rows of a table, and back as an array of errors."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.plan import CHANCE, SEED, Plan
from perceptron_pruning.experiments.run import SCORES, study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.figures.real_data.settings import NAMES
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

MEASURED = "measured"  # kind of the rows from which all others follow
_COLUMNS = ("metric", "rule", "class_floor", "pool_size", "keep_fraction", "kept")
WITH_STUDENT = ("student", *_COLUMNS)  # where one table has several


def study_of(source: str, plan: Plan, folder: Path) -> Study:
    """The experiment of a plan on a named source; scores of its pools are kept in the folder."""
    data = source_of(source)
    scores = folder / SCORES / f"{data.digest[:16]}-{plan.n_validation}"
    scores.mkdir(parents=True, exist_ok=True)
    return study(data, plan, scores)


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
    found: dict[str, list[Row]] = {}
    for row in table:
        if row["kind"] == MEASURED:
            found.setdefault(row["source"], []).append(row)
    return found


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


def claim_of(claim: Claim, source: str, figure: str) -> Claim:
    """A claim on retrained students as one of a source and figure."""
    return replace(claim, setting=f"{NAMES[source]}; {claim.setting}", figure=figure)
