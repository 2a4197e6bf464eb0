"""Points of simulation beside the theory: what the figures here share."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceptron_pruning.comparison import compare
from perceptron_pruning.evidence.claim import Allowance, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.judges import Criterion
from perceptron_pruning.output.tables import Row
from perceptron_pruning.simulation import SimulationResult


def simulated(place: Row, pools: SimulationResult, *, flips: float = 0.0, **target: float) -> Row:
    """A row of simulated errors beside the theory's, with the difference that a finite N makes.

    Args:
        place: Columns that say where it lies.
        pools: From `simulate`.
        flips: η, chance that a label to be tested on is wrong: errors on such labels are η + (1 − 2η) ε.
        target: Of `compare`, where the test is on a third direction.
    """
    held, scale = compare(pools, **target), 1 - 2 * flips
    return place | {
        "kind": "simulation",
        "theory": flips + scale * held.theory,
        "simulation": flips + scale * held.simulated,
        "standard_error": scale * held.standard_error,
        "finite_size": scale * held.finite_size,
        "finite_size_error": scale * held.finite_size_error,
        "z_score": held.z_score,
        "n_features": pools.n_features,
        "n_trials": pools.n_trials,
        "seed": pools.seed,
    }


def beside_smaller(place: Row, theory: float, errors: Sequence[np.ndarray], n_features: int, seed: int) -> Row:
    """A row of simulated errors beside the theory's, with a term of 1/N measured at N/2 and N/4 on other draws.

    It falls as 1/N, so that the errors there differ by twice the term; their standard error and the next order, 2
    term²/ε, are what is allowed for.

    Args:
        place: Columns that say where it lies.
        theory: ε.
        errors: Of trials at N, N/2 and N/4, each (trials,).
        n_features: N.
        seed: Of the trials.
    """
    (mean, spread), (half, of_half), (quarter, of_quarter) = (
        (float(one.mean()), float(one.std(ddof=1)) / math.sqrt(one.size)) for one in errors
    )
    shift = (quarter - half) / 2
    allowed = math.hypot(math.hypot(of_half, of_quarter) / 2, 2 * shift**2 / theory)
    return place | {
        "kind": "simulation",
        "theory": theory,
        "simulation": mean,
        "standard_error": spread,
        "finite_size": shift,
        "finite_size_error": allowed,
        "z_score": (mean - theory - shift) / math.hypot(spread, allowed),
        "n_features": n_features,
        "n_trials": errors[0].size,
        "seed": seed,
    }


SMALLER = ((1, 1), (2, 4), (4, 4))  # parts of N at which errors are taken, and trials there in units of those at N


def rows_of(table: Sequence[Row], kind: str, **columns: Any) -> list[Row]:
    """Rows of one kind with these values, in the table's order."""
    return [row for row in table if row["kind"] == kind and all(row[name] == value for name, value in columns.items())]


def published_of(name: str) -> list[Row]:
    """What El Firdoussi et al. 2024 have published for a figure's settings, as numbers."""
    rows = csv.DictReader(_PUBLISHED.read_text(encoding="utf-8").splitlines())
    of_figure = [row for row in rows if row["figure"] == name]
    return [{key: float(value) for key, value in row.items() if key != "figure"} for row in of_figure]


_PUBLISHED = Path(__file__).parent / "elfirdoussi2024_theory.csv"


def error_of(row: Row) -> Effect:
    """The simulated error of a row."""
    return Effect(value=row["simulation"], standard_error=row["standard_error"])


def ratio(row: Row, other: Row, place: str) -> Row:
    """Ratio of two simulated errors with its standard error, and where it lies."""
    value = row["simulation"] / other["simulation"]
    relative = math.hypot(*(one["standard_error"] / one["simulation"] for one in (row, other)))
    return {place: row[place], "simulation": value, "standard_error": value * relative}


def gain(quantity: str, first: Row, second: Row, criterion: Criterion = "below") -> Measurement:
    """Simulated error of one row less that of another, which is to be below 0, or above it."""
    return Measurement(
        quantity=quantity,
        effect=error_of(first).minus(error_of(second)),
        criterion=criterion,
        theory=first["theory"] - second["theory"],
    )


def against(quantity: str, row: Row, level: float, criterion: Criterion) -> Measurement:
    """Simulated error of a row, which is to be below a level, or above it."""
    return Measurement(
        quantity=quantity, effect=error_of(row), criterion=criterion, reference=level, theory=row["theory"]
    )


def agreement_of(row: Row, quantity: str) -> Measurement:
    """Whether a row's simulated error is the theory's in its number of dimensions."""
    return Measurement(
        quantity=quantity,
        effect=error_of(row),
        criterion="equal",
        reference=row["theory"] + row["finite_size"],
        theory=row["theory"] + row["finite_size"],
        allowances=(
            Allowance(name="finite size", size=row["finite_size_error"], source="next order of the derived term"),
        ),
    )


def origin(row: Row) -> str:
    """Where a simulated row comes from, in words."""
    return f"N = {row['n_features']:g}, {row['n_trials']:g} trials, seed {row['seed']:g}"
