"""A sweep held against the theory, cell by cell."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import xarray as xr

from perceptron_pruning.comparison import Agreement, compare
from perceptron_pruning.simulation import SimulationResult
from perceptron_pruning.studies.study import stable_text
from perceptron_pruning.sweeps.parsing import probe, rule, student
from perceptron_pruning.sweeps.sweep import OUTPUTS
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import Selection

_COLUMNS = {
    "theory": "test error ε of the theory at P/N",
    "simulated": "mean simulated ε; the median next to a transition",
    "difference": "simulated minus theory",
    "standard_error": "standard error of the simulated value",
    "finite_size": "expected difference at this N",
    "finite_size_error": "uncertainty of the expected difference",
    "z_score": "(difference - expected difference) / √(standard error² + uncertainty²)",
}


def compare_sweep(dataset: xr.Dataset, *, own: Sequence[Selection | EmpiricalRisk] = ()) -> xr.Dataset:
    """Compares every finished cell of a sweep with the theory, as `compare` does with one.

    Args:
        dataset: From `sweep` or `read_sweep`; it may be unfinished.
        own: Rules and students of your own that the sweep used; those of this package are known by their labels.

    Returns:
        ``theory``, ``simulated``, ``difference``, ``standard_error``, ``finite_size``, ``finite_size_error``,
        ``z_score`` and ``agrees`` with the dimensions and labels of the cells; NaN and false where trials are missing.

    Raises:
        ValueError: It is no sweep's dataset, a rule or student is not known, or there are fewer than 2 trials.
        SaddlePointError: The theory has no verified solution at a cell.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from tempfile import mkdtemp
        >>> from perceptron_pruning.sweeps import Grid, compare_sweep, sweep
        >>> from replica_theory import KeepRandom
        >>> grid = Grid(alpha_prune=(0.5, 1), selection=KeepRandom(), n_features=20, n_trials=20)
        >>> made = sweep(grid, f"{mkdtemp()}/errors.zarr", executor=ThreadPoolExecutor(1), engine="numpy")
        >>> compare_sweep(made).agrees.values.ravel()
        array([ True,  True])
    """
    if not isinstance(dataset, xr.Dataset) or "done" not in dataset:
        raise ValueError(f"`dataset` must be what `sweep` or `read_sweep` returns; got {dataset!r}")
    done = dataset.done.all("trial")
    known = {stable_text(one): one for one in own}
    columns = {name: np.full(done.shape, np.nan) for name in _COLUMNS}
    agrees = np.zeros(done.shape, dtype=bool)
    for place in zip(*np.nonzero(done.values), strict=True):
        comparison = _comparison(dataset.isel(dict(zip(done.dims, place, strict=True))), known)
        for name in columns:
            columns[name][place] = getattr(comparison, name)
        agrees[place] = comparison.agrees
    variables = {name: (done.dims, values, {"long_name": _COLUMNS[name]}) for name, values in columns.items()}
    return xr.Dataset(variables | {"agrees": (done.dims, agrees)}, dataset.drop_vars("trial", errors="ignore").coords)


def _comparison(cell: xr.Dataset, known: Mapping[str, Selection | EmpiricalRisk]) -> Agreement:
    """`compare` of the cell, as `simulate` would have returned it."""
    if cell.sizes["trial"] < 2:
        raise ValueError(f"`dataset` must have at least 2 trials to give a standard error; got {cell.sizes['trial']}")
    rule_label, student_label = cell.selection.item(), cell.student.item()
    n_kept, n_features = cell.n_kept.item(), cell.n_features.item()
    kind = probe(cell.probe.item())
    result = SimulationResult(
        alpha_prune=n_kept / n_features,
        selection=cast(Selection, known[rule_label]) if rule_label in known else rule(rule_label),
        probe_angle=cell.probe_angle.item() if kind == "exact" else float(cell.probe_angles.mean()),
        n_features=n_features,
        n_trials=cell.sizes["trial"],
        first_trial=0,
        seed=cell.seed.item(),
        n_kept=n_kept,
        probe=kind,
        probe_epochs=_parameters_of(cell)["probe_epochs"] if kind == "trained" else 0,
        student=cast(EmpiricalRisk, known[student_label]) if student_label in known else student(student_label),
        label_noise=cell.label_noise.item(),
        engine=_parameters_of(cell).get("engine", "numpy"),
        verified_by={},
        **{name: cell[name].values for name in OUTPUTS},
    )
    return compare(result)


def _parameters_of(cell: xr.Dataset) -> dict[str, Any]:
    """Of the sweep; a dataset that was a file has them as JSON, and one that was put together by hand has none."""
    study = cell.attrs.get("study", {})
    return json.loads(study) if isinstance(study, str) else study
